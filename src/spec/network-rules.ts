// Owns what must hold between networks, the PFs that reach them, and what their VFs are by default.
// Within the file only; what a host's ports allow is checked by host-rules.ts.

import type { Network } from '../model/network.ts';
import type { VfSpec } from '../model/spec.ts';
import {
  comparePositions,
  type IsBroken,
  type Locate,
  renderPath,
  type Report,
  type SpecPath,
} from './problem.ts';
import type { SoundNetwork, SoundPf, SoundSpec } from './shape.ts';
import { suggestWord } from '../base/suggestion.ts';
import { checkVfSettings, isDefaultAloneUsed, mergeSettings, rangesOf } from './vf-rules.ts';
import { listed, quoted } from './wording.ts';

/** Names that a message lists before it counts the rest. */
const maxListedNames = 8;

/** The settings that a VF gets for a network, in the words of `vfs`. */
export function settingsOfNetwork(network: SoundNetwork): VfSpec {
  const { name: _name, mtu: _mtu, rdma: _rdma, ...settings } = network;
  return settings;
}

/** Reports what is wrong with networks, and with the lists of them that PFs have. */
export function checkNetworks(spec: SoundSpec, locate: Locate, isBroken: IsBroken, report: Report): void {
  const networks = spec.networks ?? [];
  const byName = new Map<string, Network>();
  const firstUses = new Map<string, SpecPath>();
  for (const [index, network] of networks.entries()) {
    if (network === null) continue;
    const path = ['networks', index];
    checkSettings(network, path, isBroken, report);
    if (network.name === undefined) continue;
    const first = firstUses.get(network.name);
    if (first === undefined) {
      firstUses.set(network.name, path);
      byName.set(network.name, { ...network, name: network.name });
    } else {
      const { line } = locate(first);
      report([...path, 'name'], `${quoted(network.name)} is ${renderPath(first)} in line ${line} already`);
    }
  }
  // A name that was wrong in itself is missing here, and a PF may well mean it.
  const isComplete = !isBroken(['networks']) && networks.every((network) => network?.name !== undefined);
  for (const [index, pf] of (spec.pfs ?? []).entries()) {
    if (pf !== null && pf.networks !== undefined) {
      checkPf(pf, ['pfs', index], { byName, isComplete }, { locate, isBroken, report });
    }
  }
}

function checkSettings(network: SoundNetwork, path: SpecPath, isBroken: IsBroken, report: Report): void {
  for (const { keys, text } of checkVfSettings(settingsOfNetwork(network))) {
    const [key] = keys;
    if (key !== undefined && !keys.some((each) => isBroken([...path, each]))) report([...path, key], text);
  }
}

interface KnownNetworks {
  readonly byName: ReadonlyMap<string, Network>;
  /** Whether no other name can have been meant. */
  readonly isComplete: boolean;
}

interface Course {
  readonly locate: Locate;
  readonly isBroken: IsBroken;
  readonly report: Report;
}

function checkPf(pf: SoundPf, path: SpecPath, known: KnownNetworks, course: Course): void {
  const { locate, report } = course;
  const uses = (pf.networks ?? []).flatMap((name, index) =>
    name === null ? [] : [{ name, path: [...path, 'networks', index] }],
  );
  const sorted = [...uses].sort((a, b) => comparePositions(locate(a.path), locate(b.path)));
  const firstUses = new Map<string, SpecPath>();
  for (const use of sorted) {
    const first = firstUses.get(use.name);
    if (first !== undefined) {
      report(use.path, `${quoted(use.name)} is given twice, first in line ${locate(first).line}`);
      continue;
    }
    firstUses.set(use.name, use.path);
    const network = known.byName.get(use.name);
    if (network !== undefined) checkReach(pf, network, { use: use.path, pf: path }, course);
    else if (known.isComplete) report(use.path, unknownNetwork(use.name, [...known.byName.keys()]));
  }
  checkPoolLeft(pf, path, report);
}

function unknownNetwork(name: string, known: readonly string[]): string {
  if (known.length === 0) return `${quoted(name)} is no network: networks at the top of the file names none`;
  const near = suggestWord(name, known);
  if (near !== undefined) return `${quoted(name)} is no network; did you mean ${near}?`;
  return `${quoted(name)} is no network; known are ${listed(known, Math.min(known.length, maxListedNames))}`;
}

/** What a network asks of a PF and of its VFs; the item in the PF's list is where both meet. */
function checkReach(
  pf: SoundPf,
  network: Network,
  paths: { readonly use: SpecPath; readonly pf: SpecPath },
  { isBroken, report }: Course,
): void {
  if (pf.mtu !== undefined && network.mtu !== undefined && pf.mtu < network.mtu) {
    report(
      paths.use,
      `${network.name} has frames of up to ${network.mtu} bytes, and mtu of this PF is ${pf.mtu}`,
    );
  }
  const own = settingsOfNetwork(network);
  // Told already where the network or the default is wrong by itself.
  if (checkVfSettings(own).length > 0) return;
  for (const { keys, text } of checkVfSettings(mergeSettings(pf.vfs?.default, own))) {
    // A default may lack what the network gives; only what the network meets in the default is told.
    const isConsequence = keys.some((key) => isBroken([...paths.pf, 'vfs', 'default', key]));
    const isMet = keys.some((key) => own[key] !== undefined);
    if (isMet && !isConsequence) report(paths.use, `${network.name} does not fit vfs.default: ${text}`);
  }
}

/** Without a count, the host's number of VFs decides. */
function checkPoolLeft(pf: SoundPf, path: SpecPath, report: Report): void {
  const count = pf.vfs?.count;
  if (pf.networks?.length === 0 || count === undefined) return;
  const wording = poolProblem(pf.vfs === undefined ? [] : rangesOf(pf.vfs), count);
  if (wording !== undefined) report([...path, 'networks'], wording);
}

/** Why a PF with `count` VFs has none for its networks; undefined when it has. */
export function poolProblem(
  ranges: Parameters<typeof isDefaultAloneUsed>[0],
  count: number,
): string | undefined {
  if (count === 0) return 'there is no VF for them: count is 0';
  if (isDefaultAloneUsed(ranges, count)) return undefined;
  return `there is no VF for them: vfs names each of ${count === 1 ? 'the 1 VF' : `the ${count} VFs`} by itself`;
}
