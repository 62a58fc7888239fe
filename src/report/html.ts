// Owns the one way from text to HTML: a template in which every value is escaped unless it is HTML already.
// Nothing else in this room puts text into a page; no script and no address is ever written by it.

/** A piece of a page. {@link markup} makes it; nothing but text of this room's own may be put into one otherwise. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What can stand in a template; lists are put in one behind the other. */
export type HtmlValue = string | number | Html | undefined | readonly HtmlValue[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/**
 * A template of HTML (not called `html`, because formatters of code lay out the text of such templates).
 * Values are escaped for text and for quoted attributes alike; undefined is nothing.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0] ?? '';
  for (const [at, value] of values.entries()) text += textOf(value) + (parts[at + 1] ?? '');
  return new Html(text);
}

function textOf(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  if (typeof value === 'string') return escapeText(value);
  return value.map(textOf).join('');
}

/** Characters that no HTML document may hold become U+FFFD, as do those that turn the direction of a line around. */
function escapeText(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) =>
      character === '\n' || character === '\t' ? ' ' : '\ufffd',
    )
    .replace(/[&<>"'`]/g, (character) => entities[character] ?? '');
}
