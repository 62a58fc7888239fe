// Owns `vfleet apply`, `vfleet revert` and `vfleet recover`: the commands that change a host.

import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { parseSeconds, parseWait } from '../seconds.ts';

interface ChangeOptions {
  readonly yes?: boolean;
  readonly allowDisruption?: boolean;
  readonly json?: boolean;
  readonly wait: number;
  readonly boot?: boolean;
}

/** Adds the commands that change a host. */
export function addApplyCommands(program: Command, context: CliContext): void {
  const changing = (name: string): Command =>
    program
      .command(name)
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print the result as JSON')
      .option('--wait <seconds>', 'wait for another vfleet that is changing this host', parseSeconds, 0);
  changing('apply')
    .description('make the host what the spec says, verify it, and put everything back if that fails')
    .argument('<spec>', 'spec file (YAML)')
    .option('--allow-disruption', 'also when a VF in use is cut off')
    .option('--boot', 'at system start: wait for the PFs, do not ask')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet apply host.yaml\n  vfleet apply host.yaml --yes --json\n  vfleet apply host.yaml --host sim:mlx5 --yes',
    )
    .action(async (specFile: string, options: ChangeOptions) => {
      const { applySpec } = await import('./changing.ts');
      await applySpec(context, specFile, options);
    });
  changing('revert')
    .description('restore what was before the last apply')
    .option('--allow-disruption', 'also when a VF in use is cut off')
    .addHelpText('after', '\nExample:\n  vfleet revert --yes')
    .action(async (options: ChangeOptions) => {
      const { revertHost } = await import('./changing.ts');
      await revertHost(context, options);
    });
  program
    .command('recover')
    .description('finish or undo an apply that was cut off, and take back VFs that their owners left behind')
    .option('--json', 'print the result as JSON')
    .option('--wait <seconds>', 'wait for another vfleet that is changing this host', parseWait, 0)
    .addHelpText('after', '\nExample:\n  vfleet recover')
    .action(async (options: ChangeOptions) => {
      const { recoverCommand } = await import('./recovering.ts');
      await recoverCommand(context, options);
    });
}
