// Owns how bash and readline see a command line: its words without their quotes, and a word as it can be put into it.
// Nothing of the line is ever executed or expanded.

/** A command line up to the cursor. */
export interface BashLine {
  /** Words before the one at the cursor, the program's name first. */
  readonly words: readonly string[];
  /** The word at the cursor as far as it is typed. */
  readonly current: string;
  /** Beginning of `current` that readline leaves as it is. */
  readonly kept: string;
  /** The quote that is open at the cursor. */
  readonly quote: '' | '"' | "'";
  /** The word at the cursor is the file of a redirection. */
  readonly isRedirection: boolean;
}

/** Reads a line up to the cursor. `breaks` is bash's COMP_WORDBREAKS. */
export function readBashLine(line: string, breaks: string): BashLine {
  const words: string[] = [];
  let quote: BashLine['quote'] = '';
  let isRedirection = false;
  let word = emptyWord;
  const endWord = (): void => {
    if (word.isBegun && !isRedirection) words.push(word.text);
    if (word.isBegun) isRedirection = false;
    word = emptyWord;
  };
  for (let index = 0; index < line.length; index += 1) {
    const character = line[index] ?? '';
    if (quote === '' && /[ \t\n]/.test(character)) endWord();
    else if (quote === '' && /[<>]/.test(character)) {
      // `2>`: the number is none of the command's words.
      if (/^\d+$/.test(word.text)) word = emptyWord;
      endWord();
      isRedirection = true;
    } else {
      const before = word.text;
      word = { ...word, isBegun: true };
      if (character === quote) quote = '';
      else if (quote === '' && (character === '"' || character === "'")) {
        quote = character;
        word = { ...word, beforeQuote: before };
      } else if (character === '\\' && quote !== "'") {
        index += 1;
        const next = line[index] ?? '';
        const isKept = quote === '"' && !/["\\$`\n]/.test(next);
        word = { ...word, text: before + (isKept ? '\\' : '') + next.replace('\n', '') };
      } else {
        const text = before + character;
        const isBreak = quote === '' && breaks.includes(character);
        word = { ...word, text, ...(isBreak ? { throughBreak: text } : {}) };
      }
    }
  }
  const { text, beforeQuote, throughBreak } = word;
  // Inside a quote readline replaces what stands in it, otherwise what stands behind the last break.
  return { words, current: text, kept: quote === '' ? throughBreak : beforeQuote, quote, isRedirection };
}

const emptyWord = { text: '', isBegun: false, beforeQuote: '', throughBreak: '' };

/** A text as it stands in a line for itself, inside the quote that is open; undefined: it cannot be written there. */
export function quoteForBash(text: string, quote: BashLine['quote']): string | undefined {
  switch (quote) {
    case '':
      return text.replaceAll(/(?![A-Za-z0-9_./:@%+,=-])[ -~]|\p{Z}/gu, '\\$&');
    case '"':
      // History expansion works inside double quotes, and a backslash before it would stay.
      return text.includes('!') ? undefined : text.replaceAll(/["\\$`]/g, '\\$&');
    case "'":
      return text.replaceAll("'", "'\\''");
  }
}
