// Owns the command line of `vfleet pin`; what it does is in pinning.ts, loaded when it is run.

import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { parseSeconds } from '../seconds.ts';

export interface PinOptions {
  readonly apply?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  /** Seconds. */
  readonly wait: number;
}

/** Adds the command that places a VM near its VFs. */
export function addPinCommand(program: Command, context: CliContext): void {
  program
    .command('pin')
    .description(
      "show where a VM's vCPUs, emulator and memory would be near its VF; with --apply, put them there",
    )
    .argument('<vm>', 'name or UUID of the VM')
    .option('--apply', 'make the change, after a question')
    .option('--yes', 'with --apply: do not ask')
    .option('--json', 'print the plan as JSON')
    .option('--wait <seconds>', 'wait for another vfleet that is changing this host', parseSeconds, 0)
    .addHelpText(
      'after',
      '\nExit status: 0 planned, or done, 1 bad input, 3 the VM does not fit on the' +
        '\nnode of its VF.' +
        '\n\nExamples:\n  vfleet pin web-1\n  vfleet pin web-1 --apply\n  vfleet pin web-1 --json | jq .plan.pinning',
    )
    .action(async (vm: string, options: PinOptions) => {
      const { pinCommand } = await import('./pinning.ts');
      await pinCommand(context, vm, options);
    });
}
