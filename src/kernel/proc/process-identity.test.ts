// Against real processes of the machine that runs the tests.

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { localFiles } from '../local-files.ts';
import {
  hasEnded,
  isSameProcess,
  parseProcessStat,
  readBootId,
  readProcessInstance,
} from './process-identity.ts';
import { endSleepers, sleeper } from '../sleeping-process.fixture.ts';

const files = localFiles();
afterEach(endSleepers);

describe('the identity of a process', () => {
  it('stays while it runs, and goes with it', async () => {
    const { child, process } = sleeper();
    expect(process).toEqual({
      pid: child.pid,
      startTicks: expect.any(Number) as number,
      bootId: readBootId(files),
    });
    expect(isSameProcess(process, readProcessInstance(files, process.pid))).toBe(true);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(readProcessInstance(files, process.pid)).toBeUndefined();
  });

  it('is another one with the same number when it started at another time, or in another boot', () => {
    const { process } = sleeper();
    const now = readProcessInstance(files, process.pid);
    expect(isSameProcess({ ...process, startTicks: process.startTicks - 1 }, now)).toBe(false);
    expect(isSameProcess({ ...process, bootId: 'b9c5a9a4-0000-0000-0000-000000000000' }, now)).toBe(false);
    expect(isSameProcess(process, undefined)).toBe(false);
  });

  it('is the start time that the kernel counts from boot: ours is before now, and after that of process 1', () => {
    const ours = readProcessInstance(files, process.pid);
    const first = readProcessInstance(files, 1);
    expect(ours?.startTicks).toBeGreaterThan(first?.startTicks ?? Infinity);
    expect(readProcessInstance(files, sleeper().process.pid)?.startTicks).toBeGreaterThanOrEqual(
      ours?.startTicks ?? Infinity,
    );
  });

  it('has no number that cannot be one', () => {
    for (const pid of [0, -1, 1.5, NaN, Infinity, 2 ** 31, 4_194_304])
      expect(readProcessInstance(files, pid)).toBeUndefined();
  });

  it('is no zombie, unless other threads of it still run', () => {
    const line = (state: string, threads: number): string =>
      `7 (a) b) (c) ${state} 1 ${'0 '.repeat(15)}${threads} 0 4711 0`;
    expect(parseProcessStat(line('S', 1))).toEqual({ pid: 7, state: 'S', threadCount: 1, startTicks: 4711 });
    const ended = (state: string, threads: number): boolean | undefined => {
      const stat = parseProcessStat(line(state, threads));
      return stat === undefined ? undefined : hasEnded(stat);
    };
    expect([ended('S', 1), ended('Z', 1), ended('X', 0), ended('Z', 3)]).toEqual([false, true, true, false]);
  });

  it('is found in no other line', () => {
    for (const text of ['', '7', '7 (a)', '7 (a) S', '7 (a) SS 1', 'x (a) S 1', `7 (a) S ${'x '.repeat(50)}`])
      expect(parseProcessStat(text)).toBeUndefined();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, rest) => {
        const stat = parseProcessStat(`12 (${name}) ${rest}`);
        expect(stat === undefined || Number.isSafeInteger(stat.startTicks)).toBe(true);
        const whole = parseProcessStat(`12 (${name}) S 1 ${'0 '.repeat(15)}1 0 99 0 0`);
        expect(whole).toMatchObject({ pid: 12, startTicks: 99 });
      }),
    );
  });
});
