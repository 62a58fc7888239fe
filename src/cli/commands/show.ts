// Owns `vfleet show` and `vfleet snapshot`.

import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { renderSnapshot } from '../render/show.ts';
import { jsonText, snapshotOf, withHost } from './reading.ts';

/** Adds the commands that show a host. */
export function addShowCommands(program: Command, context: CliContext): void {
  program
    .command('show')
    .description('show PFs and their VFs: settings, drivers, isolation, and who uses each')
    .option('--json', 'print the snapshot as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet show\n  vfleet show --json | jq .pfs[].vfs[].settings.mac\n  vfleet show --host sim:igb',
    )
    .action(async (options: { json?: boolean }) =>
      withHost(context, async (host) => {
        const snapshot = await snapshotOf(host, { detail: 'full', platform: options.json === true });
        const lines =
          options.json === true ? [jsonText(snapshot)] : renderSnapshot(snapshot, context.terminal);
        for (const line of lines) context.terminal.print(line);
      }),
    );
  program
    .command('snapshot')
    .description('print the whole host as versioned JSON, which --host snapshot:FILE reads again')
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet snapshot -o web-7.json\n  vfleet show --host snapshot:web-7.json',
    )
    .action(async (options: { output?: string }) =>
      withHost(context, async (host) => {
        const text = jsonText(await snapshotOf(host, { detail: 'full', platform: true }));
        if (options.output === undefined) context.terminal.print(text);
        else {
          const { writeFileAtomically } = await import('../../apply/state-folder.ts');
          writeFileAtomically(options.output, `${text}\n`, 0o640);
        }
      }),
    );
}
