// Owns what can stand at a place of a command line: commands, options, the values of options and arguments.
// An option or argument that is not known here has commander's choices, or nothing to be offered.

import { readdir } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Lease } from '../../model/lease.ts';
import { printable } from '../render/table.ts';
import type { WordSource } from './host-words.ts';
import type { Place, Value } from './place.ts';

export interface Candidate {
  readonly word: string;
  /** In a few words, for shells that show it. */
  readonly about?: string;
}

/** Words; or `files` and `folders`, which the shell completes by itself as it does everywhere. */
export type Candidates = readonly Candidate[] | 'files' | 'folders';

/** Words from the value as far as it is typed. */
type ValueWords = (
  source: WordSource,
  place: Place,
  text: string,
) => Promise<readonly (string | Candidate)[]>;

/** By the command's name and that of the option or argument, or by the latter alone. */
const valueWords: Readonly<Record<string, ValueWords>> = {
  '--host': async (_, __, text) => listHosts(text),
  '--network': async (source, { given }) => {
    const { listNetworks } = await import('./host-words.ts');
    return listNetworks(source, given.get('--spec'));
  },
  vm: async (source) => {
    const { listVmNames } = await import('./host-words.ts');
    return listVmNames(source);
  },
  'detach vm': async (source) => (await leasesOf(source)).map(({ owner }) => owner.name),
  'detach --network': async (source) => (await leasesOf(source)).map(({ network }) => network),
  'detach --mac': async (source) => (await leasesOf(source)).flatMap(({ settings }) => settings.mac ?? []),
  'hotplug --remove': async (source) =>
    (await leasesOf(source)).flatMap(({ owner, address, settings, network }) =>
      owner.kind === 'qemu'
        ? [address, settings.mac].flatMap((word) =>
            word === undefined ? [] : [{ word, about: `${owner.name} on ${network}` }],
          )
        : [],
    ),
  'attach --failover': async () => ['bridge=', 'ovs='],
};

/** What values are, as the help writes them. */
const fileKinds: Readonly<Record<string, 'files' | 'folders'>> = {
  cmd: 'files',
  dir: 'folders',
  file: 'files',
  path: 'files',
  socket: 'files',
  spec: 'files',
  workload: 'files',
};

/** What can stand at a place; words that cannot be typed, or would be taken for options there, are left out. */
export async function listCandidates(place: Place, current: string, source: WordSource): Promise<Candidates> {
  const { wanted, isLiteral } = place;
  const found = await listUnchecked(place, current, source);
  if (typeof found === 'string') return found;
  const isArgument = wanted.kind === 'value' && wanted.value.isArgument && !isLiteral;
  const canBeTyped = ({ word }: Candidate): boolean =>
    word !== '' && printable(word) === word && !(isArgument && word.startsWith('-'));
  return [...new Map(found.filter(canBeTyped).map((each) => [each.word, each])).values()];
}

async function listUnchecked(
  place: Place,
  current: string,
  source: WordSource,
): Promise<readonly Candidate[] | 'files' | 'folders'> {
  const { wanted, command } = place;
  switch (wanted.kind) {
    case 'command':
      return listCommands(command);
    case 'option':
      return listOptions(command);
    case 'nothing':
      return [];
    case 'value': {
      const { prefix, value } = wanted;
      const text = current.slice(prefix.length);
      const found = await listValues(place, value, text, source);
      if (typeof found === 'string' && prefix === '') return found;
      const words = typeof found === 'string' ? await listFiles(text, found) : found;
      return words.map((each) => ({ ...each, word: prefix + each.word }));
    }
  }
}

async function listValues(
  place: Place,
  value: Value,
  text: string,
  source: WordSource,
): Promise<readonly Candidate[] | 'files' | 'folders'> {
  const words = wordsFor(place.command, value);
  if (words === undefined) return fileKinds[value.placeholder] ?? wordsOf(value.choices ?? []);
  // What cannot be looked at has no words; nobody wants to read why in the middle of a command line.
  return wordsOf(await words(source, place, text).catch(() => []));
}

function wordsFor(command: Command, { name }: Value): ValueWords | undefined {
  return valueWords[`${command.name()} ${name}`] ?? valueWords[name];
}

/** Whether anything is known of a value; otherwise nothing is offered for it. */
export function isKnown(command: Command, value: Value): boolean {
  return (
    wordsFor(command, value) !== undefined ||
    value.choices !== undefined ||
    fileKinds[value.placeholder] !== undefined
  );
}

function wordsOf(words: readonly (string | Candidate)[]): readonly Candidate[] {
  return words.map((word) => (typeof word === 'string' ? { word } : word));
}

/** Without those that nobody types, and without the help command, which stands nowhere in the list. */
function listCommands(command: Command): readonly Candidate[] {
  const shown = command.createHelp().visibleCommands(command);
  return command.commands
    .filter((each) => shown.includes(each))
    .map((each) => ({ word: each.name(), about: each.description() }));
}

/** Those of the command, and those that stand before or behind every command. */
function listOptions(command: Command): readonly Candidate[] {
  const above = command.parent === null ? [] : listOptions(command.parent);
  const own = command.options.flatMap(({ long, hidden, description }) =>
    long === undefined || hidden ? [] : [{ word: long, about: description }],
  );
  const help = { word: '--help', about: 'display help for command' };
  return [...own, ...above.filter(({ word }) => word !== '--version' && word !== help.word), help];
}

/** `local`, `sim:PROFILE[:FILE]`, `snapshot:FILE`. */
async function listHosts(text: string): Promise<readonly string[]> {
  const [prefix] = /^(?:snapshot|sim:[^:]+):/.exec(text) ?? [];
  if (prefix !== undefined) {
    const files = await listFiles(text.slice(prefix.length), 'files');
    return files.map(({ word }) => prefix + word);
  }
  const { simProfileNames } = await import('../../sim/profiles/profile-table.ts');
  return ['local', 'snapshot:', ...simProfileNames.map((name) => `sim:${name}`)];
}

/** Files and folders whose path begins so, for words of which the path is only the end. */
async function listFiles(text: string, kind: 'files' | 'folders'): Promise<readonly Candidate[]> {
  const folder = text.slice(0, text.lastIndexOf('/') + 1);
  const begin = text.slice(folder.length);
  const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter(({ name }) => name.startsWith(begin) && (begin !== '' || !name.startsWith('.')))
    .filter((entry) => kind === 'files' || entry.isDirectory())
    .map((entry) => ({ word: `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}` }));
}

async function leasesOf(source: WordSource): Promise<readonly Lease[]> {
  const { listLeases } = await import('./host-words.ts');
  return listLeases(source);
}
