// Owns how names that others chose are written in messages: on one line, whatever is in them; and which one was meant.

import { suggestWord } from '../base/suggestion.ts';

/** More in one message help nobody. */
const shownNames = 8;

/** Control characters beyond those that JSON escapes: a terminal acts on them. */
const otherControls = /[\u007f-\u009f\u2028\u2029]/g;
const plain = /^[A-Za-z0-9_.+:/@-]+$/;

/** The question whether another of the known names was meant; undefined when none is near. */
export function meantHint(name: string, known: readonly string[]): string | undefined {
  const near = suggestWord(name, known);
  return near === undefined ? undefined : `did you mean ${quoted(near)}?`;
}

/** The first few of some names. */
export function fewOf(names: readonly string[]): string {
  const shown = names.slice(0, shownNames).map(quoted).join(', ');
  return names.length > shownNames ? `${shown} and ${names.length - shownNames} more` : shown;
}

/** A name as it is when it is plain, in quotes and escaped when it is not. */
export function quoted(name: string): string {
  if (plain.test(name)) return name;
  return JSON.stringify(name).replaceAll(
    otherControls,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
