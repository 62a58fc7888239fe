// Owns `vfleet show` and `vfleet snapshot`.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { messageOf } from '../../base/errors.ts';
import type { CliContext, Host } from '../context.ts';
import { renderSnapshot } from '../render/show.ts';
import type { LeaseList } from '../assigning.ts';
import { printable } from '../render/table.ts';
import { jsonText, snapshotOf, withHost } from './reading.ts';

/** Adds the commands that show a host. */
export function addShowCommands(program: Command, context: CliContext): void {
  program
    .command('show')
    .description('show PFs and their VFs: settings, drivers, isolation, who uses each and whose it is')
    .option('--json', 'print the snapshot as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet show\n  vfleet show --json | jq .pfs[].vfs[].settings.mac\n  vfleet show --host sim:igb',
    )
    .action(async (options: { json?: boolean }) =>
      withHost(context, async (host) => {
        const snapshot = await snapshotOf(host, { detail: 'full', platform: options.json === true });
        const lines =
          options.json === true
            ? [jsonText(snapshot)]
            : renderSnapshot(snapshot, context.terminal, await ownershipOf(host, context));
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

const nobody: LeaseList = { leases: [], quarantined: [], corrupt: [] };

/** Whose the VFs of a host are; what cannot be read of that is said and left out: the kernel's facts stay true. */
async function ownershipOf(host: Host, { terminal }: CliContext): Promise<LeaseList> {
  if (host.kind === 'snapshot') return nobody;
  try {
    if (existsSync(join(host.stateFolder, 'leases'))) {
      const { readLeaseList } = await import('../assigning.ts');
      return await readLeaseList(host.stateFolder);
    }
    // Nothing was ever leased, so no schema need be loaded; but others than root have a state folder of their own.
    if (host.label !== 'local' || process.geteuid?.() === 0) return nobody;
    const { findAgent } = await import('../agent-client.ts');
    return (await (await findAgent(host))?.listLeases()) ?? nobody;
  } catch (error) {
    terminal.note(`leases are not shown: ${printable(messageOf(error))}`);
    return nobody;
  }
}
