// Owns `vfleet leases`: whose each VF is. Asks the agent, or reads the records alone; neither the hypervisor nor the cards
// are asked.

import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { changeable, jsonText, withHost } from './reading.ts';

interface LeasesOptions {
  readonly json?: boolean;
  readonly agent: boolean;
}

/** Adds the command that lists leases. */
export function addLeasesCommand(program: Command, context: CliContext): void {
  program
    .command('leases')
    .description(
      'list leased VFs: owner, network, MAC, how long, accepted risks; VFs in quarantine; records that cannot be understood',
    )
    .option('--json', 'print all of it as JSON')
    .option('--no-agent', 'read the records in the state folder, also when the agent is there')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet leases\n  vfleet leases --json | jq .leases[].settings.mac\n  vfleet leases --host sim:igb',
    )
    .action(async (options: LeasesOptions) => listLeases(context, options));
}

async function listLeases(context: CliContext, options: LeasesOptions): Promise<void> {
  const { terminal } = context;
  await withHost(context, async (opened) => {
    const live = changeable(opened);
    const { findMatchingAgent } = await import('../agent-client.ts');
    const { readLeaseList } = await import('../assigning.ts');
    const agent = options.agent ? await findMatchingAgent(context, live) : undefined;
    const list = await (agent?.listLeases() ?? readLeaseList(live.stateFolder));
    if (options.json === true) {
      terminal.print(jsonText({ apiVersion: 'vfleet/v1', kind: 'Leases', ...list }));
      return;
    }
    const { renderLeases } = await import('../render/leases.ts');
    for (const line of renderLeases(list, terminal)) terminal.print(line);
  });
}
