#!/usr/bin/env node
// The composition root: the only place that reads the environment, chooses real or simulated hosts, and exits.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { addAgentCommand } from './commands/agent.ts';
import { addApplyCommands } from './commands/apply.ts';
import { addAttachCommands } from './commands/attach.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addHoldCommand } from './commands/hold.ts';
import { addHotplugCommand } from './commands/hotplug.ts';
import { addLabCommand } from './commands/lab.ts';
import { addLeasesCommand } from './commands/leases.ts';
import { addPinCommand } from './commands/pin.ts';
import { addPlanCommands } from './commands/plan.ts';
import { addServiceCommand } from './commands/service.ts';
import { addShowCommands } from './commands/show.ts';
import { addSizeCommand } from './commands/size.ts';
import { addValidatedCommands } from './commands/validated.ts';
import { addVmsCommand } from './commands/vms.ts';
import { addWatchCommand } from './commands/watch.ts';
import type { CliContext } from './context.ts';
import { refuseEmptyWords } from './empty-words.ts';
import { reportFailure } from './failure.ts';
import { openHost, openHypervisor } from './host.ts';
import { openTerminal } from './terminal.ts';
import { version } from './version.ts';

/** The system's folder for root, the user's own otherwise (XDG Base Directory Specification). */
function defaultStateRoot(environment: NodeJS.ProcessEnv): string {
  if (process.geteuid?.() === 0) return '/var/lib/vfleet';
  const stateHome = environment['XDG_STATE_HOME'];
  return join(
    stateHome !== undefined && stateHome.startsWith('/') ? stateHome : join(homedir(), '.local/state'),
    'vfleet',
  );
}

/** All commands, each with its place in the help. */
function buildProgram(context: CliContext, environment: NodeJS.ProcessEnv): Command {
  const program = new Command('vfleet')
    .description(
      'SR-IOV networking on Linux/KVM hosts from one file: show, plan, apply, attach to VMs, give back',
    )
    .version(context.version)
    .addOption(
      new Option('--host <host>', 'local, sim:PROFILE[:FAULTS.json] or snapshot:FILE')
        .env('VFLEET_HOST')
        .default('local'),
    )
    .addOption(
      new Option('--state <dir>', 'folder for journals, leases and locks')
        .env('VFLEET_STATE')
        .default(defaultStateRoot(environment)),
    )
    .addOption(
      new Option('--libvirt <socket>', "libvirt's socket; without it the usual ones").env('VFLEET_LIBVIRT'),
    )
    .showHelpAfterError('(see --help)')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .hook('preAction', refuseEmptyWords)
    .exitOverride();
  addShowCommands(program, context);
  addDoctorCommand(program, context);
  addValidatedCommands(program, context);
  addSizeCommand(program, context);
  addPlanCommands(program, context);
  addApplyCommands(program, context);
  addVmsCommand(program, context);
  addAttachCommands(program, context);
  addLeasesCommand(program, context);
  addPinCommand(program, context);
  addHotplugCommand(program, context);
  addHoldCommand(program, context);
  addAgentCommand(program, context);
  addWatchCommand(program, context);
  addServiceCommand(program, context);
  addLabCommand(program);
  addCompletionCommand(program, context);
  for (const command of program.commands) acceptGlobalOptions(command, program);
  return program;
}

/** Lets --host, --state and --libvirt stand behind the command as well, where people write them. */
function acceptGlobalOptions(command: Command, program: Command): void {
  command.exitOverride();
  if (command.commands.length > 0) {
    for (const each of command.commands) acceptGlobalOptions(each, program);
    return;
  }
  for (const name of ['host', 'state', 'libvirt']) {
    const option = new Option(`--${name} <value>`).hideHelp();
    option.argParser((value: string) => {
      program.setOptionValue(name, value);
      return value;
    });
    command.addOption(option);
  }
}

async function main(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const terminal = openTerminal(process, environment);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interruption.abort();
      // A second signal ends the process at once; the journal then knows what was going on.
      process.once(signal, () => process.exit(130));
    });
  }
  const context: CliContext = {
    terminal,
    signal: interruption.signal,
    version,
    program: [process.execPath, fileURLToPath(import.meta.url)],
    setExitStatus: (status) => {
      process.exitCode = status;
    },
    openHost: async () => {
      const { host, state } = program.opts<{ host: string; state: string }>();
      return openHost(host, state);
    },
    openHypervisor: async (host) => openHypervisor(host, program.opts<{ libvirt?: string }>().libvirt),
  };
  const program = buildProgram(context, environment);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = reportFailure(error, terminal, argv.includes('--json'));
    if ((environment['VFLEET_DEBUG'] ?? '') !== '' && error instanceof Error)
      terminal.note(error.stack ?? '');
  }
}

// A reader that went away (`vfleet show | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
await main(process.argv, process.env);
