// Owns the meaning of --host: which kernel or file stands behind it, and where its state is kept.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VfleetError, messageOf } from '../base/errors.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import { localKernel } from '../kernel/local-kernel.ts';
import { KernelSession } from '../kernel/session.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Host, SavedHost } from './context.ts';

/** 8 PFs with 256 VFs are 2 MB; a file over this is something else. */
const maxSnapshotBytes = 256 * 1024 * 1024;
const simName = /^sim:([a-z0-9][a-z0-9-]*)(?::(.+))?$/;

/** Where the state of a host is kept; undefined for what is no host that has one. Makes nothing. */
export function stateFolderOf(value: string, stateRoot: string): string | undefined {
  if (value === 'local') return join(stateRoot, value);
  const [, profile] = simName.exec(value) ?? [];
  return profile === undefined ? undefined : join(stateRoot, `sim-${profile}`);
}

/** Opens `local`, `sim:PROFILE[:FAULTS.json]` or `snapshot:FILE`. */
export async function openHost(value: string, stateRoot: string): Promise<Host> {
  if (value === 'local') {
    return {
      kind: 'live',
      label: value,
      session: new KernelSession(localKernel()),
      stateFolder: join(stateRoot, 'local'),
    };
  }
  if (value.startsWith('snapshot:')) return openSnapshot(value.slice('snapshot:'.length));
  const [, profile, faultsFile] = simName.exec(value) ?? [];
  if (profile === undefined) {
    throw new VfleetError('host.invalid', `--host ${value} is none of local, sim:PROFILE, snapshot:FILE`);
  }
  const { openSimKernel } = await import('../sim/open-sim-kernel.ts');
  const { openStateFolder } = await import('../apply/state-folder.ts');
  const stateFolder = openStateFolder(join(stateRoot, `sim-${profile}`));
  const kernel = await openSimKernel(profile, {
    stateFile: join(stateFolder, 'kernel.json'),
    ...(faultsFile === undefined ? {} : { faultsFile }),
  });
  return { kind: 'live', label: value, session: new KernelSession(kernel), stateFolder, simulated: kernel };
}

/**
 * Connects to the hypervisor of a host. `libvirtSocket` absent: the first of libvirt's usual ones where somebody answers.
 * Throws `host.read-only`, `hypervisor.unreachable`, `permission.missing`.
 */
export async function openHypervisor(host: Host, libvirtSocket: string | undefined): Promise<Hypervisor> {
  if (host.kind === 'snapshot')
    throw new VfleetError('host.read-only', `${host.label} is a picture of a host: no VM runs there`);
  if (host.simulated !== undefined) {
    const { openSimHypervisor } = await import('../hypervisor/simulated/sim-hypervisor.ts');
    return openSimHypervisor({ stateFile: join(host.stateFolder, 'vms.json'), host: host.simulated });
  }
  const { connectLibvirt } = await import('../hypervisor/libvirt/hypervisor.ts');
  return connectLibvirt(libvirtSocket === undefined ? {} : { socketPath: libvirtSocket });
}

async function openSnapshot(path: string): Promise<SavedHost> {
  return { kind: 'snapshot', label: `snapshot:${path}`, snapshot: await readSnapshotFile(path) };
}

/** Reads a file that `vfleet snapshot` wrote. Throws `file.unreadable`, `snapshot.version`, `snapshot.invalid`. */
export async function readSnapshotFile(path: string): Promise<Snapshot> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxSnapshotBytes)
      throw new Error(`it has ${size} bytes, a snapshot has at most ${maxSnapshotBytes}`);
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new VfleetError('file.unreadable', `snapshot ${path}: ${messageOf(cause)}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new VfleetError('snapshot.invalid', `${path} is cut off or no JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
  const { Snapshot: schema, snapshotVersion } = await import('../model/snapshot.ts');
  const written: unknown =
    typeof value === 'object' && value !== null && 'snapshotVersion' in value
      ? value.snapshotVersion
      : undefined;
  if (typeof written === 'number' && written !== snapshotVersion) {
    throw new VfleetError(
      'snapshot.version',
      `${path} has snapshot version ${written}, this vfleet reads ${snapshotVersion}`,
    );
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new VfleetError(
    'snapshot.invalid',
    `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is no snapshot'}`,
  );
}
