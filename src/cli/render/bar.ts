// Owns bars for terminals: how full something is, in letters that the terminal can show.
// Knows nothing of what is measured.

export interface BarShares {
  /** Shares of 1; more than 1 counts as 1. */
  readonly mean: number;
  /** What the fullest reaches beyond the mean. */
  readonly most: number;
}

/** Filled to the mean, half filled up to the most, empty behind it. Anything above nothing shows. */
export function renderBar({ mean, most }: BarShares, widthColumns: number, isUtf8: boolean): string {
  const [full, half, empty] = isUtf8 ? ['█', '▒', '░'] : ['#', '=', '.'];
  const filled = columnsOf(mean, widthColumns);
  const reached = Math.max(filled, columnsOf(most, widthColumns));
  return full.repeat(filled) + half.repeat(reached - filled) + empty.repeat(widthColumns - reached);
}

/** What is not full is never drawn as full, and what is not empty never as empty. */
function columnsOf(share: number, widthColumns: number): number {
  if (!(share > 0)) return 0;
  if (share >= 1) return widthColumns;
  return Math.min(Math.max(1, Math.round(share * widthColumns)), Math.max(1, widthColumns - 1));
}
