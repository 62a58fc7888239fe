// Owns the conversation with the C program of floor.c: what the least possible netlink costs, and how long a program
// takes and how much memory it holds.

import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

/** Where scripts/bench.mjs puts what it builds. */
export const buildFolder = import.meta.dirname;
const floorFile = join(buildFolder, 'floor');

/** A floor that has its socket open and waits. */
export interface Floor {
  /** Milliseconds that one request took in the C program. */
  ask(request: string): Promise<number>;
  close(): void;
}

/** Starts the floor on an interface. */
export function openFloor(ifName: string): Floor {
  return serve('serve', ifName);
}

/** Starts the floor on a file of recording.ts; whatever it is asked, it does the reads of the file. */
export function openReplay(file: string): Floor {
  return serve('replay', file);
}

function serve(...args: readonly string[]): Floor {
  const child = spawn(floorFile, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${request}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`the floor has no answer to ${request}`);
      return Number(value) / 1e6;
    },
    close: () => child.stdin.end(),
  };
}

export interface ProgramRun {
  readonly ms: number;
  /** Most memory that was resident at one time, in MB of 10^6 bytes. */
  readonly peakMb: number;
}

/** Runs a program, its output into a file. Throws when it fails. */
export function runProgram(command: readonly string[], outputFile = '/dev/null'): ProgramRun {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const { stdout, status } = spawnSync(floorFile, ['run', outputFile, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const [ns = '', kilobytes = '', exit] = stdout.trim().split(' ');
  if (status !== 0 || exit !== '0') throw new Error(`${command.join(' ')} ended with status ${exit}`);
  return { ms: Number(ns) / 1e6, peakMb: (Number(kilobytes) * 1024) / 1e6 };
}

/** Runs a program whose cost does not matter. Throws when it fails. */
export function runTool(program: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
}
