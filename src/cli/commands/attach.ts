// Owns the command lines of `vfleet attach` and `vfleet detach`; what they do is in attaching.ts, loaded when it is run.

import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { isInterfaceName, isMulticastMac, parseMacAddress, zeroMacAddress } from '../../base/identifiers.ts';
import type { AttachRequest } from '../../model/attachment.ts';
import type { Risk } from '../../model/lease.ts';
import type { CliContext } from '../context.ts';
import { parseSeconds, parseWait } from '../seconds.ts';

export interface AttachOptions {
  readonly network: string;
  readonly mac?: string;
  readonly live?: boolean;
  readonly persistent?: boolean;
  readonly spread?: boolean;
  readonly acceptRisk?: readonly Risk[];
  readonly failover?: NonNullable<AttachRequest['failover']>;
  readonly spec?: string;
  readonly explain?: boolean;
  readonly json?: boolean;
  /** Seconds. */
  readonly wait: number;
  /** False with --no-agent. */
  readonly agent: boolean;
  readonly qemu?: boolean;
  /** These go with --qemu. */
  readonly name?: string;
  readonly pid?: number;
  readonly startWithin?: number;
  readonly bus?: string;
  readonly foreground?: boolean;
}

export interface DetachOptions {
  readonly network?: string;
  readonly mac?: string;
  readonly json?: boolean;
  readonly wait: number;
  readonly agent: boolean;
}

/** The names that --accept-risk takes, written out so that no schema is loaded for it. */
export const risks = [
  'no-iommu',
  'no-interrupt-remapping',
  'shared-iommu-group',
  'unknown-definition',
] as const satisfies readonly Risk[];
const failoverKinds = { bridge: 'bridge', ovs: 'openvswitch' } as const;

/** An interface's own MAC address, for an option. Throws commander's InvalidArgumentError. */
export function parseMac(text: string): string {
  const mac = parseMacAddress(text);
  if (mac === undefined) throw new InvalidArgumentError('not a MAC address like 52:54:00:12:34:56.');
  if (isMulticastMac(mac)) throw new InvalidArgumentError('a multicast address is nobody’s own.');
  if (mac === zeroMacAddress) throw new InvalidArgumentError('zeros mean no address.');
  return mac;
}

function parseFailover(text: string): NonNullable<AttachRequest['failover']> {
  const [, kind, bridge = ''] = /^(bridge|ovs)=(.*)$/s.exec(text) ?? [];
  if (kind === undefined) throw new InvalidArgumentError('write bridge=NAME or ovs=NAME.');
  if (!isInterfaceName(bridge))
    throw new InvalidArgumentError('a bridge has a name of 1 to 15 bytes, without / : and blanks.');
  return { kind: failoverKinds[kind as keyof typeof failoverKinds], bridge };
}

function parsePid(text: string): number {
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw new InvalidArgumentError('not the number of a process.');
  return Number(text);
}

/** The names of risks, for an option that is given once for each. Throws commander's InvalidArgumentError. */
export function collectRisk(value: string, earlier: readonly string[] = []): readonly string[] {
  if (!(risks as readonly string[]).includes(value))
    throw new InvalidArgumentError(`the risks are ${risks.join(', ')}.`);
  return [...new Set([...earlier, value])];
}

/** Adds the commands that give VFs to VMs and take them back. */
export function addAttachCommands(program: Command, context: CliContext): void {
  program
    .command('attach')
    .description('give a VM a VF of a network: choose it, set it up, plug it in')
    .argument('[vm]', 'name or UUID of the VM')
    .requiredOption('--network <name>', 'network of the applied spec')
    .addOption(
      new Option('--mac <address>', 'MAC address; absent: derived, always the same').argParser(parseMac),
    )
    .addOption(
      new Option('--live', 'until the VM stops (what a running VM gets without this)').conflicts(
        'persistent',
      ),
    )
    .option('--persistent', 'in the stored definition, too: through stops, until detach')
    .option('--spread', 'not on a card that the VM has a VF of already')
    .addOption(
      new Option('--accept-risk <name>', 'accept a risk, once for each')
        .choices(risks)
        .argParser(collectRisk),
    )
    .addOption(
      new Option('--failover <port>', 'add a standby virtio NIC: bridge=br0 or ovs=br-int').argParser(
        parseFailover,
      ),
    )
    .option('--spec <file>', 'networks and pools of this spec instead of the applied one')
    .option('--explain', 'change nothing; list every VF and why it would be taken or not')
    .option('--json', 'print the result as JSON')
    .option('--wait <seconds>', 'wait for another vfleet that is changing this host', parseWait, 0)
    .option('--no-agent', 'do it in this process, also when the agent is there')
    .option('--qemu', 'for a QEMU that you start yourself: print its arguments, hold the VF until it ends')
    .option('--name <name>', 'with --qemu: name of the VM')
    .addOption(
      new Option('--pid <pid>', 'with --qemu: hold it until this process ends, not the one that opens it')
        .argParser(parsePid)
        .conflicts('startWithin'),
    )
    .addOption(
      new Option(
        '--start-within <seconds>',
        'with --qemu: give it back if nobody has opened it by then',
      ).argParser(parseSeconds),
    )
    .option('--bus <id>', 'with --qemu: bus of the machine, for example a pcie-root-port')
    .option('--foreground', 'with --qemu: hold it in this process')
    .addHelpText(
      'after',
      '\nExit status: 0 the VM has the VF, 1 bad input, 3 no VF can be taken, a risk is' +
        '\nnot accepted, or an apply was cut off, 4 somebody else changes this host, 5 it' +
        '\nfailed and the VF is free again, 6 it failed and the VF could not be put back.' +
        '\n\nExamples:\n  vfleet attach web-1 --network storage\n  vfleet attach web-1 --network storage --persistent' +
        '\n  vfleet attach web-1 --network storage --explain\n  vfleet attach web-1 --network storage --failover bridge=br0' +
        '\n  vfleet attach --qemu --name vm1 --network storage',
    )
    .action(async (vm: string | undefined, options: AttachOptions) => {
      const { attachCommand } = await import('./attaching.ts');
      await attachCommand(context, vm, options);
    });
  program
    .command('detach')
    .description('take VFs from a VM, and give them back clean')
    .argument('<vm>', 'name or UUID of the VM')
    .option('--network <name>', 'only the VFs on this network')
    .addOption(new Option('--mac <address>', 'only the VF with this MAC address').argParser(parseMac))
    .option('--json', 'print the result as JSON')
    .option('--wait <seconds>', 'wait for another vfleet that is changing this host', parseWait, 0)
    .option('--no-agent', 'do it in this process, also when the agent is there')
    .addHelpText(
      'after',
      '\nExit status: 0 all given back, 1 bad input or no such lease, 4 a VF is kept,' +
        '\n6 a VF is in quarantine.' +
        '\n\nExamples:\n  vfleet detach web-1\n  vfleet detach web-1 --network storage',
    )
    .action(async (vm: string, options: DetachOptions) => {
      const { detachCommand } = await import('./attaching.ts');
      await detachCommand(context, vm, options);
    });
}
