// Owns real processes under test that do nothing until they are ended.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { localFiles } from './local-files.ts';
import { readProcessInstance } from './proc/process-identity.ts';
import type { ProcessInstance } from './proc/process-identity.ts';

const children: ChildProcess[] = [];

export function sleeper(): { child: ChildProcess; process: ProcessInstance } {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  children.push(child);
  const process = readProcessInstance(localFiles(), child.pid ?? 0);
  if (process === undefined) throw new Error('sleep does not run');
  return { child, process };
}

/** To be called after each test. */
export function endSleepers(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL');
}
