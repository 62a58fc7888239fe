// Checks the spec that describes a host: how it reads, and that it never asks for anything the host is not.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMacAddress } from '../base/identifiers.ts';
import type { Pf } from '../model/pf.ts';
import { Snapshot } from '../model/snapshot.ts';
import type { PfTarget, VfTarget } from '../model/target.ts';
import type { Vf } from '../model/vf.ts';
import { renderSpec } from './adoption.ts';
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

describe('the spec of a host', () => {
  it('says what its PFs and VFs are', () => {
    const vfs = [
      exampleVfWith(0, { mac: '52:54:00:aa:00:01', vlan: 100, qos: 3 }, { driver: 'vfio-pci' }),
      exampleVfWith(1, { vlan: 200, maxTxRateMbps: 500 }),
      exampleVfWith(2, { vlan: 200, maxTxRateMbps: 500 }),
      exampleVfWith(3, { mac: '52:54:00:aa:00:04', trust: true }),
    ];
    expect(renderSpec(exampleHost(examplePf({ vfs }), secondPf, netdevsimPf))).toBe(
      `# Host host-1 as it was at 2025-01-01T00:00:00Z, written by vfleet adopt.
# What is not named here is left alone.

apiVersion: vfleet/v1
kind: Host
pfs:
  # 0000:01:00.0 (igb, enp1s0)
  - match: { address: "0000:01:00.0" }
    mtu: 1500
    up: true
    vfs:
      count: 4
      default: { driver: igbvf, vlan: 200, qos: 0, maxTxRateMbps: 0, spoofCheck: true, trust: false }
      "0": { driver: vfio-pci, mac: "52:54:00:aa:00:01", vlan: 100, qos: 3 }
      "1-2": { maxTxRateMbps: 500 }
      "3": { mac: "52:54:00:aa:00:04", vlan: 0, trust: true }
  # 0000:02:00.0 (igb, enp2s0)
  - match: { address: "0000:02:00.0" }
    mtu: 1500
    up: false
    vfs:
      count: 0
  # netdevsim/netdevsim1 (netdevsim, eni1np1)
  - match: { address: "netdevsim/netdevsim1" }
    mtu: 1500
    up: true
    eswitch: legacy
    vfs:
      count: 2
      default: { spoofCheck: true, trust: false }
`,
    );
  });

  it('says what it left out', () => {
    const mac = '52:54:00:aa:00:01';
    const vfs = [
      exampleVfWith(0, { mac }),
      exampleVfWith(1, { mac }),
      exampleVfWith(2, { vlan: 0, qos: 3 }),
      exampleVfWith(3, { maxTxRateMbps: 2000 }),
      exampleVfWith(4, { minTxRateMbps: 5, maxTxRateMbps: 2 }),
      exampleVfWith(5, { mac: '53:54:00:aa:00:01' }),
    ];
    const odd = examplePf({ address: 'usb 1-1' });
    const comments = renderSpec(exampleHost(examplePf({ vfs }), odd))
      .split('\n')
      .filter((line) => line.includes('left out'));
    expect(comments).toEqual([
      '# left out: PF usb 1-1 (a spec cannot spell its address)',
      '  # left out for VFs 0-1: mac (another PF or VF has the same)',
      '  # left out for VF 2: qos and vlan (qos 3 needs a vlan other than 0)',
      "  # left out for VF 3: rates (beyond the link's speed or what a spec can say)",
      '  # left out for VF 4: minTxRateMbps and maxTxRateMbps (minTxRateMbps 5 is more than maxTxRateMbps 2)',
      '  # left out for VF 5: mac (multicast)',
    ]);
  });

  it('of a host without PFs is a spec', () => {
    expect(parseSpec(renderSpec(exampleHost()), 'host.yaml').spec.pfs).toEqual([]);
  });

  it('quotes what an older YAML takes for something else', () => {
    const pf = examplePf({ vfs: [exampleVf(0, { driver: 'yes' }), exampleVf(1, { driver: '123' })] });
    const text = renderSpec(exampleHost(pf));
    expect(text).toContain('driver: "yes"');
    expect(text).toContain('driver: "123"');
  });

  it('lets no name end a comment', () => {
    const host = exampleHost(
      examplePf({ driver: 'igb\nexpect: 2', netdevs: [exampleNetdev({ name: '\u{2028}x\r\0' })] }),
    );
    const text = renderSpec({ ...host, host: { ...host.host, name: 'a\n---\nb' } });
    expect(text).toContain(String.raw`# 0000:01:00.0 (igb\u{a}expect: 2, \u{2028}x\u{d}\u{0})`);
    expect(parseSpec(text, 'host.yaml').spec.pfs[0]?.expect).toBeUndefined();
  });
});

