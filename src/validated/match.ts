// Owns where a host stands on a validated hardware list: for each PF the entry that covers it, or the nearest one and
// what differs from it.
// Decides nothing about what to do.

import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ValidatedEntry, ValidatedList } from '../model/validated-list.ts';
import { compareWithEntry, type Comparison, type Component, type Difference } from './comparison.ts';

/**
 * `validated`: an entry covers the PF. `differs`: the nearest entry names the card, and components differ.
 * `unknown`: nothing differs from the nearest entry, but facts that it names are unknown. `unlisted`: no entry names the card.
 */
export type Verdict = 'validated' | 'differs' | 'unknown' | 'unlisted';

/** An entry of the list. */
export interface EntryReference {
  /** From 1, as people count. */
  readonly number: number;
  readonly name?: string;
  /** Line in the file. */
  readonly line: number;
}

export interface PfValidation {
  readonly address: string;
  /** Names of the PF's interfaces. */
  readonly netdevs: readonly string[];
  readonly verdict: Verdict;
  /** The entry that covers the PF, or the nearest one; absent when the list is empty. */
  readonly entry?: EntryReference;
  /** Components that differ from the nearest entry; one alone is what separates the host from a tested combination. */
  readonly differing: readonly Component[];
  readonly differences: readonly Difference[];
  /** What the nearest entry names and the snapshot does not know. */
  readonly unknown: readonly Difference[];
}

/** A list, and the lines of its entries. */
export interface ListWithLines {
  readonly list: ValidatedList;
  readonly lineOf: (entryIndex: number) => number;
}

/** Where each PF of a host stands, in the snapshot's order. */
export function matchHost({ list, lineOf }: ListWithLines, snapshot: Snapshot): PfValidation[] {
  return snapshot.pfs.map((pf) => {
    const nearest = nearestEntry(list.entries, pf, snapshot);
    const place = { address: pf.address, netdevs: pf.netdevs.map(({ name }) => name) };
    if (nearest === undefined) {
      return { ...place, verdict: 'unlisted', differing: [], differences: [], unknown: [] };
    }
    const { entry, index, comparison } = nearest;
    return {
      ...place,
      verdict: verdictOf(comparison),
      entry: {
        number: index + 1,
        ...(entry.name === undefined ? {} : { name: entry.name }),
        line: lineOf(index),
      },
      differing: componentsOf(comparison.differences),
      differences: comparison.differences,
      unknown: comparison.unknown,
    };
  });
}

interface Candidate {
  readonly entry: ValidatedEntry;
  readonly index: number;
  readonly comparison: Comparison;
}

/** The entry that lacks least; the first of several. Undefined for an empty list. */
function nearestEntry(entries: readonly ValidatedEntry[], pf: Pf, snapshot: Snapshot): Candidate | undefined {
  let best: Candidate | undefined;
  let bestDistance: readonly number[] = [];
  for (const [index, entry] of entries.entries()) {
    const comparison = compareWithEntry(entry, pf, snapshot);
    const distance = distanceOf(comparison);
    if (best !== undefined && !isLess(distance, bestDistance)) continue;
    best = { entry, index, comparison };
    bestDistance = distance;
  }
  return best;
}

/**
 * How far an entry is, the weightier number first. An entry for another card tells nothing about this one, so it comes
 * after all entries for this one, however much differs from those.
 */
function distanceOf({ differences, unknown }: Comparison): readonly number[] {
  return [
    isOtherCard(differences) ? 1 : 0,
    componentsOf(differences).length,
    componentsOf(unknown).length,
    differences.length,
    unknown.length,
  ];
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const index = a.findIndex((value, at) => value !== b[at]);
  return index >= 0 && (a[index] ?? 0) < (b[index] ?? 0);
}

function verdictOf({ differences, unknown }: Comparison): Verdict {
  if (isOtherCard(differences)) return 'unlisted';
  if (differences.length > 0) return 'differs';
  return unknown.length > 0 ? 'unknown' : 'validated';
}

function isOtherCard(differences: readonly Difference[]): boolean {
  return differences.some(({ key }) => key === 'nic.id');
}

function componentsOf(differences: readonly Difference[]): Component[] {
  return [...new Set(differences.map(({ component }) => component))];
}
