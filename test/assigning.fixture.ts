// Owns a simulated host with VFs, VMs and leases under test: attaching, detaching, killing it, looking whether all is well.

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AssigningHost } from '../src/assign/assigning-host.ts';
import type { ReadGround } from '../src/assign/ground.ts';
import { defaultTimeouts } from '../src/apply/timeouts.ts';
import { openSimHypervisor } from '../src/hypervisor/simulated/sim-hypervisor.ts';
import type { SimHypervisor } from '../src/hypervisor/simulated/sim-hypervisor.ts';
import type { SimVmFault } from '../src/hypervisor/simulated/sim-vm-fault.ts';
import { newSimVms } from '../src/hypervisor/simulated/sim-vms.ts';
import type { SimVms } from '../src/hypervisor/simulated/sim-vms.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { leaseFolder, openFileLeases } from '../src/lease/file-leases.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import type { LeaseStore } from '../src/lease/lease-store.ts';
import { listQuarantines } from '../src/lease/quarantine.ts';
import { listNames } from '../src/lease/record-file.ts';
import { vfFileName } from '../src/lease/vf-file-name.ts';
import type { AttachRequest } from '../src/model/attachment.ts';
import type { SimFault } from '../src/sim/fault.ts';
import { newNetdev } from '../src/sim/netdev.ts';
import type { SimProfile } from '../src/sim/profile.ts';
import type { SimProfileName } from '../src/sim/profiles/profile-table.ts';
import { createSimKernel } from '../src/sim/sim-kernel.ts';
import type { SimKernel } from '../src/sim/sim-kernel.ts';
import type { SimState, SimVf } from '../src/sim/state.ts';
import { resolveOffer } from '../src/spec/offer.ts';
import { parseSpec } from '../src/spec/parsed-spec.ts';
import { applyText, hostOn } from './applying.fixture.ts';

/** Everything of a host that outlives a process, and what the next process is opened with. */
export interface World {
  readonly profile: SimProfileName | SimProfile;
  readonly state: SimState;
  readonly vms: SimVms;
  readonly stateFolder: string;
  readonly readGround: ReadGround;
}

/** One process on the host. */
export interface Process {
  readonly kernel: SimKernel;
  readonly hypervisor: SimHypervisor;
  readonly host: AssigningHost;
  readonly reports: string[];
}

/** What goes wrong in one process. */
export interface Faults {
  readonly kernel?: readonly SimFault[];
  readonly vms?: readonly SimVmFault[];
  /** The process dies around this change of the leases. */
  readonly lease?: { readonly after: number; readonly kill: 'before' | 'after' };
  readonly onKill?: () => void;
  readonly signal?: AbortSignal;
  /** Faster than usual, where a test waits for a bound. */
  readonly unplugTimeoutMs?: number;
}

const folders: string[] = [];

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-assign-'));
  folders.push(folder);
  return folder;
}

/** To be called after each test. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A host to which a spec with networks was applied. */
export async function makeWorld(profile: SimProfileName | SimProfile, spec: string): Promise<World> {
  const kernel = createSimKernel({ profile });
  kernel.change(addBridges);
  const applying = hostOn(kernel, newFolder());
  await applyText(applying, spec);
  applying.session.close();
  const session = new KernelSession(kernel);
  const offer = resolveOffer(parseSpec(spec, 'host.yaml'), await readSnapshot(session, { detail: 'full' }));
  session.close();
  const state = structuredClone(kernel.state);
  state.faultCounts = {};
  return { profile, state, vms: newSimVms(), stateFolder: newFolder(), readGround: async () => ({ offer }) };
}

/** What the standby of a failover pair is plugged into: `br0`, and `br-int` of Open vSwitch. */
export function addBridges(state: SimState): void {
  const bridges = [
    ['br0', 'bridge'],
    ['br-int', 'openvswitch'],
  ] as const;
  bridges.forEach(([name, kind], index) =>
    state.otherNetdevs.push({ ...newNetdev(state, name, `52:54:00:b0:00:0${index}`, true), kind }),
  );
}