/** Text as a kernel, or somebody who edits a snapshot, could have it. */
const anyName = fc.oneof(
  fc.constantFrom('igbvf', 'vfio-pci', 'kernel', 'none', 'yes', '1', '', 'a/b', 'x: y', '#', '- z', '"'),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const anyMac = fc.oneof(
  fc.constantFrom('00:00:00:00:00:00', '52:54:00:aa:00:01', '52:54:00:AA:00:02', '53:54:00:aa:00:01', 'none'),
  fc.constantFrom('52:54:00:00:01:00', '02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03'),
);
const anyRate = fc.constantFrom(0, 0, 100, 500, 1000, 5000, -1, 0xffffffff);

const anyVf: fc.Arbitrary<Omit<Vf, 'index'>> = fc.record(
  {
    address: fc.constantFrom('0000:01:10.0', '0000:01:10.2'),
    driver: anyName,
    netdev: anyName,
    netdevMac: anyMac,
    settings: fc.record(
      {
        mac: anyMac,
        vlan: fc.constantFrom(0, 0, 100, 200, 4094, 4095, -1, 70000),
        qos: fc.constantFrom(0, 0, 3, 7, 8),
        vlanProtocol: fc.constantFrom('802.1Q', '802.1ad'),
        minTxRateMbps: anyRate,
        maxTxRateMbps: anyRate,
        spoofCheck: fc.boolean(),
        trust: fc.boolean(),
        linkState: fc.constantFrom('auto', 'enable', 'disable'),
      },
      { requiredKeys: [] },
    ),
    holders: fc.constant([]),
  },
  { requiredKeys: ['settings', 'holders'] },
);

const anyNetdev = fc.record(
  {
    name: anyName,
    ifIndex: fc.nat(),
    mac: anyMac,
    mtu: fc.constantFrom(0, 67, 68, 1500, 9000, 65535, 65536),
    minMtu: fc.constantFrom(0, 68, 1500),
    maxMtu: fc.constantFrom(0, 1500, 9216),
    up: fc.boolean(),
    speedMbps: fc.constantFrom(0, 1000, 10000),
  },
  { requiredKeys: ['name', 'ifIndex', 'mtu', 'up'] },
);

const anyPf: fc.Arbitrary<Pf> = fc
  .record(
    {
      address: fc.oneof(
        {
          weight: 5,
          arbitrary: fc.constantFrom('0000:01:00.0', '0000:02:00.0', '0001:81:00.1', 'netdevsim/netdevsim1'),
        },
        { weight: 1, arbitrary: anyName },
      ),
      driver: anyName,
      totalVfs: fc.constantFrom(0, 4, 7, 63),
      driversAutoprobe: fc.boolean(),
      missing: fc.constantFrom(-1, 0, 0, 0, 1),
      netdevs: fc.array(anyNetdev, { maxLength: 2 }),
      eswitch: fc.constantFrom('legacy', 'switchdev'),
      palette: fc.array(anyVf, { minLength: 1, maxLength: 3 }),
      choices: fc.array(fc.nat(), { maxLength: 9 }),
    },
    { requiredKeys: ['address', 'totalVfs', 'missing', 'netdevs', 'palette', 'choices'] },
  )
  .map(({ address, driver, totalVfs, driversAutoprobe, missing, netdevs, eswitch, palette, choices }): Pf => {
    const vfs = choices.map((choice, index): Vf => {
      return Object.assign({ index, settings: {}, holders: [] }, palette[choice % palette.length]);
    });
    // More VFs than are listed, or fewer: some come late, some are gone since.
    const sriov = { totalVfs, numVfs: Math.max(0, choices.length + missing) };
    return Object.assign(
      {
        address,
        sriov: driversAutoprobe === undefined ? sriov : { driversAutoprobe, ...sriov },
        netdevs,
        vfs,
      },
      driver === undefined ? {} : { driver },
      eswitch === undefined ? {} : { devlink: { ...devlinkFacts, eswitchMode: eswitch } },
    );
  });

const devlinkFacts = {
  handle: 'pci/x',
  versions: { fixed: {}, running: {}, stored: {} },
  ports: [],
  healthReporters: [],
  parameters: [],
};

const anyHost = fc.tuple(fc.array(anyPf, { maxLength: 4 }), anyName).map(([pfs, name]): Snapshot => {
  const host = exampleHost(...pfs);
  return Object.assign(host, { host: Object.assign(host.host, { name }) });
});

/** What a target names that a PF is not. */
function differences(target: PfTarget, pf: Pf): readonly string[] {
  const [netdev] = pf.netdevs;
  return [
    ...(target.mtu === undefined || target.mtu === netdev?.mtu ? [] : ['mtu']),
    ...(target.up === undefined || target.up === netdev?.up ? [] : ['up']),
    ...(target.eswitchMode === undefined || target.eswitchMode === pf.devlink?.eswitchMode
      ? []
      : ['eswitch']),
    ...(target.numVfs === undefined || target.numVfs === pf.sriov.numVfs ? [] : ['count']),
    ...target.vfs.flatMap((vf) => vfDifferences(vf, pf).map((name) => `VF ${vf.index} ${name}`)),
  ];
}

function vfDifferences(target: VfTarget, pf: Pf): readonly string[] {
  const vf = pf.vfs.find((vf) => vf.index === target.index);
  if (vf === undefined) return ['missing'];
  const vlan = vf.settings.vlan === 4095 ? 0 : vf.settings.vlan;
  const present: Vf['settings'] = {
    ...vf.settings,
    ...(vf.settings.mac === undefined ? {} : { mac: parseMacAddress(vf.settings.mac) ?? vf.settings.mac }),
    ...(vlan === undefined ? {} : { vlan }),
    ...(vlan === 0 ? { vlanProtocol: '802.1Q' } : {}),
  };
  const named = Object.entries(target.settings) as [keyof Vf['settings'], unknown][];
  const driver = target.driver === undefined || target.driver === (vf.driver ?? 'none') ? [] : ['driver'];
  return [...driver, ...named.filter(([name, value]) => present[name] !== value).map(([name]) => name)];
}

describe('the spec of any host', () => {
  it('is right, and asks for nothing that the host is not', () => {
    fc.assert(
      fc.property(anyHost, (host) => {
        const target = resolveSpec(parseSpec(renderSpec(host), 'host.yaml'), host);
        for (const pfTarget of target.pfs) {
          const pf = host.pfs.find((pf) => pf.address === pfTarget.address);
          expect(pf && differences(pfTarget, pf)).toEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('names every VF setting that is of use', () => {
    const common = fc.record({
      vlan: fc.constantFrom(0, 100, 200),
      maxTxRateMbps: fc.constantFrom(0, 500),
      spoofCheck: fc.boolean(),
      trust: fc.boolean(),
      linkState: fc.constantFrom('auto', 'enable', 'disable'),
    });
    fc.assert(
      fc.property(fc.array(common, { minLength: 1, maxLength: 7 }), (settings) => {
        const vfs = settings.map((each, index) => exampleVfWith(index, each));
        const host = exampleHost(examplePf({ vfs }));
        const target = resolveSpec(parseSpec(renderSpec(host), 'host.yaml'), host);
        const untouched = { vlan: 0, maxTxRateMbps: 0, linkState: 'auto' };
        const named = target.pfs[0]?.vfs.map((vf) => Object.assign({}, untouched, vf.settings));
        expect(named).toMatchObject(settings);
      }),
    );
  });
});
