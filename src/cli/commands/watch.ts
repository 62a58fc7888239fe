// Owns `vfleet watch`: what happens to the links of a host's PFs and VFs, as it happens.

import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { printable } from '../render/table.ts';
import { changeable, withHost } from './reading.ts';

/** Adds the command that follows link events. */
export function addWatchCommand(program: Command, context: CliContext): void {
  program
    .command('watch')
    .description('print link events (up, down, new, gone) until interrupted')
    .option('--json', 'print one JSON object per line')
    .addHelpText('after', '\nExample:\n  vfleet watch --json | jq -c .')
    .action(async (options: { json?: boolean }) => {
      const { watchLinks } = await import('../../kernel/rtnetlink/link-events.ts');
      await withHost(context, async (opened) => {
        const { session } = changeable(opened);
        const watch = watchLinks(() => session.kernel.openNetlink('route'));
        context.signal.addEventListener('abort', () => watch.close());
        for await (const event of watch) {
          if (options.json === true)
            context.terminal.print(JSON.stringify({ at: new Date().toISOString(), ...factsOf(event) }));
          else for (const line of linesOf(event)) context.terminal.print(line);
        }
      });
    });
}

type LinkEvent = import('../../kernel/rtnetlink/link-events.ts').LinkEvent;
type Link = import('../../kernel/rtnetlink/link.ts').Link;

function linkFacts({ ifIndex, name, up, mtu, attributes }: Link): Record<string, unknown> {
  const { address, carrier, master, parentDeviceName } = attributes;
  return {
    ifIndex,
    name,
    up,
    mtu,
    mac: address,
    carrier: carrier === undefined ? undefined : carrier === 1,
    master,
    device: parentDeviceName,
  };
}

function factsOf(event: LinkEvent): Record<string, unknown> {
  switch (event.kind) {
    case 'link':
      return { event: 'link', ...linkFacts(event.link) };
    case 'gone':
      return { event: 'gone', ifIndex: event.ifIndex, name: event.name };
    case 'address':
      return { event: 'address', ifIndex: event.ifIndex, scope: event.scope };
    case 'resync':
      return { event: 'resync', links: event.links.map(linkFacts) };
  }
}

function linesOf(event: LinkEvent): string[] {
  switch (event.kind) {
    case 'address':
      return [`address of interface ${event.ifIndex}`];
    case 'link':
      return [describeLink(event.link)];
    case 'gone':
      return [`${printable(event.name)}: gone`];
    case 'resync':
      return ['all links, read anew:', ...event.links.map((link) => `  ${describeLink(link)}`)];
  }
}

function describeLink({ name, up, mtu, attributes }: Link): string {
  const { address, carrier, parentDeviceName } = attributes;
  const facts = [
    up ? 'up' : 'down',
    ...(carrier === undefined ? [] : [carrier === 1 ? 'link' : 'no link']),
    `MTU ${mtu}`,
    ...(address === undefined ? [] : [address]),
    ...(parentDeviceName === undefined ? [] : [`device ${parentDeviceName}`]),
  ];
  return printable(`${name}: ${facts.join(', ')}`);
}
