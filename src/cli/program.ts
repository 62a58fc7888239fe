// Owns the list of commands and what they share on the command line; what each does is in commands/.

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
import { printable } from './render/table.ts';

/** All commands, each with its place in the help. `stateRoot`: where state is kept unless --state says another place. */
export function buildProgram(context: CliContext, stateRoot: string): Command {
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
        .default(stateRoot),
    )
    .addOption(
      new Option('--libvirt <socket>', "libvirt's socket; without it the usual ones").env('VFLEET_LIBVIRT'),
    )
    .showHelpAfterError('(see --help)')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ outputError: (text, write) => write(describeUsageError(text)) })
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

/** What commander has to say, with the words of others in it made safe for a terminal. */
function describeUsageError(text: string): string {
  const lines = text.replace(/(' is invalid)\. /, '$1: ').split('\n');
  return lines.map(printable).join('\n');
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
