import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { liveXml } from './domain-xml.fixture.ts';
import { readNics, renderStandbyNicXml, renderVfNicXml } from './nic-xml.ts';
import { outcomeOf } from './outcome.fixture.ts';
import { parseXml } from './xml-document.ts';

const invalid: unknown = expect.objectContaining({ code: 'request.invalid' });
const vf = { hostAddress: '0000:3b:10.2', mac: '52:54:00:12:34:56', alias: 'ua-vf' };
const standby = { kind: 'bridge', bridge: 'br0', mac: '52:54:00:12:34:56', alias: 'ua-standby' } as const;

function readBack(xml: string): unknown {
  return readNics(parseXml(`<domain><devices>${xml}</devices></domain>`, 'a test'))[0];
}

describe('interfaces of a VM', () => {
  test('are read with all that vfleet knows of them', () => {
    expect(readNics(parseXml(liveXml, 'a test'))).toEqual([
      {
        kind: 'bridge',
        mac: '52:54:00:00:00:01',
        alias: 'ua-standby',
        vlan: 42,
        guestAddress: '0000:01:00.0',
        bridge: 'ovsbr0',
        virtualPort: 'openvswitch',
        model: 'virtio',
        hostInterface: 'vnet3',
        teaming: { role: 'persistent' },
      },
      {
        kind: 'hostdev',
        mac: '52:54:00:00:00:01',
        alias: 'ua-vf',
        hostAddress: '0000:3b:10.2',
        guestAddress: '0000:02:00.0',
        teaming: { role: 'transient', partner: 'ua-standby' },
      },
      {
        kind: 'network',
        mac: '52:54:00:00:00:02',
        alias: 'net2',
        bridge: 'virbr0',
        network: 'default',
        model: 'e1000e',
        hostInterface: 'vnet4',
      },
      { kind: 'vhostuser' },
      { kind: 'pci', alias: 'hostdev1', hostAddress: '0000:3b:10.4', guestAddress: '0000:04:00.0' },
    ]);
  });

  test('of a definition without any are none', () => {
    expect(readNics(parseXml('<domain/>', 'a test'))).toEqual([]);
  });
});

describe('a VF as an interface', () => {
  test('has its source, MAC address and name, and nothing that was not given', () => {
    expect(renderVfNicXml(vf)).toBe(
      '<interface type="hostdev" managed="yes">' +
        '<source><address type="pci" domain="0x0000" bus="0x3b" slot="0x10" function="0x2"/></source>' +
        '<mac address="52:54:00:12:34:56"/><alias name="ua-vf"/></interface>',
    );
  });

  test('is read back as it was given', () => {
    expect(
      readBack(renderVfNicXml({ ...vf, vlan: 100, standbyAlias: 'ua-standby' }, '0000:05:00.0')),
    ).toEqual({
      kind: 'hostdev',
      hostAddress: vf.hostAddress,
      mac: vf.mac,
      alias: vf.alias,
      vlan: 100,
      guestAddress: '0000:05:00.0',
      teaming: { role: 'transient', partner: 'ua-standby' },
    });
    expect(readBack(renderVfNicXml({ ...vf, vlan: 0 }))).toMatchObject({ vlan: 0 });
  });

  test('with an address, MAC or name that libvirt cannot take is refused', () => {
    for (const wrong of [
      { hostAddress: "0000:01:00.0'/><x" },
      { mac: '"/>' },
      { alias: 'net0' },
      { alias: 'ua-"' },
    ]) {
      expect(() => renderVfNicXml({ ...vf, ...wrong })).toThrow(invalid);
    }
    expect(() => renderVfNicXml({ ...vf, standbyAlias: 'ua-<' })).toThrow(invalid);
  });
});

describe('a standby', () => {
  test('is virtio on a bridge, or a port of Open vSwitch', () => {
    expect(renderStandbyNicXml(standby)).toBe(
      '<interface type="bridge"><mac address="52:54:00:12:34:56"/><source bridge="br0"/><model type="virtio"/>' +
        '<teaming type="persistent"/><alias name="ua-standby"/></interface>',
    );
    expect(readBack(renderStandbyNicXml({ ...standby, kind: 'openvswitch' }))).toMatchObject({
      kind: 'bridge',
      virtualPort: 'openvswitch',
    });
    expect(readBack(renderStandbyNicXml({ ...standby, kind: 'openvswitch', vlan: 100 }))).toMatchObject({
      virtualPort: 'openvswitch',
      vlan: 100,
    });
  });

  test('with any name of a bridge holds just this name, or is refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 15 }), (bridge) => {
        const nic = {
          kind: 'bridge',
          bridge,
          mac: standby.mac,
          alias: standby.alias,
          model: 'virtio',
          teaming: { role: 'persistent' },
        };
        const outcome = outcomeOf(() => readBack(renderStandbyNicXml({ ...standby, bridge })));
        expect([{ value: nic }, { code: 'request.invalid' }]).toContainEqual(outcome);
      }),
      { numRuns: 400 },
    );
  });
});
