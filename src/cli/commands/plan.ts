// Owns `vfleet plan` and `vfleet adopt`.

import type { Command } from 'commander';
import { ExitStatus } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';
import { jsonText, snapshotOf, withHost } from './reading.ts';

/** Adds the commands that look at a spec without changing the host. */
export function addPlanCommands(program: Command, context: CliContext): void {
  program
    .command('plan')
    .description('show what apply would change, and which VFs in use it would disrupt')
    .argument('<spec>', 'spec file (YAML)')
    .option('--json', 'print the plan as JSON')
    .option('--exit-code', 'exit with 0 when nothing changes, 2 when something does')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet plan host.yaml\n  vfleet plan host.yaml --host snapshot:web-7.json --exit-code',
    )
    .action(async (specFile: string, options: { json?: boolean; exitCode?: boolean }) => {
      const { planSpec, readForSpec, readLeases, readSpecFile } = await import('./planning.ts');
      const { renderPlan } = await import('../render/plan.ts');
      const spec = await readSpecFile(specFile);
      await withHost(context, async (host) => {
        const snapshot = host.kind === 'snapshot' ? host.snapshot : await readForSpec(host.session, spec);
        const leases = host.kind === 'snapshot' ? [] : await readLeases(host.stateFolder);
        const { plan } = planSpec(spec, snapshot, leases);
        const lines = options.json === true ? [jsonText(plan)] : renderPlan(plan, context.terminal);
        for (const line of lines) context.terminal.print(line);
        if (options.exitCode === true && plan.steps.length > 0) context.setExitStatus(ExitStatus.changes);
      });
    });
  program
    .command('adopt')
    .description('print a spec that describes the host as it is')
    .addHelpText('after', '\nExample:\n  vfleet adopt > host.yaml && vfleet plan host.yaml --exit-code')
    .action(async () => {
      const { renderSpec } = await import('../../spec/adoption.ts');
      const { readLeases } = await import('./planning.ts');
      await withHost(context, async (host) => {
        const leases = host.kind === 'snapshot' ? [] : await readLeases(host.stateFolder);
        context.terminal.print(renderSpec(await snapshotOf(host), leases).trimEnd());
      });
    });
}
