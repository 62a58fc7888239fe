import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileLeases } from './file-leases.ts';
import { listEveryLease } from './lease-store.ts';
import { endQuarantine, listQuarantines, readQuarantine, writeQuarantine } from './quarantine.ts';
import { recordOfTemporary } from './record-file.ts';
import { exampleLease } from './testing/example-lease.ts';
import { hostileRecords } from './testing/hostile-record.ts';
import { lockVf } from './vf-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfleet-lease-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Short, and without what acts on a terminal. */
const oneLine = /^[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u;
const fileOf = (name: string): string => join(folder, 'leases', name);

describe('leases in files', () => {
  it('are created once, read, listed and ended', async () => {
    const leases = openFileLeases(folder);
    const lease = exampleLease();
    expect(await leases.list()).toEqual({ leases: [], corrupt: [] });
    expect(await leases.read(lease.key)).toBeUndefined();
    expect(await leases.create(lease)).toBe(true);
    expect(await leases.create(exampleLease())).toBe(false);
    expect(await leases.read(lease.key)).toEqual(lease);
    const other = exampleLease({ key: { pf: '0000:01:00.0', vf: 10 } });
    const odd = exampleLease({ key: { pf: 'netdevsim/netdevsim1', vf: 0 } });
    await leases.create(other);
    await leases.create(odd);
    expect(await leases.list()).toEqual({ leases: [lease, other, odd], corrupt: [] });
    expect(await leases.deleteIfGeneration(lease.key, lease.generation)).toBe(true);
    expect(await leases.deleteIfGeneration(lease.key, lease.generation)).toBe(false);
    expect((await leases.list()).leases).toEqual([other, odd]);
  });

  it('are seen and kept by their owner alone', async () => {
    await openFileLeases(folder).create(exampleLease());
    expect(statSync(join(folder, 'leases')).mode & 0o777).toBe(0o700);
    expect(statSync(fileOf('0000:01:00.0@3.json')).mode & 0o777).toBe(0o600);
  });

  it('leave nothing beside them', async () => {
    const leases = openFileLeases(folder);
    await Promise.all(Array.from({ length: 20 }, async () => leases.create(exampleLease())));
    expect(readdirSync(join(folder, 'leases'))).toEqual(['0000:01:00.0@3.json']);
  });

  it('go to one of many that ask at once', async () => {
    const leases = openFileLeases(folder);
    const many = Array.from({ length: 50 }, () => exampleLease());
    const won = await Promise.all(many.map(async (lease) => leases.create(lease)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await leases.read(exampleLease().key))?.generation).toBe(many[won.indexOf(true)]?.generation);
  });

  it('are not ended by a release that comes late', async () => {
    const leases = openFileLeases(folder);
    const first = exampleLease();
    await leases.create(first);
    await leases.deleteIfGeneration(first.key, first.generation);
    const second = exampleLease();
    await leases.create(second);
    expect(await leases.deleteIfGeneration(first.key, first.generation)).toBe(false);
    expect(await leases.read(first.key)).toEqual(second);
  });

  it('are what a record per VF would be, whatever is made and ended, in time or late', async () => {
    const vf = fc.integer({ min: 0, max: 2 });
    // Which of all leases of the VF so far a release means, counted from the first.
    const step = fc.record({ vf, release: fc.option(fc.nat({ max: 4 }), { nil: undefined }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const state = mkdtempSync(join(folder, 'run-'));
        const leases = openFileLeases(state);
        const held = new Map<number, string>();
        const former = new Map<number, string[]>();
        const answers: boolean[] = [];
        const expected: boolean[] = [];
        for (const { vf: index, release } of steps) {
          const key = { pf: '0000:01:00.0', vf: index };
          const known = former.get(index) ?? [];
          if (release === undefined) {
            const lease = exampleLease({ key });
            answers.push(await leases.create(lease));
            expected.push(!held.has(index));
            if (!held.has(index)) {
              held.set(index, lease.generation);
              former.set(index, [...known, lease.generation]);
            }
            continue;
          }
          const meant = known[release] ?? 'f'.repeat(32);
          answers.push(await leases.deleteIfGeneration(key, meant));
          expected.push(held.get(index) === meant);
          if (held.get(index) === meant) held.delete(index);
        }
        expect(answers).toEqual(expected);
        const left = (await leases.list()).leases.map(({ key, generation }) => [key.vf, generation]);
        expect(left).toEqual([...held].sort(([a], [b]) => a - b));
        rmSync(state, { recursive: true });
      }),
      { numRuns: 30 },
    );
  });

  it('are ended by one of many, and the next lease stays, however they meet', async () => {
    for (let round = 0; round < 30; round++) {
      const leases = openFileLeases(folder);
      const first = exampleLease();
      const second = exampleLease();
      await leases.create(first);
      const ends = Array.from({ length: 8 }, async () =>
        leases.deleteIfGeneration(first.key, first.generation),
      );
      const made = (async () => {
        while (!(await leases.create(second))) await new Promise(setImmediate);
      })();
      expect((await Promise.all(ends)).filter(Boolean)).toHaveLength(1);
      await made;
      expect(await leases.read(first.key)).toEqual(second);
      await leases.deleteIfGeneration(second.key, second.generation);
    }
  });

  it('pass over what a killed process left half-written', async () => {
    const leases = openFileLeases(folder);
    await leases.create(exampleLease());
    writeFileSync(fileOf('.0000:01:00.0@4.json.0123456789abcdef.tmp'), '{"half":');
    writeFileSync(fileOf('notes.txt'), 'hello');
    expect((await leases.list()).leases).toHaveLength(1);
    expect(await leases.read({ pf: '0000:01:00.0', vf: 4 })).toBeUndefined();
    expect(recordOfTemporary('.0000:01:00.0@4.json.0123456789abcdef.tmp')).toBe('0000:01:00.0@4.json');
    expect(recordOfTemporary('0000:01:00.0@4.json')).toBeUndefined();
  });

  it.each<[string, (path: string) => void]>([
    ...hostileRecords,
    [
      'the lease of another VF',
      (path) => writeFileSync(path, JSON.stringify(exampleLease({ key: { pf: '0000:01:00.0', vf: 4 } }))),
    ],
    [
      'a lease with an unknown field',
      (path) => writeFileSync(path, JSON.stringify({ ...exampleLease(), colour: 'red' })),
    ],
  ])('of which one is %s are listed with that one named, and its VF stays taken', async (_, put) => {
    const leases = openFileLeases(folder);
    const { key } = exampleLease();
    const others = [2, 10].map((vf) => exampleLease({ key: { ...key, vf } }));
    for (const other of others) await leases.create(other);
    const file = fileOf('0000:01:00.0@3.json');
    put(file);
    const stamp = (): unknown => {
      const { ino, size, mtimeNs } = lstatSync(file, { bigint: true });
      return { ino, size, mtimeNs };
    };
    const before = stamp();
    const { leases: sound, corrupt } = await leases.list();
    expect(sound).toEqual(others);
    expect(corrupt).toEqual([{ key, why: expect.stringMatching(oneLine) }]);
    expect(corrupt[0]?.why).toContain(`the lease in ${file} cannot be understood: `);
    const isCorrupt = expect.objectContaining({ code: 'lease.corrupt', message: corrupt[0]?.why });
    await expect(leases.read(key)).rejects.toThrow(isCorrupt);
    await expect(listEveryLease(leases)).rejects.toThrow(isCorrupt);
    expect(await leases.create(exampleLease())).toBe(false);
    expect(stamp()).toEqual(before);
  });

  it('of which some cannot be understood are not all, and each is named', async () => {
    const leases = openFileLeases(folder);
    await leases.create(exampleLease());
    expect(await listEveryLease(leases)).toHaveLength(1);
    for (const vf of [4, 12]) writeFileSync(fileOf(`0000:01:00.0@${vf}.json`), '{');
    const { corrupt } = await leases.list();
    expect(corrupt.map(({ key }) => key.vf)).toEqual([4, 12]);
    const problems = corrupt.map(({ why }) => why);
    await expect(listEveryLease(leases)).rejects.toMatchObject({ exitStatus: 6, details: { problems } });
  });

  it('that cannot be understood are not ended, whatever generation is named', async () => {
    const leases = openFileLeases(folder);
    const { key, generation } = exampleLease();
    mkdirSync(join(folder, 'leases'));
    writeFileSync(fileOf('0000:01:00.0@3.json'), '{');
    await expect(leases.deleteIfGeneration(key, generation)).rejects.toMatchObject({ code: 'lease.corrupt' });
    expect(readFileSync(fileOf('0000:01:00.0@3.json'), 'utf8')).toBe('{');
  });

  it('say where they cannot be written', async () => {
    writeFileSync(join(folder, 'leases'), 'a file in the way');
    chmodSync(folder, 0o700);
    await expect(openFileLeases(folder).create(exampleLease())).rejects.toThrow(
      expect.objectContaining({ code: 'file.unreadable' }),
    );
  });
});

describe('a watch of leases', () => {
  it('says at least once of each change, also before there is a folder', async () => {
    const leases = openFileLeases(folder);
    const stop = new AbortController();
    let seen = 0;
    const watching = (async () => {
      for await (const _ of leases.watch(stop.signal)) seen += 1;
    })();
    const lease = exampleLease();
    await leases.create(lease);
    await expect.poll(() => seen).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = seen;
    await leases.deleteIfGeneration(lease.key, lease.generation);
    await expect.poll(() => seen).toBeGreaterThan(before);
    stop.abort();
    await watching;
  });

  it('goes on when the folder is made anew', async () => {
    const leases = openFileLeases(folder);
    await leases.create(exampleLease());
    const stop = new AbortController();
    let seen = 0;
    const watching = (async () => {
      for await (const _ of leases.watch(stop.signal)) seen += 1;
    })();
    rmSync(join(folder, 'leases'), { recursive: true });
    await expect.poll(() => seen).toBeGreaterThan(0);
    const before = seen;
    await leases.create(exampleLease());
    await expect.poll(() => seen).toBeGreaterThan(before);
    stop.abort();
    await watching;
  });
});

describe('a watch of leases in a folder that cannot be looked at', () => {
  const eventually = { timeout: 10_000 };
  /** stat(2) fails with ELOOP, which root meets as well. */
  const spoil = (): void => symlinkSync('leases', join(folder, 'leases'));

  /** Counts what a watch says. */
  function watchLeases() {
    const stop = new AbortController();
    let seen = 0;
    const watching = (async () => {
      for await (const _ of openFileLeases(folder).watch(stop.signal)) seen += 1;
    })();
    const end = async (): Promise<void> => {
      stop.abort();
      await watching;
    };
    return { seen: () => seen, end };
  }

  async function mend(): Promise<void> {
    // Longer than between two looks.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    rmSync(join(folder, 'leases'));
    await openFileLeases(folder).create(exampleLease());
  }

  it('at first begins when it can be', async () => {
    spoil();
    const { seen, end } = watchLeases();
    await mend();
    await expect.poll(seen, eventually).toBeGreaterThan(0);
    await end();
  });

  it('any more says so, and goes on when it can be again', async () => {
    await openFileLeases(folder).create(exampleLease());
    const { seen, end } = watchLeases();
    rmSync(join(folder, 'leases'), { recursive: true });
    spoil();
    await expect.poll(seen, eventually).toBeGreaterThan(0);
    const before = seen();
    await mend();
    await expect.poll(seen, eventually).toBeGreaterThan(before);
    await end();
  });
});

describe('the lock of a VF', () => {
  it('is held by one, who says what he does', () => {
    const key = { pf: 'netdevsim/netdevsim1', vf: 0 };
    const first = lockVf(folder, key, 'attach web-1');
    expect(first).toHaveProperty('release');
    expect(lockVf(folder, key)).toEqual({
      heldBy: expect.stringMatching(/^vfleet attach web-1 \(pid \d+, /),
    });
    expect(lockVf(folder, { ...key, vf: 1 })).toHaveProperty('release');
    if ('release' in first) first.release();
    expect(lockVf(folder, key)).toHaveProperty('release');
  });
});

describe('a quarantine', () => {
  const quarantine = {
    key: { pf: '0000:01:00.0', vf: 3 },
    generation: '0'.repeat(32),
    why: 'it "><cannot> be reset',
    since: '2026-11-22T00:00:00.000Z',
  };

  it('is written, replaced, listed and ended, and is no lease', async () => {
    expect(listQuarantines(folder)).toEqual([]);
    writeQuarantine(folder, quarantine);
    writeQuarantine(folder, { ...quarantine, why: 'still' });
    expect(readQuarantine(folder, quarantine.key)).toEqual({ ...quarantine, why: 'still' });
    expect(listQuarantines(folder)).toHaveLength(1);
    expect(await openFileLeases(folder).list()).toEqual({ leases: [], corrupt: [] });
    endQuarantine(folder, quarantine.key);
    endQuarantine(folder, quarantine.key);
    expect(readQuarantine(folder, quarantine.key)).toBeUndefined();
  });

  it.each<[string, (path: string) => void]>([
    ...hostileRecords,
    [
      'the quarantine of another VF',
      (path) => {
        writeQuarantine(folder, { ...quarantine, key: { ...quarantine.key, vf: 4 } });
        renameSync(fileOf('0000:01:00.0@4.quarantine'), path);
      },
    ],
  ])('of which the record is %s is one all the same, and can be written anew or ended', (_, put) => {
    const { key } = quarantine;
    const path = fileOf('0000:01:00.0@3.quarantine');
    put(path);
    const found = readQuarantine(folder, key);
    expect(found).toEqual({ key, generation: '', why: expect.any(String), since: expect.any(String) });
    expect(found?.why).toMatch(oneLine);
    expect(found?.why).toContain(`the quarantine in ${path} cannot be understood: `);
    expect(Date.parse(found?.since ?? '')).toBeGreaterThan(0);
    expect(listQuarantines(folder)).toEqual([found]);
    writeQuarantine(folder, quarantine);
    expect(listQuarantines(folder)).toEqual([quarantine]);
    put(path);
    endQuarantine(folder, key);
    expect(listQuarantines(folder)).toEqual([]);
    expect(readdirSync(join(folder, 'leases'))).toEqual([]);
  });
});
