import { describe, expect, it } from 'vitest';
import { Placements } from '../model/placements.ts';
import type { HostModel } from '../sizing/host-model.ts';
import { allPlacements, type SizingResult } from '../sizing/result.ts';
import { parseSpec } from '../spec/parsed-spec.ts';
import { hostFiles } from './host-files.ts';
import { createFolderNames, hostName } from './host-names.ts';
import { onSnapshot, simSnapshot, sized, type Sized, smallFleet } from './testing/sized.ts';

interface Files {
  readonly name: string;
  readonly text: string;
  readonly spec: ReturnType<typeof parseSpec>['spec'];
  readonly placements: Placements;
}

/** The files of every used host, read by those who take them. */
function filesOf({ result, cores }: Sized): readonly Files[] {
  return [...hostFiles(result, cores)].map(({ name, spec, placements }) => ({
    name,
    text: spec,
    spec: parseSpec(spec, `${name}/host.yaml`).spec,
    placements: Placements.parse(JSON.parse(placements)),
  }));
}

/** VFs that machines have, by PF: indexes in the order of the file. */
function vfsOf({ vms }: Placements): ReadonlyMap<string, readonly number[]> {
  const vfs = new Map<string, number[]>();
  for (const { pf, index } of vms.flatMap((vm) => vm.vfs)) vfs.set(pf, [...(vfs.get(pf) ?? []), index]);
  return vfs;
}

const numbers = (list: string): number[] =>
  list.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, nth) => from + nth);
  });

describe('the files of hosts', () => {
  it('are specs for every used host, with the VFs that machines use and the spares', async () => {
    const one = await sized(smallFleet);
    const files = filesOf(one);
    expect(files).toHaveLength(one.result.usedHosts);
    for (const { spec, placements } of files) {
      const used = vfsOf(placements);
      // On hosts of a class, PFs stand in the order of the model, as they are called in vms.json.
      const wanted = ['0.0.0', '0.1.0', '1.0.0', '1.1.0'].map((pf) => (used.get(pf)?.length ?? 0) + 2);
      expect(spec.pfs.map(({ vfs }) => vfs?.count)).toEqual(wanted);
    }
  });

  it('give hosts of a class addresses that are on no machine, and say so', async () => {
    const [first] = filesOf(await sized(smallFleet));
    expect(first?.spec.pfs.map(({ match }) => match.address)).toEqual([
      'ffff:00:00.0',
      'ffff:00:00.1',
      'ffff:01:00.0',
      'ffff:01:00.1',
    ]);
    expect(first?.text.match(/FILL IN/g)).toHaveLength(4);
  });

  it('place every machine once, by its name', async () => {
    const one = await sized(smallFleet);
    const placed = filesOf(one).flatMap(({ placements }) => placements.vms.map(({ name }) => name));
    const wanted = [
      ...Array.from({ length: 5 }, (_, nth) => `db-${nth}`),
      ...Array.from({ length: 9 }, (_, nth) => `web-${nth}`),
    ];
    expect(placed.toSorted()).toEqual(wanted.toSorted());
    expect([...allPlacements(one.result)]).toHaveLength(wanted.length);
  });

  it('number the VFs of a PF from 0 without a gap, so that the spares are the last', async () => {
    for (const { placements } of filesOf(await sized(smallFleet))) {
      for (const indexes of vfsOf(placements).values()) {
        expect(indexes.toSorted((a, b) => a - b)).toEqual(indexes.map((_, nth) => nth));
      }
    }
  });

  it('pin machines of a snapshot to CPUs of their node: each once, whole cores first, none of the host’s', async () => {
    const snapshot = await simSnapshot('mixed-numa');
    const [file] = filesOf(await sized(onSnapshot, snapshot));
    const { kept, vms } = file?.placements ?? { kept: [], vms: [] };
    expect(kept).toEqual([
      { node: 0, cores: 1, cpus: '0,16' },
      { node: 1, cores: 1, cpus: '8,24' },
    ]);
    const taken = vms.flatMap((vm) => vm.cpus ?? []).map(Number);
    expect(taken).toHaveLength(3 * 3 + 9);
    expect(new Set([...taken, 0, 16, 8, 24]).size).toBe(taken.length + 4);
    for (const vm of vms) {
      const [on] = vm.numa;
      const cores = snapshot.platform?.numa.find(({ node }) => node === on?.node)?.cores ?? [];
      expect(cores.flat()).toEqual(expect.arrayContaining((vm.cpus ?? []).map(Number)));
      const whole = cores.filter((core) => core.every((cpu) => vm.cpus?.includes(`${cpu}`)));
      expect(whole).toHaveLength(Math.floor(vm.vcpus / 2));
      expect(vm.pinning).toBe('dedicated');
    }
  });

  it('match the PFs of a snapshot by their addresses', async () => {
    const snapshot = await simSnapshot('mixed-numa');
    const [file] = filesOf(await sized(onSnapshot, snapshot));
    expect(file?.name).toBe(snapshot.host.name);
    expect(file?.spec.pfs.map(({ match }) => match.address)).toEqual(
      snapshot.pfs.map(({ address }) => address),
    );
    expect(file?.text).not.toContain('FILL IN');
  });

  it('let machines share the CPUs of their node when there are more vCPUs than threads', async () => {
    const snapshot = await simSnapshot('mixed-numa');
    const text = onSnapshot.replace('policy: {', 'policy: { cpuRatio: 2,');
    const [file] = filesOf(await sized(text, snapshot));
    for (const vm of file?.placements.vms ?? []) {
      expect(vm.pinning).toBe('shared');
      expect(vm.cpus).toHaveLength(vm.vcpus);
      for (const list of vm.cpus ?? []) expect(numbers(list)).toHaveLength(14);
    }
  });

  it('spread a machine that is larger than a node over all nodes, and say which part is where', async () => {
    const snapshot = await simSnapshot('mixed-numa');
    const text = onSnapshot
      .replace('count: 1, vcpus: 9', 'count: 1, vcpus: 17')
      .replace('count: 3', 'count: 1');
    const [file] = filesOf(await sized(text, snapshot));
    const big = file?.placements.vms.find(({ name }) => name === 'big-0');
    expect(big?.numa).toEqual([
      { node: 0, vcpus: '0-8', memoryMb: 8192 },
      { node: 1, vcpus: '9-16', memoryMb: 8192 },
    ]);
    expect(big?.cpus?.slice(0, 9).every((cpu) => Number(cpu) % 16 < 8)).toBe(true);
    expect(big?.cpus?.slice(9).every((cpu) => Number(cpu) % 16 >= 8)).toBe(true);
  });

  it('say when a VF is on a card of another node', async () => {
    const [file] = filesOf(await sized(smallFleet));
    const db = file?.placements.vms.find(({ class: name }) => name === 'db');
    expect(db?.vfs.filter(({ nic }) => nic === 1).map(({ remote }) => remote)).toEqual(
      expect.arrayContaining([undefined, true]),
    );
  });

  it('hold no line that a name could add', async () => {
    const { result, cores } = await sized(smallFleet);
    const renamed: SizingResult = {
      ...result,
      hosts: result.hosts.map((host): HostModel => ({
        ...host,
        name: 'a\npfs: []\u2028#',
        cards: host.cards.map((card) => ({ ...card, name: 'x\n  - match: {}' })),
      })),
    };
    const plain = filesOf({ result, cores }).map(({ spec }) => spec);
    expect(filesOf({ result: renamed, cores }).map(({ spec }) => spec)).toEqual(plain);
  });
});

