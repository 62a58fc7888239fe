// Owns `vfleet validated add` and `vfleet validated check`: the list of hardware that an organisation has tested.

import type { Command } from 'commander';
import { ExitStatus, VfleetError, messageOf } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';
import { jsonText, snapshotOf, withHost } from './reading.ts';

/** Everybody may read the list: it is kept in a repository or on a share. */
const newFileMode = 0o644;

/** Adds the commands for validated hardware lists. */
export function addValidatedCommands(program: Command, context: CliContext): void {
  const validated = program
    .command('validated')
    .description('a list of tested combinations of server, card, firmware, driver, kernel and hypervisor')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet validated add tested.yaml\n  vfleet validated check tested.yaml --host snapshot:web-7.json',
    );
  validated
    .command('add')
    .description('record this host: an entry for each combination that the list does not cover')
    .argument('<file>', 'the list, a YAML file; made when it is not there')
    .option('--json', 'print what was added as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  sudo vfleet validated add tested.yaml\n  vfleet validated add tested.yaml --host snapshot:web-7.json',
    )
    .action(async (file: string, options: { json?: boolean }) => addToList(context, file, options));
  validated
    .command('check')
    .description('compare this host with the list: what covers each PF, or what differs')
    .argument('<file>', 'the list, a YAML file')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExit status: 0 every PF is covered by an entry, 3 one is not.\n\nExamples:\n  vfleet validated check tested.yaml\n  vfleet validated check tested.yaml --json | jq -r .pfs[].verdict',
    )
    .action(async (file: string, options: { json?: boolean }) => checkAgainstList(context, file, options));
}

async function addToList(context: CliContext, file: string, options: { json?: boolean }): Promise<void> {
  const { addPresent } = await import('../../validated/addition.ts');
  const { renderAddition } = await import('../render/validated.ts');
  await withHost(context, async (host) => {
    const before = await readList(file, { mayBeAbsent: true });
    const snapshot = await snapshotOf(host, { detail: 'full', platform: true });
    const addition = addPresent(before?.text ?? '', snapshot, file);
    if (addition.added.length > 0) {
      const { writeFileAtomically } = await import('../../apply/state-folder.ts');
      writeFileAtomically(before?.path ?? file, addition.text, before?.mode ?? newFileMode);
    }
    const { text: _, ...result } = addition;
    const lines =
      options.json === true
        ? [jsonText({ file, host: snapshot.host.name, ...result })]
        : renderAddition(result, { file, pfCount: snapshot.pfs.length }, context.terminal);
    for (const line of lines) context.terminal.print(line);
  });
}

async function checkAgainstList(
  context: CliContext,
  file: string,
  options: { json?: boolean },
): Promise<void> {
  const { parseValidatedList } = await import('../../validated/parsed-list.ts');
  const { matchHost } = await import('../../validated/match.ts');
  const { renderValidations } = await import('../render/validated.ts');
  const list = parseValidatedList((await readList(file))?.text ?? '', file);
  await withHost(context, async (host) => {
    const snapshot = await snapshotOf(host, { detail: 'full', platform: true });
    const pfs = matchHost(list, snapshot);
    const isValidated = pfs.every(({ verdict }) => verdict === 'validated');
    const lines =
      options.json === true
        ? [jsonText({ file, host: snapshot.host.name, validated: isValidated, pfs })]
        : renderValidations(pfs, snapshot.host.name, context.terminal);
    for (const line of lines) context.terminal.print(line);
    if (!isValidated) context.setExitStatus(ExitStatus.refused);
  });
}

interface ListFile {
  readonly text: string;
  /** Where the file is, behind symbolic links, which a new file must not replace. */
  readonly path: string;
  readonly mode: number;
}

/** Reads a list. Undefined: it is not there, and may be absent. Throws `file.unreadable`. */
async function readList(
  file: string,
  options: { mayBeAbsent: boolean } = { mayBeAbsent: false },
): Promise<ListFile | undefined> {
  const { readFile, realpath, stat } = await import('node:fs/promises');
  try {
    const path = await realpath(file);
    const { mode } = await stat(path);
    return { text: await readFile(path, 'utf8'), path, mode: mode & 0o777 };
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (options.mayBeAbsent && isAbsent) return undefined;
    throw new VfleetError('file.unreadable', `validated list ${file}: ${messageOf(cause)}`, { cause });
  }
}
