// Owns the command line of `vfleet lab`: options to a machine, where bytes go, what Ctrl-C does.
// The lab's modules are loaded when an action runs, so that other commands do not pay for them.

import { Option } from 'commander';
import type { Command } from 'commander';
import { VfleetError } from '../../base/errors.ts';
import type { LabIommu, LabMachine } from '../../lab/machine.ts';

interface MachineOptions {
  readonly nic: string;
  readonly netdevsim?: string;
  readonly iommu: string;
  readonly memory?: string;
  readonly yes?: boolean;
  readonly slotLink?: string;
}

/** The same as in src/lab/machine.ts, written out so that nothing is loaded for it. */
const iommus = ['intel', 'intel-noremap', 'amd', 'off'] as const satisfies readonly LabIommu[];

const examples = `
Examples:
  vfleet lab setup --yes          install what is missing, prepare kernel
  vfleet lab run -- vfleet show   two emulated Intel 82576, each with 7 VFs
  vfleet lab run --netdevsim 256 -- sh -c \\
    'echo 256 > /sys/bus/netdevsim/devices/netdevsim1/sriov_numvfs; ip link'
  vfleet lab run --nic igb:1 --iommu amd -- lspci -vvv
  vfleet lab shell

The guest sees this machine's files as they are; what it writes is gone when it
ends. /tmp, /run and /var/lib/vfleet start empty. Exit status and output are
those of CMD; 126 and 127 mean what they mean in a shell.`;

/** Adds `lab run`, `lab shell` and `lab setup`. */
export function addLabCommand(program: Command): void {
  const lab = program
    .command('lab')
    .description('a virtual machine with real SR-IOV drivers, without a card and without KVM')
    .addHelpText('after', examples);

  addMachineOptions(lab.command('run'))
    .description('boot the lab, run a command in it as root, and exit with its status')
    .argument('<cmd...>', 'command and arguments, after --')
    .addHelpText('after', examples)
    .action(async (command: string[], options: MachineOptions) => {
      const machine = await readMachine(options);
      const { runInLab } = await import('../../lab/run.ts');
      await untilInterrupted(async (signal) => {
        if (options.yes === true || process.env['CI'] === 'true') await installMissing(false, signal);
        return await runInLab(machine, {
          command,
          cwd: process.cwd(),
          env: process.env,
          stdin: process.stdin,
          stdout: process.stdout,
          stderr: process.stderr,
          report,
          signal,
        });
      });
      // A pipe or terminal that is still open must not keep us.
      process.stdin.destroy();
    });

  addMachineOptions(lab.command('shell'))
    .description('boot the lab and open a shell in it')
    .action(async (options: MachineOptions) => {
      const machine = await readMachine(options);
      if (!process.stdin.isTTY || !process.stdout.isTTY) {
        throw new VfleetError('usage.invalid', 'lab shell needs a terminal', {
          hint: 'Use `vfleet lab run -- CMD` in scripts.',
        });
      }
      const { shellInLab } = await import('../../lab/shell.ts');
      await untilInterrupted(async (signal) => {
        if (options.yes === true) await installMissing(false, signal);
        return await shellInLab(machine, {
          cwd: process.cwd(),
          env: process.env,
          input: process.stdin,
          output: process.stdout,
          report,
          signal,
        });
      });
    });

  lab
    .command('setup')
    .description('install the Debian packages the lab needs, and prepare the newest kernel and netdevsim')
    .option('--yes', 'do not ask before installing packages')
    .action(async (options: { yes?: boolean }) => {
      await untilInterrupted(async (signal) => {
        await installMissing(options.yes !== true, signal);
        const { prepareImage } = await import('../../lab/image.ts');
        const { prepareInitramfs } = await import('../../lab/initramfs.ts');
        const { labCacheFolder } = await import('../../lab/cache.ts');
        const cacheFolder = labCacheFolder(process.env);
        const image = await prepareImage({ cacheFolder, netdevsim: true, refresh: true, report, signal });
        await prepareInitramfs(image, signal);
        report(`ready: Linux ${image.release} with netdevsim, in ${cacheFolder}`);
        return 0;
      });
    });
}

function addMachineOptions(command: Command): Command {
  return command
    .option('--nic <model:count>', 'emulated NICs with SR-IOV, igb:0 for none', 'igb:2')
    .option('--slot-link <GT/s x lanes>', 'the most that the slots of the NICs can do, such as 2.5x1')
    .option('--netdevsim <vfs>', 'add the device netdevsim/netdevsim1, which can make so many VFs')
    .addOption(
      new Option('--iommu <kind>', 'noremap: no interrupt remapping').choices(iommus).default('intel'),
    )
    .option('--memory <MB>', 'memory of the machine, at most 2000')
    .option('--yes', 'install missing Debian packages first (as root)');
}

/** The machine that the options describe. Exported for its test. Errors: `usage.invalid`. */
export async function readMachine(options: MachineOptions): Promise<LabMachine> {
  const { checkLabMachine, defaultLabMachine, parseIommu, parseNics, parseSlotLink } =
    await import('../../lab/machine.ts');
  const machine: LabMachine = {
    ...defaultLabMachine,
    nics: parseNics(options.nic),
    iommu: parseIommu(options.iommu),
    ...(options.slotLink === undefined ? {} : { slotLink: parseSlotLink(options.slotLink) }),
    ...(options.netdevsim === undefined
      ? {}
      : { netdevsimVfs: readNumber('--netdevsim', options.netdevsim) }),
    ...(options.memory === undefined ? {} : { memoryMb: readNumber('--memory', options.memory) }),
  };
  checkLabMachine(machine);
  return machine;
}

function readNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new VfleetError('usage.invalid', `${option} ${text}: a whole number is needed`);
}

/** Installs what the lab lacks, as root; asks first if that is wanted and somebody is there to answer. */
async function installMissing(ask: boolean, signal: AbortSignal): Promise<void> {
  const { installLabPackages, missingLabPackages, missingPackagesError } =
    await import('../../lab/packages.ts');
  const missing = await missingLabPackages(process.env);
  if (missing.length === 0) return;
  if (ask && process.getuid?.() === 0 && process.stdin.isTTY && !(await confirmInstall(missing, signal))) {
    throw await missingPackagesError(missing);
  }
  await installLabPackages({ env: process.env, report, signal });
}

async function confirmInstall(missing: readonly string[], signal: AbortSignal): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`Install ${missing.join(', ')}? [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

function report(line: string): void {
  process.stderr.write(`lab: ${line}\n`);
}

// signal(7); a shell reports a program that a signal ended as 128 + number.
const interruptions = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const sigpipe = 13;

/** Runs work that a signal can end, and makes its status, or the signal's, that of the process. */
async function untilInterrupted(work: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const controller = new AbortController();
  let interruptedBy = 0;
  const handlers = Object.entries(interruptions).map(([name, number]) => {
    const handler = (): void => {
      interruptedBy = number;
      controller.abort(new VfleetError('lab.failed', `ended by ${name}`));
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  try {
    process.exitCode = await work(controller.signal);
  } catch (error) {
    if (interruptedBy > 0) process.exitCode = 128 + interruptedBy;
    else if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exitCode = 128 + sigpipe;
    else throw error;
  } finally {
    for (const off of handlers) off();
  }
}
