// Owns what a PF allows of what the spec asks: number of VFs, MTU, eswitch, rates, drivers.
// Addresses are judged by mac-choice.ts, because they concern the whole host.

import type { Network } from '../model/network.ts';
import type { VfSpec } from '../model/spec.ts';
import { noDriver } from '../model/target.ts';
import { poolProblem } from './network-rules.ts';
import { isPciPf, mostVfsOf, pathOfSetting, type PfDraft, type VfDraft } from './pf-draft.ts';
import { renderPath, type Report, type SpecPath } from './problem.ts';
import { blame, checkVfSettings, isDefaultAloneUsed, isMinOverMax } from './vf-rules.ts';
import type { RangeSettings } from './vf-rules.ts';
import { printable } from './wording.ts';

/** Reports what the PF of a draft cannot be. */
export function checkPf(draft: PfDraft, report: Report): void {
  // With several PFs under one entry, the place in the file does not say which one is meant.
  const suffix = (draft.entry.expect ?? 1) > 1 ? ` (${printable(draft.pf.address)})` : '';
  const told = new Set<string>();
  const reportHere = (path: SpecPath, text: string): void => {
    // The same setting of 200 VFs in a range is one problem.
    const key = renderPath(path);
    if (!told.has(key)) report(path, `${text}${suffix}`);
    told.add(key);
  };
  checkInterface(draft, reportHere);
  checkEswitch(draft, reportHere);
  checkCount(draft, reportHere);
  checkDefaultAlone(draft, reportHere);
  for (const vf of draft.vfs) {
    checkDriver(draft, vf, reportHere);
    checkRates(draft, vf, reportHere);
  }
}

function checkInterface({ pf, entry, path }: PfDraft, report: Report): void {
  const { mtu, up } = entry;
  const [netdev] = pf.netdevs;
  if (netdev === undefined) {
    const text = 'this PF has no network interface here';
    if (mtu !== undefined) report([...path, 'mtu'], text);
    if (up !== undefined) report([...path, 'up'], text);
    return;
  }
  if (mtu === undefined) return;
  if (netdev.minMtu !== undefined && mtu < netdev.minMtu) {
    report([...path, 'mtu'], `${mtu} is less than this PF's smallest, ${netdev.minMtu}`);
  }
  // The kernel reports 0 for a driver without an upper limit (net/core/dev.c, dev_validate_mtu).
  if (netdev.maxMtu !== undefined && netdev.maxMtu > 0 && mtu > netdev.maxMtu) {
    report([...path, 'mtu'], `${mtu} is more than this PF's largest, ${netdev.maxMtu}`);
  }
}

function checkEswitch({ pf, entry, path }: PfDraft, report: Report): void {
  // A PF without an eswitch in devlink behaves as `legacy` says.
  if (entry.eswitch !== 'switchdev' || pf.devlink?.eswitchMode !== undefined) return;
  const driver = pf.driver === undefined ? '' : ` with driver ${printable(pf.driver)}`;
  report([...path, 'eswitch'], `this PF${driver} has no eswitch in devlink`);
}

function checkCount({ pf, entry, path, ranges, count }: PfDraft, report: Report): void {
  if (entry.vfs === undefined) return;
  const most = mostVfsOf(pf);
  if (entry.vfs.count !== undefined) {
    if (count > most) report([...path, 'vfs', 'count'], `${count} is more than this PF's ${most}`);
    return;
  }
  for (const range of ranges) {
    if (range.last < count) continue;
    const has = count === 1 ? '1 VF' : `${count} VFs`;
    report([...path, 'vfs', range.key], `there is no VF ${range.last}: this PF has ${has}; give a count`);
  }
}

/** What file-rules.ts could not decide without the number of VFs. */
function checkDefaultAlone({ entry, path, ranges, count }: PfDraft, report: Report): void {
  if (entry.vfs?.default === undefined || entry.vfs.count !== undefined) return;
  if (!isDefaultAloneUsed(ranges, count)) return;
  for (const fault of checkVfSettings(entry.vfs.default)) {
    report([...path, 'vfs', ...blame(fault, undefined)], fault.text);
  }
}

