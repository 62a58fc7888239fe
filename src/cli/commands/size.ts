// Owns `vfleet size`.

import { basename } from 'node:path';
import type { Command } from 'commander';
import { ExitStatus } from '../../base/errors.ts';
import type { HostCores } from '../../report/host-placements.ts';
import type { SizingResult } from '../../sizing/result.ts';
import type { CliContext } from '../context.ts';
import { beginWaiting } from '../render/waiting.ts';
import type { StagedFile } from '../staged-folder.ts';
import { jsonText } from './reading.ts';

interface SizeCommandOptions {
  readonly json?: boolean;
  readonly html?: string;
  readonly write?: string;
  readonly force?: boolean;
  readonly verbose?: boolean;
}

/** Everybody may read what a fleet shall be; it holds no secrets. */
const pageMode = 0o644;

/** Adds the command that sizes a workload. */
export function addSizeCommand(program: Command, context: CliContext): void {
  program
    .command('size')
    .description('how many hosts a workload needs, where each VM and VF goes, and what runs out first')
    .argument('<workload>', 'the workload, a YAML file; snapshots in it are relative to it')
    .option('--json', 'print the sizing as JSON')
    .option('--html <file>', 'also write a report with pictures')
    .option(
      '--write <dir>',
      'also write for every used host the spec for `vfleet apply`, and where each VM goes',
    )
    .option('--force', 'with --write: put aside what is in the folder')
    .option('--verbose', 'also where each VM goes, host by host')
    .addHelpText(
      'after',
      '\nExit status: 0 everything fits, 3 it does not, 1 an error.' +
        '\n\nExamples:\n  vfleet size workload.yaml\n  vfleet size workload.yaml --html report.html --write hosts/' +
        '\n  vfleet size workload.yaml --json | jq .usedHosts',
    )
    .action(async (file: string, options: SizeCommandOptions) => size(context, file, options));
}

async function size(context: CliContext, file: string, options: SizeCommandOptions): Promise<void> {
  const { terminal, signal } = context;
  const { checkFolder } = await import('../staged-folder.ts');
  const { sizeInThread } = await import('../sizing-thread.ts');
  if (options.write !== undefined) await checkFolder(options.write, options.force === true);
  const waiting = beginWaiting(`sizing ${file}`, terminal);
  try {
    const { result, cores } = await sizeInThread({ path: file }, signal);
    const isWhole = result.outcome === 'fits';
    const written = await writeOutputs(context, { result, cores, file }, options);
    waiting.end();
    await printResult(context, result, options);
    for (const line of written) terminal.note(line);
    if (!isWhole && options.write !== undefined) {
      terminal.note(`nothing was written to ${options.write}: not everything fits`);
    }
    if (!isWhole) context.setExitStatus(ExitStatus.unfit);
  } finally {
    waiting.end();
  }
}

async function printResult(
  { terminal }: CliContext,
  result: SizingResult,
  options: SizeCommandOptions,
): Promise<void> {
  if (options.json === true) {
    terminal.print(jsonText({ apiVersion: 'vfleet/v1', kind: 'Sizing', ...result }));
    return;
  }
  const { renderSizing } = await import('../render/size.ts');
  const lines = renderSizing(result, terminal, { verbose: options.verbose === true });
  for (const line of lines) terminal.print(line);
}

interface Sized {
  readonly result: SizingResult;
  readonly cores: readonly HostCores[];
  readonly file: string;
}

/** Writes page and folder, or neither; lines that say what was written. */
async function writeOutputs(
  { version, signal }: CliContext,
  { result, cores, file }: Sized,
  { html, write, force = false }: SizeCommandOptions,
): Promise<readonly string[]> {
  const { stageFolder } = await import('../staged-folder.ts');
  const folder =
    write === undefined || result.outcome !== 'fits'
      ? undefined
      : await stageFolder(write, await filesOf(result, cores), signal);
  try {
    if (html !== undefined) await writePage(html, result, { fileName: file, version });
    const aside = await folder?.commit(force);
    return [
      ...(html === undefined ? [] : [`wrote ${html}`]),
      ...(folder === undefined ? [] : [`wrote ${result.usedHosts} hosts to ${write}`]),
      ...(aside === undefined ? [] : [`what was there is now in ${aside}`]),
    ];
  } catch (thrown) {
    await folder?.discard();
    throw thrown;
  }
}

async function writePage(
  path: string,
  result: SizingResult,
  about: { fileName: string; version: string },
): Promise<void> {
  const { renderSizingPage } = await import('../../report/sizing-page.ts');
  const { writeFileAtomically } = await import('../../apply/state-folder.ts');
  const page = renderSizingPage(result, { ...about, fileName: basename(about.fileName) });
  writeFileAtomically(path, page, pageMode);
}

/** The files of every used host, in a folder of its own. */
async function filesOf(result: SizingResult, cores: readonly HostCores[]): Promise<Generator<StagedFile>> {
  const { hostFiles } = await import('../../report/host-files.ts');
  const { createFolderNames } = await import('../../report/host-names.ts');
  return (function* list(): Generator<StagedFile> {
    const folderName = createFolderNames();
    for (const { name, spec, placements } of hostFiles(result, cores)) {
      const folder = folderName(name);
      yield { path: `${folder}/host.yaml`, text: spec };
      yield { path: `${folder}/vms.json`, text: placements };
    }
  })();
}
