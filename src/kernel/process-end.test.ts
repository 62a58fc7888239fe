// Against real processes of the machine that runs the tests.

import { afterEach, describe, expect, it } from 'vitest';
import { localFiles } from './local-files.ts';
import { waitForProcessEnd } from './process-end.ts';
import { isSameProcess, readBootId, readProcessInstance } from './proc/process-identity.ts';
import { endSleepers, sleeper } from './sleeping-process.fixture.ts';

const files = localFiles();
afterEach(endSleepers);

describe('waiting for the end of a process', () => {
  it('ends with the process, however it ends', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const { child, process } = sleeper();
      const ended = waitForProcessEnd(files, process);
      child.kill(signal);
      expect(await ended).toBe('ended');
      expect(readProcessInstance(files, process.pid)).toBeUndefined();
    }
  });

  it('is none for one that has gone, or whose number another one has', async () => {
    const { process } = sleeper();
    expect(await waitForProcessEnd(files, { ...process, startTicks: process.startTicks + 1 })).toBe('ended');
    expect(await waitForProcessEnd(files, { ...process, pid: 4_194_303 })).toBe('ended');
  });

  it('can be given up, before and while it lasts, and other work goes on meanwhile', async () => {
    const { process } = sleeper();
    expect(await waitForProcessEnd(files, process, { signal: AbortSignal.abort() })).toBe('aborted');
    const giveUp = new AbortController();
    const waiting = waitForProcessEnd(files, process, { signal: giveUp.signal });
    let turns = 0;
    for (; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
    giveUp.abort();
    expect(await waiting).toBe('aborted');
    expect(turns).toBe(100);
    expect(isSameProcess(process, readProcessInstance(files, process.pid))).toBe(true);
  });

  it('sees the end of one that no pidfd leads to', async () => {
    // A simulated process: only these files know it.
    let lines = 3;
    const simulated = {
      ...files,
      readBytes: (path: string) => {
        if (path !== '/proc/41/stat') return files.readBytes(path);
        lines -= 1;
        if (lines < 0) return { errno: 'ENOENT' };
        return Buffer.from(`41 (sim) S 1 ${'0 '.repeat(15)}1 0 3 0 0\n`);
      },
    };
    const process = { pid: 41, startTicks: 3, bootId: readBootId(files) ?? '' };
    expect(await waitForProcessEnd(simulated, process)).toBe('ended');
    expect(lines).toBe(-1);
  });

  it('waits for many at once', async () => {
    const many = Array.from({ length: 20 }, () => sleeper());
    const ends = many.map(async ({ process }) => waitForProcessEnd(files, process));
    for (const { child } of many.toReversed()) child.kill('SIGKILL');
    expect(await Promise.all(ends)).toEqual(many.map(() => 'ended'));
  });
});
