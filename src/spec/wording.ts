// Owns how values from files and hosts are shown in messages: quoted, bounded, and harmless to a terminal.
// Knows nothing about the spec.

/** Longest piece of foreign text in a message, so that a line stays a line. */
const maxShownLength = 60;

/** Text with everything invisible escaped: control and format characters, lone surrogates, line separators. */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Foreign text in double quotes, shortened when it is long. */
export function quoted(text: string): string {
  const short = text.length > maxShownLength ? `${text.slice(0, maxShownLength)}…` : text;
  return `"${printable(short.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`;
}

/** A value of a YAML file in words: text in quotes, numbers and booleans as they are, the rest by its kind. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null || value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : 'a mapping';
}

/** Items as `a, b and c`, at most `limit` of them, then `and 3 more`. */
export function listed(items: readonly string[], limit = items.length): string {
  const rest = items.length - limit;
  if (rest > 0) return `${items.slice(0, limit).join(', ')} and ${rest} more`;
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

/** Items as `a, b or c`. */
export function alternatives(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} or ${items.at(-1) ?? ''}`;
}
