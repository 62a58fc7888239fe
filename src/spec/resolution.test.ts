// Checks what a spec means on the example host, and the exact words for what that host cannot be.

import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../model/snapshot.ts';
import type { Target } from '../model/target.ts';
import { parseSpec } from './parsed-spec.ts';
import { resolveSpec } from './resolution.ts';
import {
  exampleHost,
  exampleNetdev,
  examplePf,
  exampleVf,
  exampleVfWith,
  netdevsimPf,
  secondPf,
} from './testing/example-host.ts';
import { problemsOf, thrownBy } from './testing/thrown.ts';

const twoVfs = examplePf({ vfs: [exampleVf(0), exampleVf(1)] });
const host = exampleHost(twoVfs, secondPf, netdevsimPf);

/** A file whose PFs begin with line 4. */
function specOf(...lines: readonly string[]): string {
  return ['apiVersion: vfleet/v1', 'kind: Host', 'pfs:', ...lines.map((line) => `  ${line}`), ''].join('\n');
}

/** A file that names the first PF in line 4, with lines about its VFs from line 6. */
function withVfs(...lines: readonly string[]): string {
  const vfs = lines.map((line) => `    ${line}`);
  return specOf('- match: { address: "0000:01:00.0" }', '  vfs:', ...vfs);
}

function resolve(text: string, snapshot: Snapshot = host): Target {
  return resolveSpec(parseSpec(text, 'host.yaml'), snapshot);
}

function problems(text: string, snapshot: Snapshot = host): readonly string[] {
  const parsed = parseSpec(text, 'host.yaml');
  return problemsOf(() => resolveSpec(parsed, snapshot));
}

describe('a target', () => {
  it('is the spec with every choice made', () => {
    const text = specOf(
      '- match: { address: "0000:01:00.0" }',
      '  mtu: 1500',
      '  up: true',
      '  eswitch: legacy',
      '  vfs:',
      '    count: 4',
      '    default: { driver: vfio-pci, spoofCheck: true, trust: false, linkState: auto }',
      '    "0":   { mac: "52:54:00:AA:00:01", vlan: 100, qos: 3 }',
      '    "1-2": { vlan: 200, vlanProtocol: 802.1Q, minTxRateMbps: 0, maxTxRateMbps: 500, driver: kernel }',
      '    "3":   { trust: true }',
    );
    const common = { spoofCheck: true, trust: false, linkState: 'auto' };
    const middle = { vlan: 200, vlanProtocol: '802.1Q', minTxRateMbps: 0, maxTxRateMbps: 500 };
    expect(resolve(text)).toEqual({
      pfs: [
        {
          address: '0000:01:00.0',
          mtu: 1500,
          up: true,
          numVfs: 4,
          vfs: [
            {
              index: 0,
              driver: 'vfio-pci',
              settings: { ...common, mac: '52:54:00:aa:00:01', vlan: 100, qos: 3 },
            },
            { index: 1, driver: 'kernel', settings: { ...common, ...middle } },
            { index: 2, driver: 'kernel', settings: { ...common, ...middle } },
            { index: 3, driver: 'vfio-pci', settings: { ...common, trust: true } },
          ],
        },
      ],
    });
  });

  it('names nothing that the file does not name', () => {
    expect(resolve(specOf('- match: { name: enp1s0 }'))).toEqual({
      pfs: [{ address: '0000:01:00.0', vfs: [] }],
    });
    expect(resolve(withVfs('"1": { vlan: 5 }'))).toEqual({
      pfs: [{ address: '0000:01:00.0', vfs: [{ index: 1, settings: { vlan: 5 } }] }],
    });
    expect(resolve('apiVersion: vfleet/v1\nkind: Host\npfs: []')).toEqual({ pfs: [] });
  });

  it('gives the default to each VF there will be', () => {
    const present = resolve(withVfs('default: { trust: true }'));
    expect(present.pfs[0]?.vfs.map((vf) => vf.index)).toEqual([0, 1]);
    const future = resolve(withVfs('count: 3', 'default: { trust: true }'));
    expect(future.pfs[0]?.vfs.map((vf) => vf.index)).toEqual([0, 1, 2]);
    expect(resolve(withVfs('count: 0', 'default: { trust: true }')).pfs[0]).toEqual({
      address: '0000:01:00.0',
      numVfs: 0,
      vfs: [],
    });
  });

  it('asks nothing of an eswitch that is not there', () => {
    const text = specOf('- match: { address: "0000:01:00.0" }', '  eswitch: legacy');
    expect(resolve(text).pfs[0]).not.toHaveProperty('eswitchMode');
    const device = specOf('- match: { address: netdevsim/netdevsim1 }', '  eswitch: switchdev');
    expect(resolve(device).pfs[0]?.eswitchMode).toBe('switchdev');
  });

  it('takes a number of VFs that cannot be known for a device outside of PCI', () => {
    const text = specOf(
      '- match: { address: netdevsim/netdevsim1 }',
      '  vfs: { count: 256, "0": { driver: none } }',
    );
    expect(resolve(text).pfs[0]).toEqual({
      address: 'netdevsim/netdevsim1',
      numVfs: 256,
      vfs: [{ index: 0, driver: 'none', settings: {} }],
    });
  });
});

