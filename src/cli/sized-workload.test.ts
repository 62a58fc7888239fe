import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import { onSnapshot, simSnapshot, smallFleet } from '../report/testing/sized.ts';
import { sizeWorkloadFile } from './sized-workload.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfleet-size-'));
let count = 0;

function file(text: string, name = 'workload.yaml'): string {
  const own = join(folder, `${count++}`);
  mkdirSync(own);
  writeFileSync(join(own, name), text);
  return join(own, name);
}

/** The error of a workload file, with the names of its files made short. */
async function failureOf(
  path: string,
): Promise<{ code: string; message: string; problems: readonly string[] }> {
  try {
    await sizeWorkloadFile(path);
  } catch (thrown) {
    if (!(thrown instanceof VfleetError)) throw thrown;
    const short = (text: string): string => text.replaceAll(/\/\S*\/(?=[^/\s]+)/g, '');
    return {
      code: thrown.code,
      message: short(thrown.message),
      problems: (thrown.details.problems ?? []).map(short),
    };
  }
  throw new Error('it did not fail');
}

const two = onSnapshot.replace('[{ file: FILE }]', '[{ file: a.json }, { file: b.json, count: 2 }]');

describe('a workload file', () => {
  it('is read with the snapshots beside it, and with the CPUs that they know', async () => {
    const path = file(onSnapshot.replace('FILE', './a.json'));
    const snapshot = await simSnapshot('mixed-numa');
    writeFileSync(join(path, '../a.json'), JSON.stringify(snapshot));
    const { result, cores } = await sizeWorkloadFile(path);
    expect(result.outcome).toBe('fits');
    expect(result.hosts.map(({ name }) => name)).toEqual([snapshot.host.name]);
    expect(cores[0]?.map((node) => node.flat().length)).toEqual([16, 16]);
  });

  it('knows no CPUs of a class', async () => {
    const { cores } = await sizeWorkloadFile(file(smallFleet));
    expect(cores).toEqual([undefined]);
  });

  it.each([
    ['is not there', join(folder, 'no.yaml'), 'file.unreadable', /^workload no\.yaml: ENOENT/],
    ['is a folder', folder, 'file.unreadable', /it is no file/],
    ['is no YAML', file('vms: [\n'), 'spec.syntax', /line \d+/],
    ['is another kind of text', file('just text\n'), 'spec.syntax', /is no mapping/],
    ['is a host spec', file('apiVersion: vfleet/v1\nkind: Host\npfs: []\n'), 'spec.invalid', /problems in/],
    [
      'has a negative count',
      file(smallFleet.replace('count: 5', 'count: -5')),
      'spec.invalid',
      /^line 5, vms\[0\]\.count: -5 is less than 1$/,
    ],
    [
      'has 100,000 machines without bandwidth',
      file(smallFleet.replace('count: 5', 'count: 100000').replace('gbps: 4', 'gbps: 0')),
      'spec.invalid',
      /^line 9, vms\[0\]\.nics\[0\]\.gbps: 0 is not more than 0$/,
    ],
    [
      'has a key that nobody knows',
      file(smallFleet.replace('sockets: 2', 'socket: 2\n      sockets: 2')),
      'spec.invalid',
      /^line 17, hosts\.classes\[0\]\.socket: unknown key; did you mean sockets\?$/,
    ],
    [
      'has a card that nobody knows',
      file(smallFleet.replace("'15b3:101d', socket: 1", "'dead:beef', socket: 1")),
      'spec.invalid',
      /^line 23, hosts\.classes\[0\]\.cards\[1\]\.card: "dead:beef" is not in the catalogue$/,
    ],
    [
      'names a snapshot that is not there',
      file(onSnapshot.replace('FILE', 'no.json')),
      'file.unreadable',
      /^line 7: snapshot no\.json: ENOENT/,
    ],
  ])('that %s is one clear line', async (_, path, code, message) => {
    const failure = await failureOf(path);
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(message);
    expect(failure.message).not.toContain('\n');
  });

  it('with a truncated snapshot and one of a newer version has a line for each', async () => {
    const path = file(two);
    const text = JSON.stringify(await simSnapshot('ice'));
    writeFileSync(join(path, '../a.json'), text.slice(0, 700));
    writeFileSync(join(path, '../b.json'), text.replace('"snapshotVersion":1', '"snapshotVersion":7'));
    expect(await failureOf(path)).toMatchObject({
      message: '2 snapshots of workload.yaml cannot be used',
      problems: [
        expect.stringMatching(/^line 7: a\.json is cut off or no JSON/),
        'line 7: b.json has snapshot version 7, this vfleet reads 1',
      ],
    });
  });

  it('with a snapshot that says nothing about the host is refused', async () => {
    const path = file(onSnapshot.replace('FILE', 'a.json'));
    const { platform: _, ...bare } = await simSnapshot('ice');
    writeFileSync(join(path, '../a.json'), JSON.stringify(bare));
    expect(await failureOf(path)).toMatchObject({
      code: 'snapshot.invalid',
      message: '"a.json" says nothing about processors and memory',
    });
  });
});
