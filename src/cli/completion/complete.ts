// Owns the answer to a shell that completes a command line of vfleet.

import type { Command } from 'commander';
import { quoteForBash, readBashLine } from './bash-line.ts';
import { listCandidates } from './candidates.ts';
import type { Candidate } from './candidates.ts';
import { placeOf } from './place.ts';
import type { Shell } from './scripts.ts';

/** bash's own COMP_WORDBREAKS. */
const usualBreaks = ' \t\n"\'@><=;|&(:';

/**
 * Lines of the answer. `input` is, for bash, the line up to the cursor and COMP_WORDBREAKS; otherwise the words before the
 * one at the cursor without the program's name, and that word, all without their quotes.
 */
export async function completeLine(
  program: Command,
  shell: Shell,
  input: readonly string[],
): Promise<readonly string[]> {
  if (shell === 'bash') return completeInBash(program, input);
  const current = input.at(-1) ?? '';
  const candidates = await candidatesAt(program, input.slice(0, -1), current);
  if (typeof candidates === 'string') return [candidates];
  return [
    kindOf(candidates),
    ...candidates.map(({ word, about }) => (about === undefined ? word : `${word}\t${about}`)),
  ];
}

async function completeInBash(
  program: Command,
  [line = '', breaks = usualBreaks]: readonly string[],
): Promise<readonly string[]> {
  const { words, current, kept, quote, isRedirection } = readBashLine(line, breaks);
  if (isRedirection) return ['files'];
  const candidates = await candidatesAt(program, words.slice(1), current);
  if (typeof candidates === 'string') return [candidates];
  const fitting = candidates.filter(({ word }) => word.startsWith(current));
  const quoted = fitting.flatMap(({ word }) => quoteForBash(word.slice(kept.length), quote) ?? []);
  return [kindOf(fitting), ...quoted];
}

async function candidatesAt(
  program: Command,
  words: readonly string[],
  current: string,
): ReturnType<typeof listCandidates> {
  const place = placeOf(program, words, current);
  const { host, state, libvirt } = program.opts<{ host: string; state: string; libvirt?: string }>();
  return listCandidates(place, current, {
    host: place.given.get('--host') ?? host,
    state: place.given.get('--state') ?? state,
    libvirt: place.given.get('--libvirt') ?? libvirt,
  });
}

/** After a word that ends so, more of it follows: no blank. */
function kindOf(candidates: readonly Candidate[]): 'words' | 'unfinished' {
  return candidates.length > 0 && candidates.every(({ word }) => /[=:/]$/.test(word))
    ? 'unfinished'
    : 'words';
}
