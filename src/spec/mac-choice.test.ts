// Checks which addresses VFs get, and which are refused because somebody else keeps them.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMulticastMac, parseMacAddress } from '../base/identifiers.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { autoMacAddress } from './mac-choice.ts';
import { parseSpec } from './parsed-spec.ts';
import { resolveSpec } from './resolution.ts';
import { exampleHost, examplePf, exampleVfWith, secondPf } from './testing/example-host.ts';
import { problemsOf } from './testing/thrown.ts';

const hostId = '0123456789abcdef0123456789abcdef';
const head = 'apiVersion: vfleet/v1\nkind: Host\npfs:\n';

function macsOf(text: string, snapshot: Snapshot): readonly (string | undefined)[] {
  const target = resolveSpec(parseSpec(head + text, 'host.yaml'), snapshot);
  return target.pfs.flatMap((pf) => pf.vfs.map((vf) => vf.settings.mac));
}

function problems(text: string, snapshot: Snapshot): readonly string[] {
  return problemsOf(() => macsOf(text, snapshot));
}

describe('auto', () => {
  const pf = examplePf({ vfs: [exampleVfWith(0, {}), exampleVfWith(1, {})] });
  const host = exampleHost(pf, secondPf);

  it('is the same address in every version of vfleet', () => {
    // Guests have learnt these: a change here breaks networks.
    expect(autoMacAddress(hostId, '0000:01:00.0', 0, 0)).toBe('42:1d:cb:70:9e:48');
    expect(autoMacAddress(hostId, '0000:01:00.0', 1, 0)).toBe('02:e6:2c:42:87:ef');
  });

  it('is locally administered and unicast for every host, PF and VF', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(65534), fc.nat(3), (id, address, index, attempt) => {
        const mac = autoMacAddress(id, address, index, attempt);
        expect(parseMacAddress(mac)).toBe(mac);
        expect(isMulticastMac(mac)).toBe(false);
        expect(mac[1]).toBe('2');
      }),
    );
  });

  it('depends on host, PF and VF only', () => {
    const first = macsOf('  - { match: { name: enp1s0 }, vfs: { default: { mac: auto } } }', host);
    const grown = macsOf(
      '  - { match: { name: enp2s0 }, vfs: { count: 2, default: { mac: auto } } }\n' +
        '  - { match: { driver: igb, numa: 0 }, vfs: { count: 4, "0-1": { mac: auto, vlan: 7 } } }',
      host,
    );
    expect(first).toEqual([0, 1].map((index) => autoMacAddress(hostId, '0000:01:00.0', index, 0)));
    expect(grown.slice(2)).toEqual(first);
    expect(new Set(grown).size).toBe(4);
  });

  it('stays when the VF has it already', () => {
    const mac = autoMacAddress(hostId, '0000:01:00.0', 0, 0);
    const applied = exampleHost(examplePf({ vfs: [exampleVfWith(0, { mac }, { netdevMac: mac })] }));
    expect(macsOf('  - { match: { name: enp1s0 }, vfs: { "0": { mac: auto } } }', applied)).toEqual([mac]);
  });

  it('takes the host name where there is no machine ID', () => {
    const { machineId: _none, ...rest } = host.host;
    const macs = macsOf('  - { match: { name: enp1s0 }, vfs: { "0": { mac: auto } } }', {
      ...host,
      host: rest,
    });
    expect(macs).toEqual([autoMacAddress('host-1', '0000:01:00.0', 0, 0)]);
  });

  it('goes out of the way of an address that is taken', () => {
    const mac = autoMacAddress(hostId, '0000:01:00.0', 0, 0);
    const next = autoMacAddress(hostId, '0000:01:00.0', 0, 1);
    const taken = exampleHost(examplePf({ vfs: [exampleVfWith(0, {}), exampleVfWith(1, { mac })] }));
    expect(macsOf('  - { match: { name: enp1s0 }, vfs: { "0": { mac: auto } } }', taken)).toEqual([next]);
    const named = `  - { match: { name: enp1s0 }, vfs: { "0": { mac: auto }, "1": { mac: "${mac}" } } }`;
    expect(macsOf(named, host)).toEqual([next, mac]);
  });
});

describe('an address in the file', () => {
  const mac = '52:54:00:aa:00:01';
  const both = exampleHost(
    examplePf({
      vfs: [exampleVfWith(0, { mac: '52:54:00:AA:00:01' }), exampleVfWith(1, {}, { netdevMac: mac })],
    }),
  );
  const held = exampleHost(examplePf({ vfs: [exampleVfWith(0, {}), exampleVfWith(1, { mac })] }), secondPf);

  it('is refused while a VF that the file does not change keeps it', () => {
    expect(problems(`  - { match: { name: enp1s0 }, vfs: { "0": { mac: "${mac}" } } }`, held)).toEqual([
      `line 4, pfs[0].vfs["0"].mac: ${mac} is the address of VF 1 of 0000:01:00.0, which keeps it`,
    ]);
    expect(
      problems(`  - { match: { name: enp2s0 }, vfs: { count: 1, "0": { mac: "${mac}" } } }`, held),
    ).toEqual([`line 4, pfs[0].vfs["0"].mac: ${mac} is the address of VF 1 of 0000:01:00.0, which keeps it`]);
    // A VF that is made anew gets its own address again.
    expect(
      problems(`  - { match: { name: enp1s0 }, vfs: { count: 4, "0": { mac: "${mac}" } } }`, held),
    ).toEqual([`line 4, pfs[0].vfs["0"].mac: ${mac} is the address of VF 1 of 0000:01:00.0, which keeps it`]);
  });

  it('is refused while the interface of a VF has it', () => {
    expect(problems(`  - { match: { name: enp1s0 }, vfs: { "0": { mac: "${mac}" } } }`, both)).toEqual([
      `line 4, pfs[0].vfs["0"].mac: ${mac} is the address of VF 1 of 0000:01:00.0, which keeps it`,
    ]);
  });

  it('is taken when only the interface of another VF has it, as in a bond', () => {
    const bond = exampleHost(
      examplePf({
        vfs: [exampleVfWith(0, { mac }), exampleVfWith(1, { mac: '52:54:00:aa:00:02' }, { netdevMac: mac })],
      }),
    );
    expect(macsOf(`  - { match: { name: enp1s0 }, vfs: { "0": { mac: "${mac}" } } }`, bond)).toEqual([mac]);
  });

  it('is taken when its holder goes or gets another', () => {
    const goes = `  - { match: { name: enp1s0 }, vfs: { count: 1, "0": { mac: "${mac}" } } }`;
    expect(macsOf(goes, held)).toEqual([mac]);
    const swap = `  - { match: { name: enp1s0 }, vfs: { "0": { mac: "${mac}" }, "1": { mac: "52:54:00:aa:00:02" } } }`;
    expect(macsOf(swap, held)).toEqual([mac, '52:54:00:aa:00:02']);
  });

  it('is taken when the VF has it already', () => {
    expect(macsOf(`  - { match: { name: enp1s0 }, vfs: { "1": { mac: "${mac}" } } }`, held)).toEqual([mac]);
  });
});
