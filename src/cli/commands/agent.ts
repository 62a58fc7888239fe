// Owns `vfleet agent`: the daemon in the foreground, its options, its lines in the log.

import type { Command } from 'commander';
import { Option } from 'commander';
import type { AgentEvent } from '../../agent/agent-answers.ts';
import { agentSocketOf } from '../agent-client.ts';
import type { CliContext } from '../context.ts';
import { printable } from '../render/table.ts';
import { changeable, withHost } from './reading.ts';

interface AgentCommandOptions {
  readonly socket?: string;
  readonly enforce?: boolean;
  readonly json?: boolean;
  readonly notifySocket?: string;
  readonly watchdogUsec?: string;
  readonly watchdogPid?: string;
}

/** Adds the command that runs the agent. */
export function addAgentCommand(program: Command, context: CliContext): void {
  program
    .command('agent')
    .description('follow VMs, leases and links: give VFs back, notice drift, serve the local API')
    .option('--socket <path>', 'Unix socket of the API (default: /run/vfleet/agent.sock)')
    .option('--enforce', 'put drift back; never at a VF that is in use or leased')
    .option('--json', 'print one JSON object per line')
    // What systemd says to a service (sd_notify(3), sd_watchdog_enabled(3)).
    .addOption(new Option('--notify-socket <path>').env('NOTIFY_SOCKET').hideHelp())
    .addOption(new Option('--watchdog-usec <number>').env('WATCHDOG_USEC').hideHelp())
    .addOption(new Option('--watchdog-pid <pid>').env('WATCHDOG_PID').hideHelp())
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet agent\n  vfleet agent --enforce --json\n  vfleet install-service host.yaml --agent',
    )
    .action(async (options: AgentCommandOptions) => run(context, options));
}

async function run(context: CliContext, options: AgentCommandOptions): Promise<void> {
  const { runAgent } = await import('../../agent/agent.ts');
  const { lateHypervisor } = await import('../../agent/late-hypervisor.ts');
  const { notifyServiceManager } = await import('../../kernel/service-notification.ts');
  const { assigningHost } = await import('../assigning.ts');
  const { groundReader } = await import('../offer.ts');
  const { checkRights } = await import('./rights.ts');
  await withHost(context, async (opened) => {
    const live = changeable(opened);
    checkRights(live);
    const hypervisor = lateHypervisor('libvirt', async () => context.openHypervisor(live));
    const { notifySocket } = options;
    try {
      await runAgent({
        host: assigningHost(context, live, hypervisor, () => undefined),
        readGround: groundReader(live),
        label: live.label,
        version: context.version,
        socketPath: options.socket ?? agentSocketOf(live),
        enforce: options.enforce === true,
        signal: context.signal,
        onEvent: (event) => context.terminal.print(lineOf(event, options)),
        notify:
          notifySocket === undefined
            ? undefined
            : (message) => void notifyServiceManager(notifySocket, message),
        watchdogMs: watchdogMsOf(options),
      });
    } finally {
      hypervisor.close();
    }
  });
}

/** How long the service manager waits for a sign of life; it may mean another process than us. */
function watchdogMsOf({ watchdogUsec, watchdogPid }: AgentCommandOptions): number | undefined {
  if (watchdogPid !== undefined && watchdogPid !== String(process.pid)) return undefined;
  const microseconds = Number(watchdogUsec ?? 0);
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined;
}

/** syslog(3) levels, as journald takes them from the beginning of a line (sd-daemon(3)). */
const levels = {
  failed: '<3>',
  quarantined: '<3>',
  'drift-began': '<4>',
  'enforce-held-back': '<4>',
} as const;

/** One line of the log. systemd's journal adds the time by itself. */
function lineOf(event: AgentEvent, options: AgentCommandOptions): string {
  if (options.json === true) return JSON.stringify(event);
  const { kind, text } = event;
  if (options.notifySocket === undefined) return `${event.at} ${kind}: ${printable(text)}`;
  const level = kind in levels ? levels[kind as keyof typeof levels] : '';
  return `${level}${kind}: ${printable(text)}`;
}
