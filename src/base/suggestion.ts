// Owns the guess which word somebody meant: a key of a file, the name of a VM or of a network.
// Words in, a word out; knows nothing about what they name.

/** Differences up to which two words are taken for one. */
const maxDistance = 2;
/** Longer words are no misspelling of a key, and comparing them costs time. */
const maxWordLength = 32;

/** The known word that is nearest to `word`, undefined when none is near. */
export function suggestWord(word: string, known: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > maxWordLength) return undefined;
  const plain = plainWord(word);
  let best: string | undefined;
  let bestDistance = maxDistance + 1;
  for (const candidate of known) {
    const plainCandidate = plainWord(candidate);
    // `max_tx_rate` for maxTxRateMbps: the same word without its unit; `pf` for pfs.
    const missing = plainCandidate.length - plain.length;
    const isStem = plainCandidate.startsWith(plain) && (plain.length >= 4 || missing <= 1);
    const distance = isStem ? 0 : editDistance(plain, plainCandidate);
    // Two letters at least must be the same, or every short word is near to every other.
    const isNear = isStem || distance < Math.min(plain.length, plainCandidate.length) - 1;
    if (isNear && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function plainWord(word: string): string {
  return word.toLowerCase().replaceAll(/[_\- ]/g, '');
}

/** Insertions, deletions and replacements between two words (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
