// Owns reading and changing the one VF that somebody has the lock of: its settings, its driver, who has it open.
// Decides nothing; each change is verified by reading it back.

import { VfleetError } from '../base/errors.ts';
import { parsePfAddress, splitPfAddress } from '../base/identifiers.ts';
import type { IfIndex, PciAddress, PfAddress } from '../base/identifiers.ts';
import { setVfDrivers } from '../apply/vf-driver-step.ts';
import { setVfs } from '../apply/vf-settings-step.ts';
import type { Execution } from '../apply/execution.ts';
import { readAttachment, surveyHolders } from '../inventory/holders.ts';
import { readUplink } from '../inventory/uplink.ts';
import type { VfInfo } from '../kernel/rtnetlink/vf-info.ts';
import { readDriver } from '../kernel/sysfs/device.ts';
import { readSriov, readVirtfn } from '../kernel/sysfs/sriov.ts';
import { lockLeases } from '../lease/vf-lock.ts';
import type { VfKey } from '../model/lease.ts';
import { usualDriver } from '../model/target.ts';
import type { VfHolder, VfSettings } from '../model/vf.ts';
import type { AssigningHost } from './assigning-host.ts';
import { missingSettings } from './lease-settings.ts';
import { keepProbeSwitch } from './probe-switch.ts';
import { quoted } from './wording.ts';

const lockPollMs = 5;

/** A VF as it is now. */
export interface PresentVf {
  readonly pf: PfAddress;
  readonly index: number;
  /** Absent off the PCI bus. */
  readonly address: PciAddress | undefined;
  readonly driver: string | undefined;
  readonly settings: VfSettings;
  /** Of the PF's own interface, through which the VF is set. */
  readonly uplinkIndex: IfIndex;
}

/** `VF 3 of 0000:01:00.0`. */
export function nameOfVf({ pf, vf }: VfKey): string {
  return `VF ${vf} of ${pf}`;
}

export function executionOf(host: AssigningHost): Execution {
  return {
    session: host.session,
    timeouts: host.timeouts,
    allowDisruption: false,
    report: host.report,
  };
}

/** Where a VF is; undefined when the VF or its PF is not there. The address is absent off the PCI bus. */
export function findVf(
  host: AssigningHost,
  key: VfKey,
): { readonly pf: PfAddress; readonly address: PciAddress | undefined } | undefined {
  const pf = parsePfAddress(key.pf);
  if (pf === undefined) return undefined;
  const { files } = host.session;
  if (splitPfAddress(pf).bus !== 'pci') {
    const { numVfs = 0 } = readSriov(files, pf) ?? {};
    return key.vf < numVfs ? { pf, address: undefined } : undefined;
  }
  const address = readVirtfn(files, pf, key.vf);
  return address === undefined ? undefined : { pf, address };
}

/** Throws `kernel.absent` when the VF is not there, or its PF cannot be asked about it. */
export async function readPresentVf(host: AssigningHost, key: VfKey): Promise<PresentVf> {
  const { files } = host.session;
  const place = findVf(host, key);
  if (place === undefined) throw absent(key, 'is not there');
  const { pf, address } = place;
  const { link, ifIndex: uplinkIndex } = await readUplink(host.session, pf, { vfs: true });
  const settings = settingsIn(link.vfs ?? [], key);
  const driver = address === undefined ? undefined : readDriver(files, address);
  return { pf, index: key.vf, address, driver, settings, uplinkIndex };
}

function settingsIn(vfs: readonly VfInfo[], key: VfKey): VfSettings {
  const found = vfs.find(({ index }) => index === key.vf);
  if (found === undefined) throw absent(key, 'is not described by its PF');
  const { rssQuery: _, ...settings } = found.settings;
  return settings;
}

function absent(key: VfKey, what: string): VfleetError {
  return new VfleetError('kernel.absent', `${nameOfVf(key)} ${what}`, {
    details: { pf: key.pf, vf: key.vf },
  });
}

/**
 * Makes a VF have these settings, in one go, and verifies what was set. `known` is the VF as it was read a moment ago:
 * to list the VFs of a PF once more keeps the kernel from everything else. Answers the VF as it was read last. Throws
 * `kernel.refused`, `verify.mismatch`, `kernel.absent` when the VF has gone.
 */
export async function setVfTo(
  host: AssigningHost,
  key: VfKey,
  wanted: VfSettings,
  known?: PresentVf,
): Promise<PresentVf> {
  const before = known ?? (await readPresentVf(host, key));
  const sent = missingSettings(before.settings, wanted);
  if (sent === undefined) return before;
  const step = {
    kind: 'vf-settings' as const,
    pf: before.pf,
    vfs: [{ index: key.vf, before: before.settings, after: sent }],
  };
  const vfs = await setVfs(step, executionOf(host), before.uplinkIndex);
  return { ...before, settings: settingsIn(vfs, key) };
}

/**
 * Gives a VF its driver: a name, `kernel` or `none`. The usual driver is found by a switch of the whole PF, so that is
 * done by one at a time.
 */
export async function bindVf(host: AssigningHost, { pf, vf }: VfKey, driver: string): Promise<void> {
  const step = { kind: 'vf-driver' as const, pf, vfs: [{ index: vf, after: driver }] };
  if (driver !== usualDriver) return setVfDrivers(step, executionOf(host));
  return withLeaseLock(host, 'probe', `bind ${nameOfVf({ pf, vf })}`, async () =>
    keepProbeSwitch(host, pf, async () => setVfDrivers(step, executionOf(host))),
  );
}

/** Does the work while nobody else of this host does such work; waits for its turn. Throws `lock.held`. */
export async function withLeaseLock<T>(
  host: AssigningHost,
  what: 'mac' | 'probe',
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  const endMs = Date.now() + host.timeouts.driverMs;
  for (;;) {
    const lock = lockLeases(host.stateFolder, what, doing);
    if ('release' in lock) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (Date.now() >= endMs) throw new VfleetError('lock.held', `${lock.heldBy} does not come to an end`);
    await new Promise((resolve) => setTimeout(resolve, lockPollMs));
  }
}

/**
 * Who has a VF in use so that it must not be reset: a VM or another process through vfio, or a network namespace. One
 * whom we may not see counts: nobody knows then.
 */
export async function listVfUsers(host: AssigningHost, address: PciAddress): Promise<readonly string[]> {
  const attachment = readAttachment(host.session, address);
  // With an interface here it is in nobody's hands but the host's.
  if (attachment.netdev !== undefined) return [];
  const { holders, unread } = await surveyHolders(host.session, [attachment]);
  const users = holders.get(address) ?? [];
  if (users.length > 0) return users.map(describeUser);
  return unread.map(({ what, why }) => `somebody unknown (${what}: ${why})`);
}

function describeUser({ kind, name, pid }: VfHolder): string {
  const words = { netdev: 'interface', netns: 'network namespace', vfio: 'process', vm: 'VM' } as const;
  return `${words[kind]} ${quoted(name)}${pid === undefined ? '' : ` (pid ${pid})`}`;
}
