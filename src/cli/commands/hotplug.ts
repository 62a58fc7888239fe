// Owns the command line of `vfleet hotplug`; what it does is in hotplugging.ts, loaded when it is run.

import type { Command } from 'commander';
import { Option } from 'commander';
import type { Risk } from '../../model/lease.ts';
import type { CliContext } from '../context.ts';
import { parseSeconds, parseWait } from '../seconds.ts';
import { collectRisk, parseMac, risks } from './attach.ts';

export interface HotplugOptions {
  /** Path of QEMU's monitor. */
  readonly qmp: string;
  readonly network?: string;
  /** VF or MAC address to take away. */
  readonly remove?: string;
  readonly name?: string;
  readonly bus?: string;
  readonly mac?: string;
  readonly spread?: boolean;
  readonly acceptRisk?: readonly Risk[];
  readonly spec?: string;
  readonly json?: boolean;
  /** Seconds. */
  readonly wait: number;
  /** Seconds that a guest may take to let go of a VF; absent: the usual. */
  readonly unplugTimeout?: number;
}

/** Adds the command that plugs VFs into a QEMU that runs, and takes them away. */
export function addHotplugCommand(program: Command, context: CliContext): void {
  program
    .command('hotplug')
    .description('plug a VF of a network into a running QEMU over QMP, or take one away')
    .requiredOption('--qmp <socket>', "Unix socket of QEMU's monitor (-qmp unix:SOCKET,server=on,wait=off)")
    .addOption(new Option('--network <name>', 'network of the applied spec').conflicts('remove'))
    .option('--remove <vf>', 'take this VF away: its PCI address or its MAC address')
    .option('--name <name>', "name of the VM; absent: QEMU's own (-name)")
    .option('--bus <port>', 'id of the pcie-root-port that takes the VF; absent: a free one')
    .addOption(
      new Option('--mac <address>', 'MAC address; absent: derived, always the same').argParser(parseMac),
    )
    .option('--spread', 'not on a card that the VM has a VF of already')
    .addOption(
      new Option('--accept-risk <name>', 'accept a risk, once for each')
        .choices(risks)
        .argParser(collectRisk),
    )
    .option('--spec <file>', 'networks and pools of this spec instead of the applied one')
    .option('--json', 'print the result as JSON')
    .option('--wait <seconds>', 'wait for another vfleet that is changing this host', parseWait, 0)
    .option('--unplug-timeout <seconds>', 'how long the guest may take to let go of a VF', parseSeconds)
    .addHelpText(
      'after',
      '\nExit status: 0 done, 1 bad input or QEMU does not answer, 3 no VF, no free port,' +
        '\nor an apply was cut off, 4 the VF is kept, or somebody else changes this host,' +
        '\n5 it failed and the VF is free again, 6 it failed and the VF could not be put' +
        '\nback, or is in quarantine.' +
        '\n\nExamples:\n  vfleet hotplug --qmp /run/vm1.qmp --network storage' +
        '\n  vfleet hotplug --qmp /run/vm1.qmp --remove 52:54:00:12:34:56',
    )
    .action(async (options: HotplugOptions) => {
      const { hotplug } = await import('./hotplugging.ts');
      await hotplug(context, options);
    });
}
