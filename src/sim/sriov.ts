// Owns the number of VFs of a PF on a simulated host: what a write of `sriov_numvfs` does
// (drivers/pci/iov.c sriov_numvfs_store; drivers/net/netdevsim/bus.c for netdevsim).

import { attachDriver } from './driver-binding.ts';
import type { Outcome } from './driver-binding.ts';
import type { SimHost } from './host.ts';
import { isVfioDriver } from './host-index.ts';
import { commitWithNew, commitWithout } from './links.ts';
import type { SimPfProfile } from './profile.ts';
import type { SimNetdev, SimPf, SimVf } from './state.ts';
import { freeGroup, giveRepresentor, makeVf, takenGroups } from './vf-making.ts';
import { isVfHeld } from './vfio-use.ts';

/** sriov_numvfs is an unsigned number of 16 bits (kstrtou16). */
const maxNumber = 0xffff;
/** While VFs are made, their number is shown to grow about this often, in our own time. */
const progressRealMs = 10;

/** A write of `sriov_numvfs`; the answer comes when the driver is done. The caller holds the device's lock. */
export async function writeNumVfs(host: SimHost, address: string, text: string): Promise<Outcome> {
  const found = host.pf(address);
  if (found === undefined) return 'ENODEV';
  const count = parseKernelNumber(text);
  if (count === undefined) return 'EINVAL';
  const { pf, profile } = found;
  const isPci = profile.card.pci !== undefined;
  if (isPci && count > pf.totalVfs) return 'ERANGE';
  if (count === pf.vfs.length) return undefined;
  if (pf.driver === undefined) return 'ENOENT';
  if (count > 0 && pf.vfs.length > 0) return 'EBUSY';
  if (count > pf.totalVfs) return 'ENOMEM';
  if (profile.card.needsPfUp === true && pf.netdev?.up !== true) return undefined;
  // "not enough MMIO resources for SR-IOV" (sriov_enable).
  if (profile.withoutVfSpace === true && count > 0) return 'ENOMEM';
  return count === 0 ? removeVfs(host, address) : createVfs(host, address, count);
}

/** A number as kstrtou16 with base 0 reads it: decimal, 0x, or octal with a leading 0, and a line feed at the end. */
function parseKernelNumber(text: string): number | undefined {
  const digits = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (!/^\+?(?:0x[0-9a-f]+|[0-9]+)$/i.test(digits)) return undefined;
  const plain = digits.replace('+', '');
  const isOctal = /^0[0-9]+$/.test(plain);
  if (isOctal && /[89]/.test(plain)) return undefined;
  const value = isOctal ? parseInt(plain, 8) : Number(plain);
  return value <= maxNumber ? value : undefined;
}

async function createVfs(host: SimHost, address: string, count: number): Promise<Outcome> {
  const first = host.pf(address);
  if (first === undefined) return 'ENODEV';
  const { card } = first.profile;
  const isProbed = card.vfDriver !== undefined && first.pf.driversAutoprobe;
  const perVfMs = card.vfCreationMs + (isProbed && card.vfDriverDelayMs === undefined ? card.vfProbeMs : 0);
  const rounds = Math.min(
    count,
    Math.max(1, Math.round(host.clock.realMs(perVfMs * count) / progressRealMs)),
  );
  first.pf.creating = { target: count, pid: process.pid };
  host.commit();
  for (let round = 1; round <= rounds; round++) {
    if (perVfMs > 0) await host.clock.sleep((perVfMs * count) / rounds);
    host.enter();
    const found = host.pf(address);
    // Pulled out meanwhile.
    if (found === undefined) return 'ENODEV';
    addVfs(host, found, Math.floor((count * round) / rounds));
  }
  const done = host.pf(address);
  if (done !== undefined) done.pf.creating = undefined;
  host.commit();
  return undefined;
}

/** Makes VFs until there are `count`, each with its driver where the PF allows that. */
function addVfs(host: SimHost, found: { pf: SimPf; profile: SimPfProfile }, count: number): void {
  const { pf, profile } = found;
  const { card } = profile;
  const taken = takenGroups(host.state);
  const made: SimVf[] = [];
  while (pf.vfs.length < count) {
    const isGrouped = host.profile.iommu && card.pci !== undefined;
    const group = isGrouped ? freeGroup(host.profile, taken) : undefined;
    if (group !== undefined) taken.add(group);
    const vf = makeVf(profile, pf.vfs.length, group);
    Object.assign(vf.settings, pf.remembered?.[vf.index]);
    if (card.rules.unready !== undefined) {
      vf.unreadyUntilMs = host.clock.nowMs() + card.rules.unready.durationMs;
    }
    if (pf.eswitchMode === 'switchdev') giveRepresentor(host.state, profile, vf);
    pf.vfs.push(vf);
    made.push(vf);
  }
  const { vfDriver } = card;
  const netdevs = made.flatMap((vf) => {
    const own = vf.representor === undefined ? [] : [vf.representor];
    if (vfDriver === undefined || !pf.driversAutoprobe) return own;
    return [...own, ...probeNewVf(host, found, vf, vfDriver)];
  });
  commitWithNew(host, netdevs);
}

function probeNewVf(
  host: SimHost,
  { pf, profile }: { pf: SimPf; profile: SimPfProfile },
  vf: SimVf,
  driver: string,
): SimNetdev[] {
  const { vfDriverDelayMs } = profile.card;
  if (vfDriverDelayMs === undefined) {
    return attachDriver(host, { role: 'vf', address: vf.address ?? '', profile, pf, vf }, driver);
  }
  host.schedule({ pf: pf.address, vf: vf.index, what: 'driver' }, vfDriverDelayMs);
  return [];
}

/** Takes all VFs of a PF away; waits for those that somebody has open through vfio. */
async function removeVfs(host: SimHost, address: string): Promise<Outcome> {
  await host.waitUntil(() => {
    const vfs = host.pf(address)?.pf.vfs ?? [];
    return !vfs.some((vf) => isVfioDriver(vf.driver) && isVfHeld(host, vf));
  });
  const pf = host.pf(address)?.pf;
  if (pf === undefined) return 'ENODEV';
  const netdevs = pf.vfs.flatMap(({ netdev, representor }) => [netdev, representor]);
  const remembers = host.pf(address)?.profile.card.remembersVfs === true;
  commitWithout(host, netdevs, () => {
    if (remembers) remember(pf);
    pf.vfs = [];
    host.cancelArrivals(address);
  });
  return undefined;
}

/** Kept by index: those that were not there this time stay as they were. */
function remember(pf: SimPf): void {
  const remembered = [...(pf.remembered ?? [])];
  for (const { index, settings } of pf.vfs) remembered[index] = settings;
  pf.remembered = remembered;
}

/** Ends the making of VFs that a process began and did not live to see: the kernel goes on without it. */
export function finishCreation(host: SimHost): void {
  for (const { address, creating } of host.state.pfs) {
    const found = host.pf(address);
    if (creating === undefined || found === undefined || isAlive(creating.pid)) continue;
    addVfs(host, found, creating.target);
    found.pf.creating = undefined;
    host.commit();
  }
}

/** Whether another process is at work; our own past does not count. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