/** The same host once more: what is done to one is not seen in the other. */
export function copyWorld(world: World): World {
  return {
    ...world,
    state: structuredClone(world.state),
    vms: structuredClone(world.vms),
    stateFolder: copyFolder(world.stateFolder),
  };
}

/**
 * The host after its process was killed: locks belong to files that nobody has open any more, so these are new files.
 */
export function afterDeath(world: World): World {
  world.state.faultCounts = {};
  world.vms.faultCounts = {};
  return { ...world, stateFolder: copyFolder(world.stateFolder) };
}

function copyFolder(from: string): string {
  const to = newFolder();
  cpSync(from, to, { recursive: true });
  return to;
}

export function openProcess(world: World, faults: Faults = {}): Process {
  const onKill = faults.onKill ?? (() => undefined);
  const kernel = createSimKernel({
    profile: world.profile,
    state: world.state,
    faults: faults.kernel ?? [],
    onKill,
  });
  const hypervisor = openSimHypervisor({ vms: world.vms, host: kernel, faults: faults.vms ?? [], onKill });
  const reports: string[] = [];
  const leases = openFileLeases(world.stateFolder);
  const host: AssigningHost = {
    session: new KernelSession(kernel),
    stateFolder: world.stateFolder,
    leases: faults.lease === undefined ? leases : dyingLeases(leases, faults.lease, onKill),
    hypervisor,
    timeouts: defaultTimeouts,
    unplugTimeoutMs: faults.unplugTimeoutMs ?? 1000,
    report: (text) => reports.push(text),
    signal: faults.signal,
  };
  return { kernel, hypervisor, host, reports };
}

/** Leases whose process dies around one change. */
function dyingLeases(
  leases: LeaseStore,
  fault: NonNullable<Faults['lease']>,
  onKill: () => void,
): LeaseStore {
  let seen = 0;
  async function change<T>(work: () => Promise<T>): Promise<T> {
    const isMet = seen === fault.after;
    seen += 1;
    if (!isMet) return work();
    if (fault.kill === 'after') await work();
    onKill();
    return new Promise(() => undefined);
  }
  return {
    ...leases,
    create: async (lease) => change(async () => leases.create(lease)),
    deleteIfGeneration: async (key, generation) =>
      change(async () => leases.deleteIfGeneration(key, generation)),
  };
}

export type Place = 'kernel' | 'vms' | 'lease';
export const places: readonly Place[] = ['kernel', 'vms', 'lease'];

/** Does the work in a process that dies around change number `after` at a place; tells whether it died. */
export async function runUntilKilled(
  world: World,
  at: { readonly place: Place; readonly after: number; readonly kill: 'before' | 'after' },
  work: (process: Process) => Promise<unknown>,
): Promise<boolean> {
  let resolve: (died: true) => void = () => undefined;
  const promise = new Promise<true>((done) => {
    resolve = done;
  });
  const { place, after, kill } = at;
  const onKill = (): void => resolve(true);
  const faults: Faults =
    place === 'kernel'
      ? { kernel: [{ operation: 'change', after, kill }], onKill }
      : place === 'vms'
        ? { vms: [{ operation: 'change', after, kill }], onKill }
        : { lease: { after, kill }, onKill };
  const process = openProcess(world, faults);
  return Promise.race([work(process).then(() => false), promise]);
}

/** The host after somebody began to apply another spec to it and was killed in the middle. */
export async function cutOffApply(world: World, spec: string): Promise<World> {
  const died = await runUntilKilled(world, { place: 'kernel', after: 0, kill: 'after' }, async ({ kernel }) =>
    applyText(hostOn(kernel, world.stateFolder), spec),
  );
  if (!died) throw new Error('the apply came to its end');
  return afterDeath(world);
}

