// Owns `vfleet hold`, which nobody types: it waits until a plain QEMU has done with its VF, and gives the VF back.
// One runs for each lease of a plain QEMU where no agent does; see ../holder.ts.

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { VfKey } from '../../model/lease.ts';
import type { CliContext } from '../context.ts';

interface HoldOptions {
  readonly pf: string;
  readonly vf: number;
  readonly generation: string;
}

const maxVf = 65_535;

function parseVf(text: string): number {
  const vf = Number(text);
  if (!/^\d{1,5}$/.test(text) || vf > maxVf) throw new InvalidArgumentError('not the index of a VF.');
  return vf;
}

/** Adds the command that holds a lease. */
export function addHoldCommand(program: Command, context: CliContext): void {
  program
    .command('hold', { hidden: true })
    .description('wait for the end of a QEMU process, then give its VF back')
    .requiredOption('--pf <address>', 'PF of the VF')
    .requiredOption('--vf <index>', 'index of the VF', parseVf)
    .requiredOption('--generation <id>', 'lease that is held')
    .action(async ({ pf, vf, generation }: HoldOptions) => {
      const { holdLease } = await import('./holding.ts');
      const key: VfKey = { pf, vf };
      await holdLease(context, key, generation);
    });
}
