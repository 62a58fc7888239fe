import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { HostModel } from './host-model.ts';
import { parseWorkload } from './parsed-workload.ts';
import { modelHosts, sizeWorkload } from './size.ts';
import { faultsOf } from './testing/checked-packing.ts';

const head = `apiVersion: vfleet/v1
kind: Workload
vms: [{ name: web, count: 30, vcpus: 4, memoryGb: 8, nics: [{ network: front, gbps: 2, redundancy: ports }] }]
policy: { spareVfsPerPf: 2, cpuRatio: 2, reservedCoresPerHost: 3, reservedMemoryMbPerHost: 4096 }
`;

function classes(cards: string): string {
  return `${head}hosts:
  classes:
    - name: big
      sockets: 2
      coresPerSocket: 16
      threadsPerCore: 2
      memoryGbPerSocket: 128
      cards: [${cards}]
`;
}

function modelsOf(text: string, snapshots: ReadonlyMap<string, Snapshot> = new Map()): readonly HostModel[] {
  return modelHosts(parseWorkload(text, 'w.yaml'), snapshots);
}

function problemsOf(text: string): readonly string[] {
  try {
    modelsOf(text);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof VfleetError)) throw thrown;
    return thrown.details.problems ?? [];
  }
}

describe('a host class', () => {
  it('has the nodes of its sockets, without what is reserved', () => {
    const [host] = modelsOf(classes(''));
    // Three cores are two on node 0 and one on node 1; two threads a core, two vCPUs a thread.
    expect(host?.nodes.map(({ vcpuCapacity }) => vcpuCapacity)).toEqual([56, 60]);
    expect(host?.nodes.map(({ memoryCapacityMb }) => memoryCapacityMb)).toEqual([129024, 129024]);
    expect(host?.count).toBeUndefined();
  });

  it('has the card of the catalogue behind the link of its slot', () => {
    const [host] = modelsOf(
      classes(
        '{ card: "8086:10fb", socket: 1, pcie: { generation: 1, lanes: 4 }, vfsPerPf: 20, ports: [{}, {}] }',
      ),
    );
    expect(host?.cards).toMatchObject([{ node: 1, ports: [0, 1] }]);
    // Gen1 x4: 8 Gb/s after line coding, less what acknowledgements and credits take.
    expect(host?.cards[0]?.pcieMbps).toBeGreaterThan(6500);
    expect(host?.cards[0]?.pcieMbps).toBeLessThan(8000);
    expect(host?.ports.map(({ mbps }) => mbps)).toEqual([10000, 10000]);
    expect(host?.pfs.map(({ totalVfs, spareVfs }) => [totalVfs, spareVfs])).toEqual([
      [20, 2],
      [20, 2],
    ]);
  });

  it.each([
    ['{ card: "1234:5678" }', 'line 12, hosts.classes[0].cards[0].card: "1234:5678" is not in the catalogue'],
    ['{ card: "8086:10fb", vfsPerPf: 64, ports: [{}] }', /vfsPerPf: 64 is more than the 63 of /],
    ['{ card: "8086:10fb", ports: [{ gbps: 25 }] }', /ports\[0\].gbps: 25 is more than the 10 Gb\/s of /],
    ['{ card: "8086:10fb", npar: [50, 50], ports: [{}] }', /npar: the catalogue knows no partitions of /],
  ])('refuses %s at its line', (card, problem) => {
    const problems = problemsOf(classes(card));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });
});

