// Owns what must hold within a spec, whatever the host is.
// Takes what is sound of a file that may be wrong elsewhere; each rule reports and lets the next one run.

import { isMulticastMac, parseMacAddress, parsePfAddress, zeroMacAddress } from '../base/identifiers.ts';
import { autoMac, type VfSpec, type VfsSpec } from '../model/spec.ts';
import { checkNetworks } from './network-rules.ts';
import {
  comparePositions,
  type IsBroken,
  type Locate,
  renderPath,
  type Report,
  type SpecPath,
} from './problem.ts';
import type { SoundPf, SoundSpec } from './shape.ts';
import { holdsSeveral, overlapsOf } from './vf-ranges.ts';
import {
  blame,
  checkVfSettings,
  isDefaultAloneUsed,
  mergeSettings,
  type RangeSettings,
  rangesOf,
} from './vf-rules.ts';
import { quoted } from './wording.ts';

/** An address in the file and where it stands. */
interface MacUse {
  readonly mac: string;
  readonly path: SpecPath;
}

/** Reports what contradicts itself within the file. */
export function checkFile(spec: SoundSpec, locate: Locate, isBroken: IsBroken, report: Report): void {
  checkNetworks(spec, locate, isBroken, report);
  const macUses: MacUse[] = [];
  for (const [index, pf] of (spec.pfs ?? []).entries()) {
    if (pf === null) continue;
    const path = ['pfs', index];
    checkMatch(pf, path, report);
    if (pf.vfs === undefined) continue;
    const vfsPath = [...path, 'vfs'];
    const ranges = rangesOf(pf.vfs);
    checkRanges(pf.vfs, ranges, vfsPath, locate, report);
    checkMerged(pf.vfs, ranges, vfsPath, isBroken, report);
    macUses.push(...checkMacs(pf, ranges, vfsPath, report));
  }
  checkMacsUnique(macUses, locate, report);
}

function checkMatch(pf: SoundPf, path: SpecPath, report: Report): void {
  const { match, expect } = pf;
  if (match === undefined) return;
  const matchPath = [...path, 'match'];
  if (match.address === undefined) return;
  if (parsePfAddress(match.address) === undefined) {
    report(
      [...matchPath, 'address'],
      `${quoted(match.address)} is no address of a PF, such as 0000:01:00.0 or netdevsim/netdevsim1`,
    );
  } else if (expect !== undefined && expect > 1) {
    report([...path, 'expect'], `${expect} PFs cannot have one address`);
  }
}

function checkRanges(
  vfs: VfsSpec,
  ranges: readonly RangeSettings[],
  path: SpecPath,
  locate: Locate,
  report: Report,
): void {
  for (const { range, earlier } of overlapsOf(ranges)) {
    const [first, second] = inFileOrder([...path, earlier.key], [...path, range.key], locate);
    const { line } = locate(first);
    report(
      second,
      `overlaps ${quoted(String(first.at(-1)))} in line ${line}; a VF belongs to one of them only`,
    );
  }
  const { count } = vfs;
  if (count === undefined) return;
  for (const range of ranges) {
    if (range.last < count) continue;
    report([...path, range.key], `there is no VF ${range.last} with count ${count}${lastVf(count)}`);
  }
}

/** Tells the highest index that a number of VFs has. */
function lastVf(count: number): string {
  return count === 0 ? '' : `; the last is VF ${count - 1}`;
}

function inFileOrder(a: SpecPath, b: SpecPath, locate: Locate): readonly [SpecPath, SpecPath] {
  return comparePositions(locate(a), locate(b)) <= 0 ? [a, b] : [b, a];
}

function checkMerged(
  vfs: VfsSpec,
  ranges: readonly RangeSettings[],
  path: SpecPath,
  isBroken: IsBroken,
  report: Report,
): void {
  const check = (range: RangeSettings | undefined): void => {
    for (const fault of checkVfSettings(mergeSettings(vfs.default, range?.settings))) {
      // A setting that was wrong in itself is missing here: what follows from that is no second problem.
      const layers = range === undefined ? ['default'] : ['default', range.key];
      const isConsequence = fault.keys.some((key) => layers.some((layer) => isBroken([...path, layer, key])));
      if (!isConsequence) report([...path, ...blame(fault, range)], fault.text);
    }
  };
  for (const range of ranges) check(range);
  // Without a count and with ranges, the host's number of VFs decides whether a VF has the default alone.
  const isAloneUsed =
    ranges.length === 0 || (vfs.count !== undefined && isDefaultAloneUsed(ranges, vfs.count));
  if (isAloneUsed) check(undefined);
}

/** Checks each address by itself; returns those that are addresses of one VF. */
function checkMacs(
  pf: SoundPf,
  ranges: readonly RangeSettings[],
  path: SpecPath,
  report: Report,
): readonly MacUse[] {
  const uses: MacUse[] = [];
  const check = (settings: VfSpec | undefined, layer: string, tooMany: string | undefined): void => {
    if (settings?.mac === undefined || settings.mac === autoMac) return;
    const macPath = [...path, layer, 'mac'];
    const mac = parseMacAddress(settings.mac);
    if (mac === undefined) return;
    if (isMulticastMac(mac)) {
      report(macPath, `${mac} is a multicast address; the first byte of a VF's address is even`);
    } else if (mac === zeroMacAddress) {
      report(macPath, 'the zero address means a random one at each probe; give a real one, or auto');
    } else if (tooMany !== undefined) {
      report(macPath, `one address cannot be given to ${tooMany}; use auto, or name each VF`);
    } else {
      uses.push({ mac, path: macPath });
    }
  };
  const severalPfs = (pf.expect ?? 1) > 1 ? `the VFs of ${pf.expect ?? 1} PFs` : undefined;
  check(pf.vfs?.default, 'default', 'every VF');
  for (const range of ranges) {
    const severalVfs = holdsSeveral(range) ? `${range.last - range.first + 1} VFs` : undefined;
    check(range.settings, range.key, severalVfs ?? severalPfs);
  }
  return uses;
}

function checkMacsUnique(uses: readonly MacUse[], locate: Locate, report: Report): void {
  const placed = uses.map((use) => ({ ...use, position: locate(use.path) }));
  placed.sort((a, b) => comparePositions(a.position, b.position));
  const firstUses = new Map<string, (typeof placed)[number]>();
  for (const use of placed) {
    const first = firstUses.get(use.mac);
    if (first === undefined) firstUses.set(use.mac, use);
    else
      report(
        use.path,
        `${use.mac} is used already in line ${first.position.line}, ${renderPath(first.path)}`,
      );
  }
}
