// Owns the VMs inside the lab: continuing a saved one, asking it, ending it. All through Debian's virsh, nothing of vfleet.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, succeeds } from '../lab-host.ts';
import { channelPathIn, labVms } from './domain.ts';
import type { LabVmName } from './domain.ts';
import { openGuestChannel } from './guest-channel.ts';
import type { Answer } from './guest-channel.ts';
import { libvirtUri, startLibvirt } from './libvirtd.ts';
import type { LibvirtDaemon } from './libvirtd.ts';
import { capabilitiesFolder, savedVmFile } from './saved-vms.ts';

/** A running VM. */
export interface LabVm {
  readonly name: LabVmName;
  /** Runs a line in the guest's shell; what it printed. Fails when the line does. */
  ask(line: string): Promise<string>;
  /** Runs a line that may fail. */
  tryAsk(line: string): Promise<Answer>;
  /** Ends it as a power cut does, through libvirt and behind the back of everybody else. */
  destroy(): Promise<void>;
}

/** Runs a command of virsh; what it printed. */
export async function virsh(...args: readonly string[]): Promise<string> {
  return run('virsh', ['-c', libvirtUri(), '-q', ...args]);
}

/** Starts libvirt where it does not run, and goes on with a saved VM. */
export async function startVm(name: LabVmName, daemon: LibvirtDaemon = 'libvirtd'): Promise<LabVm> {
  const folder = savedFolder();
  await startLibvirt(daemon, join(folder, capabilitiesFolder));
  await virsh('restore', savedVmFile(folder, name), '--running');
  const path = channelPathIn(await virsh('dumpxml', name));
  if (path === undefined) throw new Error(`libvirt gave ${name} no channel`);
  const channel = await openGuestChannel(path);
  return {
    name,
    ask: async (line) => {
      const { status, text } = await channel.ask(line);
      if (status !== 0) throw new Error(`${line} in ${name} ended with ${status}: ${text}`);
      return text;
    },
    tryAsk: async (line) => channel.ask(line),
    destroy: async () => {
      channel.close();
      await virsh('destroy', name);
    },
  };
}

/** Gives a running VM a stored definition: what it was started with. */
export async function storeDefinition(name: LabVmName): Promise<void> {
  const file = join(tmpdir(), `${name}.xml`);
  writeFileSync(file, await virsh('dumpxml', name, '--inactive'));
  await virsh('define', file);
}

/** Ends the VMs that still run. */
export async function destroyVms(): Promise<void> {
  for (const { name } of labVms) await succeeds('virsh', ['-c', libvirtUri(), 'destroy', name]);
}

/** MAC addresses of the passed-through interfaces of a VM, as libvirt lists them. */
export async function listPassedThrough(name: LabVmName): Promise<string[]> {
  const lines = (await virsh('domiflist', name)).split('\n').map((line) => line.trim().split(/\s+/));
  return lines.filter(([, kind]) => kind === 'hostdev').map((cells) => cells.at(-1) ?? '');
}

function savedFolder(): string {
  // What starts the lab says where they are (scripts/test.mjs).
  const folder = process.env['VFLEET_LAB_VMS'];
  if (folder === undefined) throw new Error('VFLEET_LAB_VMS does not say where the saved VMs are');
  return folder;
}
