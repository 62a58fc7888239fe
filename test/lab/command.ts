// Owns the two ways in which lab tests run vfleet: its commands in this process, which takes no start-up time, and the
// built program as a process of its own, for what only a process can show (signals, rights, locks).

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { addApplyCommands } from '../../src/cli/commands/apply.ts';
import { addAttachCommands } from '../../src/cli/commands/attach.ts';
import { addLeasesCommand } from '../../src/cli/commands/leases.ts';
import { addPlanCommands } from '../../src/cli/commands/plan.ts';
import { addShowCommands } from '../../src/cli/commands/show.ts';
import type { CliContext, Terminal } from '../../src/cli/context.ts';
import { reportFailure } from '../../src/cli/failure.ts';
import { openHost, openHypervisor } from '../../src/cli/host.ts';
import { version } from '../../src/cli/version.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { withoutWaiting } from '../stderr.fixture.ts';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const mainFile = 'dist/cli/main.js';

/** Runs a command line of vfleet in this process, on the local host unless told otherwise. `state` as for --state. */
export async function vfleet(state: string, args: readonly string[], host = 'local'): Promise<Outcome> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  let status = 0;
  const terminal: Terminal = {
    print: (line) => void stdout.push(line),
    note: (line) => void stderr.push(line),
    rewrite: undefined,
    widthColumns: undefined,
    isUtf8: true,
    style: (_style, text) => text,
    confirm: undefined,
  };
  const context: CliContext = {
    terminal,
    signal: new AbortController().signal,
    version,
    program: ['node', 'vfleet'],
    openHost: async () => openHost(host, state),
    openHypervisor: async (opened) => openHypervisor(opened, undefined),
    setExitStatus: (value) => {
      status = value;
    },
  };
  const program = new Command('vfleet').exitOverride();
  addShowCommands(program, context);
  addPlanCommands(program, context);
  addApplyCommands(program, context);
  addAttachCommands(program, context);
  addLeasesCommand(program, context);
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    status = reportFailure(error, terminal, args.includes('--json'));
  }
  return { status, stdout: stdout.join('\n'), stderr: withoutWaiting(stderr.join('\n')) };
}

/** Runs a command that must succeed; what it printed. */
export async function vfleetOk(state: string, args: readonly string[], host?: string): Promise<string> {
  const { status, stdout, stderr } = await vfleet(state, args, host);
  if (status !== 0) throw new Error(`vfleet ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Writes a spec with entries for PFs (YAML, two spaces of indent) and applies it; it must succeed. */
export async function applySpec(
  state: string,
  entries: string,
  ...options: readonly string[]
): Promise<string> {
  return vfleetOk(state, ['apply', writeSpec(state, entries), '--yes', ...options]);
}

/** Writes a spec to a file of the state folder. */
export function writeSpec(state: string, entries: string): string {
  const file = join(state, 'host.yaml');
  writeFileSync(file, `apiVersion: vfleet/v1\nkind: Host\npfs:\n${entries}`);
  return file;
}

/** The host as `vfleet show --json` prints it. */
export async function showHost(state: string): Promise<Snapshot> {
  return JSON.parse(await vfleetOk(state, ['show', '--json'])) as Snapshot;
}

export async function showPf(state: string, address: string): Promise<Snapshot['pfs'][number]> {
  const { pfs } = await showHost(state);
  const pf = pfs.find((each) => each.address === address);
  if (pf === undefined) throw new Error(`vfleet shows no PF ${address}`);
  return pf;
}

/** vfleet as a process of its own. */
export interface VfleetProcess {
  readonly child: ChildProcess;
  /** Resolves once a line of standard error matches; fails when the process ends before. */
  readonly said: (pattern: RegExp) => Promise<void>;
  readonly ended: Promise<Outcome>;
}

/** Starts the built vfleet; `prefix` is a program with arguments that runs it, such as setpriv. */
export function startVfleet(
  state: string,
  args: readonly string[],
  prefix: readonly string[] = [],
): VfleetProcess {
  const [program = '', ...rest] = [...prefix, process.execPath, mainFile, '--state', state, ...args];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? -1, stdout, stderr }));
  });
  const said = async (pattern: RegExp): Promise<void> => {
    const isOver = ended.then(() => true);
    while (!pattern.test(stderr)) {
      const news = once(child.stderr, 'data').then(() => false);
      if ((await Promise.race([news, isOver])) && !pattern.test(stderr))
        throw new Error(`vfleet ended without saying ${String(pattern)}: ${stderr}`);
    }
  };
  return { child, said, ended };
}