function checkDriver(draft: PfDraft, { settings, range }: VfDraft, report: Report): void {
  const { driver } = settings;
  if (driver === undefined || driver === noDriver || isPciPf(draft.pf)) return;
  report(pathOfSetting(draft, range, 'driver'), "this PF's VFs are no PCI devices and take no driver");
}

function checkRates(draft: PfDraft, vf: VfDraft, report: Report): void {
  const { settings, range } = vf;
  if (settings.minTxRateMbps === undefined && settings.maxTxRateMbps === undefined) return;
  const speedMbps = linkSpeedOf(draft);
  for (const key of ['minTxRateMbps', 'maxTxRateMbps'] as const) {
    const rate = settings[key];
    if (rate === undefined || speedMbps === undefined || rate <= speedMbps) continue;
    report(pathOfSetting(draft, range, key), `${rate} is more than the link's ${speedMbps} Mbit/s`);
  }
  checkPresentRates(draft, vf.index, settings, range, report);
}

/**
 * The kernel takes both rates together: one that the spec leaves alone stays, also when the VFs are made anew, and must
 * fit the other.
 */
function checkPresentRates(
  draft: PfDraft,
  index: number,
  settings: VfSpec,
  range: RangeSettings | undefined,
  report: Report,
): void {
  const present = draft.pf.vfs.find((vf) => vf.index === index)?.settings;
  const { minTxRateMbps: min, maxTxRateMbps: max } = settings;
  if (min !== undefined && max === undefined && isMinOverMax(min, present?.maxTxRateMbps ?? 0)) {
    report(
      pathOfSetting(draft, range, 'minTxRateMbps'),
      `${min} is more than the present maxTxRateMbps ${present?.maxTxRateMbps ?? 0} of VF ${index}; give both`,
    );
  }
  if (max !== undefined && min === undefined && isMinOverMax(present?.minTxRateMbps ?? 0, max)) {
    report(
      pathOfSetting(draft, range, 'maxTxRateMbps'),
      `${max} is less than the present minTxRateMbps ${present?.minTxRateMbps ?? 0} of VF ${index}; give both`,
    );
  }
}

/** Reports what the PF of a draft cannot be to the networks that it is said to reach. */
export function checkReachedNetworks(
  { pf, entry, path, ranges, count }: PfDraft,
  networks: ReadonlyMap<string, Network>,
  report: Report,
): void {
  if (entry.networks === undefined || entry.networks.length === 0) return;
  const suffix = (entry.expect ?? 1) > 1 ? ` (${printable(pf.address)})` : '';
  if (entry.vfs?.count === undefined) {
    const problem = poolProblem(ranges, count);
    if (problem !== undefined) {
      const text = count === 0 ? 'there is no VF for them: this PF has none; give a count' : problem;
      report([...path, 'networks'], `${text}${suffix}`);
    }
  }
  const speedMbps = linkSpeedOf({ pf });
  if (speedMbps === undefined) return;
  for (const [index, name] of entry.networks.entries()) {
    for (const key of ['minTxRateMbps', 'maxTxRateMbps'] as const) {
      const rate = networks.get(name)?.[key] ?? 0;
      if (rate <= speedMbps) continue;
      const text = `${key} ${rate} of ${name} is more than the link's ${speedMbps} Mbit/s`;
      report([...path, 'networks', index], `${text}${suffix}`);
    }
  }
}

/** The fastest of the PF's links, undefined when none is known. */
export function linkSpeedOf({ pf }: Pick<PfDraft, 'pf'>): number | undefined {
  const speeds = pf.netdevs.flatMap(({ speedMbps = 0 }) => (speedMbps > 0 ? [speedMbps] : []));
  return speeds.length === 0 ? undefined : Math.max(...speeds);
}