export function request(vm: string, more: Partial<AttachRequest> = {}): AttachRequest {
  return { vm, network: 'storage', hold: 'live', spread: false, acceptedRisks: [], ...more };
}

/** VFs of the host with their PF. */
export function vfsOf({ state }: Pick<World, 'state'>): readonly (SimVf & { pf: string })[] {
  return state.pfs.flatMap((pf) => pf.vfs.map((vf) => ({ ...vf, pf: pf.address })));
}

/** What of a VF an owner leaves or a pool prescribes; a network driver without an address takes one of its own. */
export function factsOf(world: Pick<World, 'state'>): unknown {
  return vfsOf(world).map(({ pf, index, driver, settings, adminMac, dirt, borrowed, driverOverride }) => ({
    pf,
    index,
    driver,
    settings: adminMac === true ? settings : { ...settings, mac: 'its own' },
    dirt,
    isBorrowed: borrowed !== undefined,
    driverOverride,
  }));
}

/** What may be so besides. */
export interface Expected {
  /** Standbys that stay in a VM whose VF was unplugged past vfleet. */
  readonly staying?: number;
}

/**
 * Whether every VF is either free and as it was at the start, or leased to a VM that has it. Answers what is wrong, none
 * when all is well. Other than that nothing may be left: interfaces in VMs, quarantines, half-written files.
 */
export async function problemsOf(
  world: World,
  start: World,
  { staying = 0 }: Expected = {},
): Promise<readonly string[]> {
  const problems: string[] = [];
  const leases = await listEveryLease(openFileLeases(world.stateFolder));
  const before = factsOf(start) as readonly unknown[];
  const after = factsOf(world) as readonly unknown[];
  vfsOf(world).forEach((vf, at) => {
    const lease = leases.find(({ key }) => key.pf === vf.pf && key.vf === vf.index);
    const name = `VF ${vf.index} of ${vf.pf}`;
    const vms = world.vms.vms.filter(({ nics, storedNics }) =>
      [...nics, ...storedNics].some(({ hostAddress }) => hostAddress === vf.address),
    );
    if (lease === undefined) {
      if (vms.length > 0) problems.push(`${name} is free, and ${vms[0]?.name} has it`);
      if (JSON.stringify(before[at]) !== JSON.stringify(after[at]))
        problems.push(`${name} is free and not clean: ${JSON.stringify(after[at])}`);
      return;
    }
    if (vms.length !== 1 || vms[0]?.name !== lease.owner.name)
      problems.push(`${name} is leased, and its VM does not have it`);
    for (const [setting, value] of Object.entries(lease.settings)) {
      // The kernel says auto where a driver knows no link state.
      const found =
        vf.settings[setting as keyof typeof vf.settings] ?? (setting === 'linkState' ? 'auto' : undefined);
      if (found !== value) problems.push(`${name}: ${setting} is ${String(found)}, not ${String(value)}`);
    }
    const nics = vms.flatMap((vm) => [...vm.nics, ...vm.storedNics]);
    if (lease.standby !== undefined && !nics.some(({ teaming }) => teaming?.role === 'persistent'))
      problems.push(`${name}: its standby is gone`);
  });
  const wanted = leases.filter(({ standby }) => standby !== undefined).length + staying;
  for (const vm of world.vms.vms) {
    for (const nics of [vm.nics, vm.storedNics]) {
      const standbys = nics.filter(({ teaming }) => teaming?.role === 'persistent');
      if (standbys.length > wanted) problems.push(`${vm.name} has a standby and no VF`);
    }
  }
  for (const name of listNames(leaseFolder(world.stateFolder))) {
    const vf = leases.find(({ key }) => name === `${vfFileName(key)}.pair`);
    if (name.endsWith('.tmp') || (name.endsWith('.pair') && vf?.standby === undefined))
      problems.push(`${name} is left`);
  }
  if (listQuarantines(world.stateFolder).length > 0) problems.push('something is in quarantine');
  return problems;
}
