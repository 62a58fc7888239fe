// Owns the order of versions as drivers, cards, kernels and programs write them: `22.5.7`, `4.40 0x8001c967 1.3534.0`,
// `6.12.9-amd64`, `5.14.0-427.el9`. One order for all of them, near to that of rpm and dpkg.
// Knows nothing of ranges, nor of what a version is of.

/** Longest version that is read; the longest of the field (qede, bnxt_en) have under 100 characters. */
export const maxVersionLength = 256;

/**
 * A version as a list of parts. Dots, hyphens, spaces and all other signs only separate. A part is a number (also in
 * hexadecimal, `0x8001c967`), a word, or a sign that what follows comes before the release: `~`, `rc`, `alpha`, `beta`, `pre`.
 */
export type Version = readonly VersionPart[];

export type VersionPart =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'word'; readonly value: string }
  | { readonly kind: 'pre-release'; readonly value: string };

const partPattern = /0x[0-9a-f]+(?![0-9a-z])|[0-9]+|[a-z]+|~/g;
const preReleaseWords = new Set(['~', 'alpha', 'beta', 'pre', 'rc']);

/** Where a part stands against the end of the other version: `6.13-rc1` < `6.13` < `6.13-amd64` < `6.13.1`. */
const ranks = { 'pre-release': 0, end: 1, word: 2, number: 3 } as const;

/** Reads a version. Undefined: there is no number, word or sign in the text, or it is longer than a version can be. */
export function parseVersion(text: string): Version | undefined {
  if (text.length > maxVersionLength) return undefined;
  const parts = [...text.toLowerCase().matchAll(partPattern)].map(([part]) => partOf(part));
  return parts.length === 0 ? undefined : parts;
}

function partOf(text: string): VersionPart {
  if (/^[0-9]/.test(text)) return { kind: 'number', value: BigInt(text) };
  return { kind: preReleaseWords.has(text) ? 'pre-release' : 'word', value: text };
}

/**
 * Negative, 0 or positive as `a` comes before `b`, is the same or comes after. Part by part: numbers by value, words by
 * their letters; a number comes after a word. Where one version ends, it is older than one that goes on (`6.12` < `6.12.9`),
 * unless that goes on with a pre-release. Two texts that differ only in separators, case or leading zeros are the same.
 */
export function compareVersions(a: Version, b: Version): number {
  const length = Math.max(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const order = compareParts(a[index], b[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareParts(a: VersionPart | undefined, b: VersionPart | undefined): number {
  const rankOrder = ranks[a?.kind ?? 'end'] - ranks[b?.kind ?? 'end'];
  if (rankOrder !== 0 || a === undefined || b === undefined) return rankOrder;
  if (a.value === b.value) return 0;
  return a.value < b.value ? -1 : 1;
}