describe('a match', () => {
  it.each([
    ['{ address: "01:00.0" }', ['0000:01:00.0']],
    ['{ address: pci/0000:01:00.0 }', ['0000:01:00.0']],
    ['{ address: netdevsim/netdevsim1 }', ['netdevsim/netdevsim1']],
    ['{ name: enp2s0 }', ['0000:02:00.0']],
    ['{ driver: igb, numa: 1 }', ['0000:02:00.0']],
    ['{ id: 8086:10C9, numa: 0 }', ['0000:01:00.0']],
    ['{ driver: igb }, expect: 2', ['0000:01:00.0', '0000:02:00.0']],
  ])('%s finds its PFs', (match, addresses) => {
    expect(resolve(specOf(`- { match: ${match} }`)).pfs.map((pf) => pf.address)).toEqual(addresses);
  });

  it.each([
    [
      '{ name: eth7 }',
      'finds no PF; this host has 0000:01:00.0 (igb, enp1s0), 0000:02:00.0 (igb, enp2s0) and netdevsim/netdevsim1 (netdevsim, eni1np1)',
    ],
    [
      '{ name: enp1s0, driver: ixgbe }',
      'finds no PF; 0000:01:00.0 (igb, enp1s0) comes nearest and has driver igb, not ixgbe',
    ],
    [
      '{ address: netdevsim/netdevsim1, numa: 0 }',
      'finds no PF; netdevsim/netdevsim1 (netdevsim, eni1np1) comes nearest and has no NUMA node',
    ],
    [
      '{ driver: igb, numa: 3 }',
      'finds no PF; 0000:01:00.0 (igb, enp1s0) comes nearest and has NUMA node 0, not 3',
    ],
    [
      '{ driver: igb }',
      'finds 2 PFs: 0000:01:00.0 (igb, enp1s0) and 0000:02:00.0 (igb, enp2s0); say which one, or expect: 2',
    ],
    ['{ numa: 1 }, expect: 2', 'finds 1 PF: 0000:02:00.0 (igb, enp2s0); expect says 2'],
    ['{ address: "0000:01:10.2" }', '0000:01:10.2 is VF 1 of 0000:01:00.0'],
    ['{ name: enp1s0v0 }', 'enp1s0v0 is VF 0 of 0000:01:00.0'],
    ['{ id: 8086:10ca }', 'finds no PF; 8086:10ca is the ID of VFs, such as VF 0 of 0000:01:00.0'],
    ['{ driver: igbvf }', 'finds no PF; igbvf is the driver of VFs, such as VF 0 of 0000:01:00.0'],
  ])('%s is explained', (match, explanation) => {
    const parsed = parseSpec(specOf(`- { match: ${match} }`), 'host.yaml');
    const error = thrownBy(() => resolveSpec(parsed, host));
    expect(error.code).toBe('spec.match');
    expect(error.message).toBe(`line 4, pfs[0].match: ${explanation}`);
  });

  it('of a representor is explained', () => {
    const pf = examplePf({ vfs: [exampleVf(0, { representor: 'enp1s0r0' })] });
    expect(problems(specOf('- match: { name: enp1s0r0 }'), exampleHost(pf))).toEqual([
      'line 4, pfs[0].match: enp1s0r0 is the representor of VF 0 of 0000:01:00.0',
    ]);
  });

  it('on a host without PFs is explained', () => {
    expect(problems(specOf('- match: { driver: igb }'), exampleHost())).toEqual([
      'line 4, pfs[0].match: finds no PF; this host has none',
    ]);
  });

  it('names a few PFs of many', () => {
    const pfs = Array.from({ length: 9 }, (_, n) => examplePf({ address: `0000:0${n}:00.0`, netdevs: [] }));
    expect(problems(specOf('- match: { name: x }'), exampleHost(...pfs))).toEqual([
      'line 4, pfs[0].match: finds no PF; this host has 0000:00:00.0 (igb), 0000:01:00.0 (igb), 0000:02:00.0 (igb), 0000:03:00.0 (igb) and 5 more',
    ]);
  });

  it('finds a PF only once', () => {
    const text = specOf('- match: { driver: igb }', '  expect: 2', '- match: { name: enp2s0 }');
    expect(problems(text)).toEqual([
      'line 6, pfs[1].match: finds 0000:02:00.0, which pfs[0] in line 4 finds too',
    ]);
  });
});

