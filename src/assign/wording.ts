// Owns how names that others chose are written in messages: on one line, whatever is in them.

/** Control characters beyond those that JSON escapes: a terminal acts on them. */
const otherControls = /[\u007f-\u009f\u2028\u2029]/g;
const plain = /^[A-Za-z0-9_.+:/@-]+$/;

/** A name as it is when it is plain, in quotes and escaped when it is not. */
export function quoted(name: string): string {
  if (plain.test(name)) return name;
  return JSON.stringify(name).replaceAll(
    otherControls,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
