// Owns where a command line stands at the cursor: which command, which options were given, and what is wanted next.
// Pure; asks commander's own model of the commands and knows none of them by name.

import type { Argument, Command, Option } from 'commander';

/** What the word at the cursor is to be. */
export type Wanted =
  | { readonly kind: 'command' | 'option' | 'nothing' }
  | {
      readonly kind: 'value';
      readonly value: Value;
      /** Of the word, what stands before the value: `--network=`, otherwise nothing. */
      readonly prefix: string;
    };

/** What an option or an argument takes. */
export interface Value {
  /** `--network`, or the name of an argument. */
  readonly name: string;
  readonly isArgument: boolean;
  /** What the help calls it: `file`, `seconds`. */
  readonly placeholder: string;
  /** All that can be given; absent: that is not known to the command line. */
  readonly choices?: readonly string[] | undefined;
}

export interface Place {
  readonly command: Command;
  /** Options before the cursor by long name, the last of each; without a value: empty. */
  readonly given: ReadonlyMap<string, string>;
  readonly wanted: Wanted;
  /** `--` came before: what begins with a hyphen is no option. */
  readonly isLiteral: boolean;
}

/** Where the word `current` stands behind `words`, which are those of the line without the program's name. */
export function placeOf(program: Command, words: readonly string[], current: string): Place {
  let command = program;
  let isLiteral = false;
  let pending: Option | undefined;
  let argumentCount = 0;
  const given = new Map<string, string>();
  for (const word of words) {
    if (pending !== undefined) {
      given.set(pending.long ?? pending.flags, word);
      pending = undefined;
    } else if (!isLiteral && word === '--') {
      isLiteral = true;
    } else if (!isLiteral && word.startsWith('-') && word !== '-') {
      const [name = '', ...value] = word.split('=');
      const option = findOption(command, name);
      if (option?.required === true && value.length === 0) pending = option;
      else if (option !== undefined) given.set(option.long ?? option.flags, value.join('='));
    } else {
      const below = argumentCount === 0 ? command.commands.find((each) => each.name() === word) : undefined;
      if (below === undefined) argumentCount += 1;
      else command = below;
    }
  }
  const wanted: Wanted =
    pending === undefined
      ? wantedOf(command, current, { isLiteral, argumentCount })
      : { kind: 'value', value: valueOf(pending), prefix: '' };
  return { command, given, wanted, isLiteral };
}

function wantedOf(
  command: Command,
  current: string,
  { isLiteral, argumentCount }: { readonly isLiteral: boolean; readonly argumentCount: number },
): Wanted {
  if (!isLiteral && current.startsWith('-')) {
    const [prefix] = /^--[^=]+=/.exec(current) ?? [];
    if (prefix === undefined) return { kind: 'option' };
    const option = findOption(command, prefix.slice(0, -1));
    return option?.required === true
      ? { kind: 'value', value: valueOf(option), prefix }
      : { kind: 'nothing' };
  }
  if (command.commands.length > 0) return { kind: argumentCount === 0 ? 'command' : 'nothing' };
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[argumentCount] ?? (last?.variadic === true ? last : undefined);
  if (argument !== undefined) return { kind: 'value', value: valueOfArgument(argument), prefix: '' };
  return { kind: !isLiteral && current === '' ? 'option' : 'nothing' };
}

/** What an option that takes a value takes. */
export function valueOf({ long, flags, argChoices }: Option): Value {
  const [, placeholder = ''] = /<(.+)>/.exec(flags) ?? [];
  return { name: long ?? flags, isArgument: false, placeholder, choices: argChoices };
}

/** What an argument is. */
export function valueOfArgument(argument: Argument): Value {
  const name = argument.name();
  return { name, isArgument: true, placeholder: name, choices: argument.argChoices };
}

/** An option of the command or one above it, which say more of it than the command's own copy. */
function findOption(command: Command, name: string): Option | undefined {
  const above = command.parent === null ? undefined : findOption(command.parent, name);
  return above ?? command.options.find(({ long, short }) => long === name || short === name);
}