describe('names of hosts', () => {
  const host = (name: string, source: 'class' | 'snapshot', count?: number): HostModel => ({
    name,
    source,
    ...(count === undefined ? {} : { count }),
    nodes: [],
    cards: [],
    ports: [],
    pfs: [],
    notes: [],
  });

  it('are those of snapshots, and numbered where there are several', () => {
    const hosts = [host('web-7', 'snapshot', 1), host('spare', 'snapshot', 3), host('rack', 'class')];
    expect([hostName(hosts, 0, 0), hostName(hosts, 1, 2), hostName(hosts, 2, 0)]).toEqual([
      'web-7',
      'spare-2',
      'rack-0',
    ]);
  });

  it('are never those of another host', () => {
    const hosts = [host('a', 'snapshot', 2), host('a-0', 'snapshot', 1)];
    expect(hostName(hosts, 1, 0)).toBe('a-0-0');
  });

  it('become folders that lead nowhere else, each its own', () => {
    const folderName = createFolderNames();
    const names = ['../../etc', '..', '.', '', '-rf', 'a/b', 'a_b', 'A_B', '\u0000', 'ok-1.x'].map(
      folderName,
    );
    expect(names).toEqual([
      '_./../etc'.replaceAll('/', '_'),
      '_.',
      '_',
      '__2',
      '_rf',
      'a_b',
      'a_b_2',
      'A_B_3',
      '__3',
      'ok-1.x',
    ]);
    expect(new Set(names).size).toBe(names.length);
  });
});
