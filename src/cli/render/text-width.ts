// Owns how many columns of a terminal a text takes: characters of East Asian scripts and emoji take two, accents none.
// Terminals differ in the details; what is counted is what most of them draw.

/** Made when it is first needed: it takes milliseconds that most commands need not spend. */
let segmenter: Intl.Segmenter | undefined;
/** Latin letters, and the punctuation, arrows and signs of mathematics that our own screens have: one column each. */
const isPlain = /^[ -~\u00a0-\u02ff\u2010-\u2027\u2190-\u22ff]*$/;
/** Scripts that Unicode's EastAsianWidth.txt calls wide, their punctuation, and full-width forms; half-width ones are not. */
const isWide =
  /^(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\u3099-\u30ff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/u;

/** Columns that a text takes on a terminal. */
export function columnsOf(text: string): number {
  if (isPlain.test(text)) return text.length;
  return graphemesOf(text).reduce((sum, grapheme) => sum + columnsOfGrapheme(grapheme), 0);
}

/** The longest beginning of a text that takes at most so many columns. */
export function beginningOf(text: string, columns: number): string {
  if (isPlain.test(text)) return text.slice(0, columns);
  let left = columns;
  let beginning = '';
  for (const grapheme of graphemesOf(text)) {
    left -= columnsOfGrapheme(grapheme);
    if (left < 0) break;
    beginning += grapheme;
  }
  return beginning;
}

function graphemesOf(text: string): readonly string[] {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function columnsOfGrapheme(grapheme: string): number {
  if (/^[\p{Mn}\p{Me}]/u.test(grapheme)) return 0;
  return isWide.test(grapheme) ? 2 : 1;
}