describe('what the host cannot be', () => {
  const slow = examplePf({ vfs: [exampleVfWith(0, { minTxRateMbps: 100, maxTxRateMbps: 200 })] });
  const bare = exampleHost(examplePf({ netdevs: [] }));

  it.each([
    [withVfs('count: 9'), host, "line 6, pfs[0].vfs.count: 9 is more than this PF's 7"],
    [
      withVfs('"2": { vlan: 1 }'),
      host,
      'line 6, pfs[0].vfs["2"]: there is no VF 2: this PF has 2 VFs; give a count',
    ],
    [
      withVfs('default: { qos: 1 }', '"0": { vlan: 5 }'),
      host,
      'line 6, pfs[0].vfs.default.qos: qos needs a vlan beside it',
    ],
    [
      withVfs('"0-1": { minTxRateMbps: 1001 }'),
      host,
      'line 6, pfs[0].vfs["0-1"].minTxRateMbps: 1001 is more than the link\'s 1000 Mbit/s',
    ],
    [
      withVfs('default: { maxTxRateMbps: 2000 }'),
      host,
      "line 6, pfs[0].vfs.default.maxTxRateMbps: 2000 is more than the link's 1000 Mbit/s",
    ],
    [
      withVfs('"0": { minTxRateMbps: 300 }'),
      exampleHost(slow),
      'line 6, pfs[0].vfs["0"].minTxRateMbps: 300 is more than the present maxTxRateMbps 200 of VF 0; give both',
    ],
    [
      withVfs('"0": { maxTxRateMbps: 50 }'),
      exampleHost(slow),
      'line 6, pfs[0].vfs["0"].maxTxRateMbps: 50 is less than the present minTxRateMbps 100 of VF 0; give both',
    ],
    [
      specOf('- { match: { name: enp1s0 }, mtu: 9500 }'),
      host,
      "line 4, pfs[0].mtu: 9500 is more than this PF's largest, 9216",
    ],
    [
      specOf('- { match: { name: enp1s0 }, mtu: 1000 }'),
      exampleHost(examplePf({ netdevs: [exampleNetdev({ minMtu: 1280 })] })),
      "line 4, pfs[0].mtu: 1000 is less than this PF's smallest, 1280",
    ],
    [
      specOf('- { match: { driver: igb }, mtu: 1500 }'),
      bare,
      'line 4, pfs[0].mtu: this PF has no network interface here',
    ],
    [
      specOf('- { match: { driver: igb }, up: true }'),
      bare,
      'line 4, pfs[0].up: this PF has no network interface here',
    ],
    [
      specOf('- { match: { name: enp1s0 }, eswitch: switchdev }'),
      host,
      'line 4, pfs[0].eswitch: this PF with driver igb has no eswitch in devlink',
    ],
    [
      specOf('- { match: { driver: netdevsim }, vfs: { default: { driver: vfio-pci } } }'),
      host,
      "line 4, pfs[0].vfs.default.driver: this PF's VFs are no PCI devices and take no driver",
    ],
    [
      withVfs('"0": { mac: "52:54:00:00:02:00" }'),
      host,
      'line 6, pfs[0].vfs["0"].mac: 52:54:00:00:02:00 is the address of PF 0000:02:00.0 (enp2s0), which keeps it',
    ],
  ])('is told its place and its reason, case %#', (text, snapshot, problem) => {
    expect(problems(text, snapshot)).toEqual([problem]);
  });

  it('names the PF where an entry means several', () => {
    expect(problems(specOf('- { match: { driver: igb }, expect: 2, vfs: { count: 8 } }'))).toEqual([
      "line 4, pfs[0].vfs.count: 8 is more than this PF's 7 (0000:01:00.0)",
      "line 4, pfs[0].vfs.count: 8 is more than this PF's 7 (0000:02:00.0)",
    ]);
  });

  it('is told all at once, in the order of the file', () => {
    const text = specOf(
      '- match: { name: nowhere }',
      '- match: { name: enp1s0 }',
      '  vfs:',
      '    default: { minTxRateMbps: 5000 }',
      '    count: 9',
      '  mtu: 65535',
    );
    const error = thrownBy(() => resolveSpec(parseSpec(text, 'host.yaml'), host));
    expect(error.code).toBe('spec.match');
    expect(error.message).toBe('4 problems in host.yaml');
    expect(error.details.problems?.map((line) => line.split(':')[0])).toEqual([
      'line 4, pfs[0].match',
      'line 7, pfs[1].vfs.default.minTxRateMbps',
      'line 8, pfs[1].vfs.count',
      'line 9, pfs[1].mtu',
    ]);
  });
});
