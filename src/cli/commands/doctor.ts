// Owns `vfleet doctor`.

import { Option } from 'commander';
import type { Command } from 'commander';
import { ExitStatus, VfleetError, messageOf } from '../../base/errors.ts';
import type { Verdict } from '../../model/finding.ts';
import type { CliContext } from '../context.ts';
import { jsonText, snapshotOf, withHost } from './reading.ts';

interface DoctorCommandOptions {
  readonly json?: boolean;
  readonly markdown?: boolean;
  readonly verbose?: boolean;
  readonly validated?: string;
}

const exitStatuses: Readonly<Record<Verdict, number>> = {
  usable: ExitStatus.ok,
  partly: ExitStatus.blocked,
  blocked: ExitStatus.blocked,
  undecided: ExitStatus.failed,
};

/** Adds the command that judges a host. */
export function addDoctorCommand(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('say whether this host is ready for SR-IOV: what blocks it, why, and what to do')
    .option('--json', 'print the report as JSON')
    .addOption(new Option('--markdown', 'print the report as Markdown').conflicts('json'))
    .option('--verbose', 'also each finding that is good, and the facts behind all')
    .option('--validated <file>', 'hold the host against a list of validated hardware (YAML)')
    .addHelpText(
      'after',
      '\nExit status: 0 SR-IOV can be used, 3 something blocks it, 1 an error, or too' +
        '\nlittle could be read.' +
        '\n\nExamples:\n  sudo vfleet doctor\n  vfleet doctor --host snapshot:web-7.json --markdown > web-7.md' +
        '\n  vfleet doctor --validated tested.yaml --json | jq .findings[0]',
    )
    .action(async (options: DoctorCommandOptions) => {
      const validated =
        options.validated === undefined ? undefined : await readValidatedList(options.validated);
      const { runDoctor } = await import('../../doctor/run-doctor.ts');
      await withHost(context, async (host) => {
        const report = runDoctor(await snapshotOf(host, { detail: 'full', platform: true }), { validated });
        if (options.json === true) context.terminal.print(jsonText(report));
        else if (options.markdown === true) {
          const { renderDoctorMarkdown } = await import('../render/doctor-markdown.ts');
          context.terminal.print(renderDoctorMarkdown(report).trimEnd());
        } else {
          const { renderDoctor } = await import('../render/doctor.ts');
          const verbose = options.verbose === true;
          for (const line of renderDoctor(report, context.terminal, { verbose }))
            context.terminal.print(line);
        }
        context.setExitStatus(exitStatuses[report.verdict]);
      });
    });
}

async function readValidatedList(
  path: string,
): Promise<import('../../validated/parsed-list.ts').ParsedValidatedList> {
  const { readFile } = await import('node:fs/promises');
  const { parseValidatedList } = await import('../../validated/parsed-list.ts');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new VfleetError('file.unreadable', `validated list ${path}: ${messageOf(cause)}`, { cause });
  }
  return parseValidatedList(text, path);
}
