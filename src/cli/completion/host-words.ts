// Owns the names of things on a host that a command line can be completed with: networks, VMs, leased VFs.
// Looks only: makes no file and no folder, asks for no password, and knows nothing where it may not look.

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readAppliedSpec } from '../../apply/applied-spec.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import type { Lease } from '../../model/lease.ts';
import { parseSpec } from '../../spec/parsed-spec.ts';
import { findAgent } from '../agent-client.ts';
import { readLeaseList } from '../assigning.ts';
import { readSpecFile } from '../commands/planning.ts';
import { stateFolderOf } from '../host.ts';

/** Where the words come from: what --host, --state and --libvirt say. */
export interface WordSource {
  readonly host: string;
  readonly state: string;
  readonly libvirt: string | undefined;
}

/** libvirt lets everybody read there, without asking who it is; `-ro` is how it names such a socket. */
const readOnlySockets = ['/run/libvirt/libvirt-sock-ro', '/run/libvirt/virtqemud-sock-ro'];

/** Names of the networks of a spec file, or of the applied spec. Throws what reading a spec throws. */
export async function listNetworks(source: WordSource, specFile: string | undefined): Promise<string[]> {
  if (specFile !== undefined) return namesIn(await readSpecFile(specFile.replace(/^~(?=\/)/, homedir())));
  const stateFolder = stateFolderOf(source.host, source.state);
  const applied = stateFolder === undefined ? undefined : readAppliedSpec(stateFolder);
  return applied === undefined ? [] : namesIn(parseSpec(applied.text, applied.fileName));
}

function namesIn({ spec }: ReturnType<typeof parseSpec>): string[] {
  return (spec.networks ?? []).map(({ name }) => name);
}

/** Names of the VMs of the hypervisor. Throws when it cannot be asked. */
export async function listVmNames(source: WordSource): Promise<string[]> {
  const stateFolder = stateFolderOf(source.host, source.state);
  if (stateFolder === undefined) return [];
  const agent = await findAgent({ label: source.host, stateFolder });
  if (agent !== undefined) return (await agent.listVms()).map(({ name }) => name);
  const hypervisor = await openToRead(source, stateFolder);
  try {
    return ((await hypervisor?.listVms()) ?? []).map(({ name }) => name);
  } finally {
    hypervisor?.close();
  }
}

async function openToRead(
  { host, libvirt }: WordSource,
  stateFolder: string,
): Promise<Hypervisor | undefined> {
  if (host !== 'local') {
    const { openSimHypervisor } = await import('../../hypervisor/simulated/sim-hypervisor.ts');
    return openSimHypervisor({ stateFile: join(stateFolder, 'vms.json') });
  }
  const { connectLibvirt } = await import('../../hypervisor/libvirt/hypervisor.ts');
  if (process.geteuid?.() === 0) return connectLibvirt(libvirt === undefined ? {} : { socketPath: libvirt });
  // At the other socket, polkit may put up a question for a password.
  const sockets = libvirt === undefined ? readOnlySockets : [libvirt.replace(/(?:-ro)?$/, '-ro')];
  const socketPath = sockets.find((path) => existsSync(path));
  return socketPath === undefined ? undefined : connectLibvirt({ socketPath });
}

/** The leases of a host. Throws what the lease store throws. */
export async function listLeases({ host, state }: WordSource): Promise<readonly Lease[]> {
  const stateFolder = stateFolderOf(host, state);
  if (stateFolder === undefined) return [];
  const agent = await findAgent({ label: host, stateFolder });
  if (agent !== undefined) return (await agent.listLeases()).leases;
  return existsSync(join(stateFolder, 'leases')) ? (await readLeaseList(stateFolder)).leases : [];
}