/** A snapshot of a host with a card of two ports on node 1 of two. */
function snapshot(change: Partial<Snapshot> = {}): Snapshot {
  const numa = [0, 1].map((node) => ({
    node,
    cores: Array.from({ length: 8 }, (_, core) => [node * 8 + core, 16 + node * 8 + core]),
    memoryTotalMb: 65536,
    hugepages: [],
  }));
  const pf = (fn: number): Snapshot['pfs'][number] => ({
    address: `0000:81:00.${fn}`,
    vendorId: '8086',
    deviceId: '10fb',
    numaNode: 1,
    pcieLink: { currentSpeedGTps: 5, currentWidth: 8 },
    sriov: { totalVfs: 63, numVfs: 0 },
    netdevs: [{ name: `ens1f${fn}`, ifIndex: 2 + fn, mtu: 1500, up: true, speedMbps: 10000 }],
    vfs: [],
  });
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Snapshot',
    snapshotVersion: 1,
    takenAt: '2026-01-01T00:00:00Z',
    host: { name: 'kvm1', kernelRelease: '6.1', bootId: 'b', numaNodes: [0, 1], iommuGroupCount: 0 },
    platform: {
      kvm: true,
      processors: {
        vendor: 'intel',
        virtualisation: 'vmx',
        isGuest: false,
        onlineCount: 32,
        isolated: [],
        governors: [],
      },
      numa,
      firmware: { uefi: true },
      iommu: { units: [], groups: [], iommufd: false },
      kernel: { commandLine: '', modules: {} },
      programs: { lldp: false },
    },
    pfs: [pf(0), pf(1)],
    unread: [],
    ...change,
  };
}

const ofSnapshots = `${head}hosts:
  snapshots:
    - { file: a.json, count: 2, ports: { ens1f0: [front], "0000:81:00.1": [front] } }
    - { file: b.json }
`;

describe('a snapshot', () => {
  it('becomes a host with its nodes, cards, ports and PFs', () => {
    const [host, second] = modelsOf(
      ofSnapshots,
      new Map([
        ['a.json', snapshot()],
        ['b.json', snapshot()],
      ]),
    );
    expect(host).toMatchObject({ name: 'kvm1', source: 'snapshot', count: 2, notes: [] });
    expect(second).toMatchObject({ name: 'kvm1-2', count: 1 });
    expect(host?.cards).toMatchObject([{ node: 1, ports: [0, 1] }]);
    expect(host?.cards[0]?.pcieMbps).toBeGreaterThan(28_000);
    expect(host?.ports.map(({ name, networks }) => [name, networks])).toEqual([
      ['ens1f0', ['front']],
      ['ens1f1', ['front']],
    ]);
    expect(second?.ports[0]?.networks).toBeUndefined();
  });

  it('says what was left out of it', () => {
    const [first] = snapshot().pfs;
    const unused = first === undefined ? [] : [{ ...first, sriov: { totalVfs: 0, numVfs: 0 } }];
    const [host] = modelsOf(
      `${head}hosts: { snapshots: [{ file: a.json }] }\n`,
      new Map([['a.json', snapshot({ pfs: unused })]]),
    );
    expect(host).toMatchObject({ pfs: [], notes: ['ens1f0: can make no VFs, not used'] });
  });

  it('without platform is refused', () => {
    const { platform: _, ...bare } = snapshot();
    expect(() =>
      modelsOf(`${head}hosts: { snapshots: [{ file: a.json }] }\n`, new Map([['a.json', bare]])),
    ).toThrow('"a.json" says nothing about processors and memory');
  });

  it('has no port of a name that it does not show', () => {
    const text = `${head}hosts: { snapshots: [{ file: a.json, ports: { eth9: [front] } }] }\n`;
    expect(() => modelsOf(text, new Map([['a.json', snapshot()]]))).toThrow(
      'line 5, hosts.snapshots[0].ports.eth9: "a.json" has no PF and no interface of this name',
    );
  });

  it('is filled together with others', async () => {
    const snapshots = new Map([
      ['a.json', snapshot()],
      ['b.json', snapshot({ host: { ...snapshot().host, name: 'kvm2' } })],
    ]);
    const result = await sizeWorkload(
      parseWorkload(ofSnapshots.replace('count: 30', 'count: 12'), 'w.yaml'),
      snapshots,
      {
        withMarginal: true,
      },
    );
    expect(faultsOf(result)).toEqual([]);
    // Twelve pairs of 2 Gb/s need 48 Gb/s, and two ports of 10 Gb/s on each of three hosts have 60.
    expect(result).toMatchObject({ outcome: 'fits', usedHosts: 3, boundHosts: 3 });
    expect(result.use[0]?.resources[result.use[0].runsOut[0]?.resource ?? -1]?.kind).toBe('port');
    // Five pairs fill the ports of a host: three more fit on the three.
    expect(result.marginal?.vms).toMatchObject([{ vmClass: 0, fitAsIs: 3 }]);
    expect(result.marginal?.cards[0]?.relaxedBound).toBeLessThan(result.relaxedBound);
  });
});
