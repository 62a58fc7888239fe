// Owns the conformance cases: what is done to an Intel 82576, on whatever kernel. expected.json holds what comes of it.
// A table. Must not name anything that only one host has.

import type { ConformanceStep } from './step.ts';

export interface ConformanceCase {
  readonly name: string;
  /** Begins with no VFs, driver probe on, the PF's interface down with MTU 1500. */
  readonly steps: readonly ConformanceStep[];
}

const pf = '/sys/bus/pci/devices/0000:01:00.0';
const vf0 = '/sys/bus/pci/devices/0000:01:10.0';
const lookAtVfs: ConformanceStep = { does: 'look', at: 'vfs' };

function write(path: string, text: string): ConformanceStep {
  return { does: 'write', path, text };
}

function writeNumVfs(text: string): ConformanceStep {
  return write(`${pf}/sriov_numvfs`, text);
}

function setVf(
  index: number,
  settings: Extract<ConformanceStep, { does: 'set-vfs' }>['vfs'][number]['settings'],
) {
  return { does: 'set-vfs', vfs: [{ index, settings }] } as const;
}

/** A spec for the PF of the cases. */
function spec(lines: string): string {
  return `apiVersion: vfleet/v1\nkind: Host\npfs:\n  - match: { address: '0000:01:00.0' }\n${lines}`;
}

function apply(lines: string): ConformanceStep {
  return { does: 'apply', spec: spec(lines) };
}

const upAndLinked: readonly ConformanceStep[] = [
  { does: 'set-link', up: true },
  { does: 'wait-for-carrier' },
];

export const conformanceCases: readonly ConformanceCase[] = [
  {
    name: 'the number of VFs passes 0',
    steps: [
      { does: 'read', path: `${pf}/sriov_totalvfs` },
      writeNumVfs('4'),
      { does: 'read', path: `${pf}/sriov_numvfs` },
      writeNumVfs('2'),
      writeNumVfs('7'),
      writeNumVfs('4'),
      { does: 'read', path: `${pf}/sriov_numvfs` },
      writeNumVfs('0'),
      writeNumVfs('0'),
      { does: 'read', path: `${pf}/sriov_numvfs` },
      { does: 'list', path: vf0 },
    ],
  },
  {
    name: 'numbers of VFs that cannot be',
    steps: [
      writeNumVfs('8'),
      writeNumVfs('65536'),
      writeNumVfs('-1'),
      writeNumVfs('two'),
      writeNumVfs('0x2'),
      { does: 'read', path: `${pf}/sriov_numvfs` },
    ],
  },
  {
    name: 'files that are not there, or not for writing',
    steps: [
      write(`${pf}/sriov_novfs`, '1'),
      write('/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs', '1'),
      write(`${vf0}/driver_override`, 'igbvf'),
      { does: 'read', path: `${vf0}/vendor` },
      { does: 'list', path: '/sys/bus/pci/devices/0000:07:00.0' },
      { does: 'read-missing-link' },
    ],
  },
  {
    name: 'new VFs and their facts',
    steps: [writeNumVfs('7'), lookAtVfs],
  },
  {
    name: 'VFs of a PF that is up',
    steps: [...upAndLinked, writeNumVfs('2'), { does: 'wait-for-carrier' }, { does: 'look', at: 'pf' }],
  },
  {
    name: 'a PF without VFs',
    steps: [{ does: 'look', at: 'pf' }],
  },
  {
    name: 'configuration spaces without and with VFs',
    steps: [
      { does: 'look', at: 'config-spaces' },
      writeNumVfs('3'),
      { does: 'look', at: 'config-spaces' },
      writeNumVfs('0'),
      { does: 'look', at: 'config-spaces' },
    ],
  },
  {
    name: 'no driver probe for new VFs',
    steps: [
      write(`${pf}/sriov_drivers_autoprobe`, '0'),
      { does: 'read', path: `${pf}/sriov_drivers_autoprobe` },
      writeNumVfs('2'),
      lookAtVfs,
      write('/sys/bus/pci/drivers_probe', '0000:01:10.0'),
      write('/sys/bus/pci/drivers/igbvf/bind', '0000:01:10.0'),
      { does: 'read', path: `${vf0}/driver_override` },
      write(`${vf0}/driver_override`, 'igbvf'),
      { does: 'read', path: `${vf0}/driver_override` },
      write('/sys/bus/pci/drivers_probe', '0000:01:10.0'),
      lookAtVfs,
      write(`${vf0}/driver_override`, '\n'),
      { does: 'read', path: `${vf0}/driver_override` },
      write(`${pf}/sriov_drivers_autoprobe`, 'maybe'),
      write(`${pf}/sriov_drivers_autoprobe`, '2'),
      write(`${pf}/sriov_drivers_autoprobe`, '1'),
      write('/sys/bus/pci/drivers_probe', '0000:01:10.2'),
      lookAtVfs,
    ],
  },
  {
    name: 'drivers are taken and given by hand',
    steps: [
      writeNumVfs('1'),
      write('/sys/bus/pci/drivers/igbvf/unbind', '0000:01:10.0'),
      write('/sys/bus/pci/drivers/igbvf/unbind', '0000:01:10.0'),
      write('/sys/bus/pci/drivers/vfio-pci/bind', '0000:01:10.0'),
      write('/sys/bus/pci/drivers/igb/bind', '0000:01:10.0'),
      write('/sys/bus/pci/drivers/igbvf/bind', '0000:01:10.2'),
      write('/sys/bus/pci/drivers/igbvf/bind', 'nonsense'),
      write('/sys/bus/pci/drivers_probe', '0000:01:10.2'),
      lookAtVfs,
      write('/sys/bus/pci/drivers/igbvf/bind', '0000:01:10.0'),
      write('/sys/bus/pci/drivers/igbvf/bind', '0000:01:10.0'),
      write('/sys/bus/pci/drivers/vfio-pci/unbind', '0000:01:10.0'),
      lookAtVfs,
    ],
  },
  {
    name: 'an override keeps other drivers away',
    steps: [
      writeNumVfs('1'),
      write('/sys/bus/pci/drivers/igbvf/unbind', '0000:01:10.0'),
      write(`${vf0}/driver_override`, 'nosuchdriver'),
      write('/sys/bus/pci/drivers_probe', '0000:01:10.0'),
      write('/sys/bus/pci/drivers/igbvf/bind', '0000:01:10.0'),
      lookAtVfs,
    ],
  },
  {
    name: 'drivers are taken and given by the kernel layer',
    steps: [
      writeNumVfs('2'),
      { does: 'unbind', vf: 0 },
      { does: 'unbind', vf: 0 },
      { does: 'bind', vf: 0, driver: 'vfio-pci' },
      { does: 'bind', vf: 0, driver: 'vfio-pci' },
      { does: 'vfio-node', vf: 0 },
      { does: 'vfio-node', vf: 1 },
      { does: 'bind', vf: 0, driver: 'igbvf' },
      lookAtVfs,
      { does: 'unbind', vf: 0 },
      { does: 'vfio-node', vf: 0 },
      { does: 'bind', vf: 0, driver: 'nosuchdriver' },
      { does: 'bind', vf: 0, driver: 'igb' },
      { does: 'bind', vf: 0, driver: 'usual' },
      { does: 'read', path: `${vf0}/driver_override` },
      lookAtVfs,
    ],
  },
  {
    name: 'VFs go with the drivers they have',
    steps: [
      writeNumVfs('2'),
      { does: 'unbind', vf: 0 },
      { does: 'bind', vf: 0, driver: 'vfio-pci' },
      writeNumVfs('0'),
      { does: 'list', path: vf0 },
      writeNumVfs('2'),
      lookAtVfs,
    ],
  },
  {
    name: 'settings that igb takes',
    steps: [
      writeNumVfs('2'),
      setVf(0, { mac: '52:54:00:aa:00:01' }),
      setVf(0, { vlan: 100, qos: 3 }),
      setVf(1, { vlan: 4094, qos: 7, vlanProtocol: '802.1Q' }),
      setVf(0, { spoofCheck: false }),
      setVf(0, { trust: true }),
      lookAtVfs,
      setVf(1, { vlan: 0, qos: 0 }),
      setVf(0, { spoofCheck: true, trust: false }),
      setVf(0, { vlan: 0, qos: 5 }),
      lookAtVfs,
    ],
  },
  {
    name: 'settings that igb refuses',
    steps: [
      writeNumVfs('2'),
      setVf(0, { linkState: 'enable' }),
      setVf(0, { linkState: 'auto' }),
      setVf(0, { rssQuery: true }),
      setVf(0, { vlan: 100, qos: 0, vlanProtocol: '802.1ad' }),
      setVf(0, { vlan: 4095, qos: 0 }),
      setVf(0, { vlan: 5000, qos: 0 }),
      setVf(0, { vlan: 100, qos: 8 }),
      setVf(0, { mac: '01:00:5e:00:00:01' }),
      setVf(0, { mac: 'ff:ff:ff:ff:ff:ff' }),
      setVf(2, { mac: '52:54:00:aa:00:01' }),
      setVf(9, { vlan: 100, qos: 0 }),
      setVf(9, { spoofCheck: true }),
      setVf(9, { trust: true }),
      setVf(9, { minTxRateMbps: 0, maxTxRateMbps: 0 }),
      lookAtVfs,
    ],
  },
  {
    name: 'settings of a PF without VFs',
    steps: [
      setVf(0, { mac: '52:54:00:aa:00:01' }),
      setVf(0, { vlan: 100, qos: 0 }),
      setVf(0, { spoofCheck: true }),
      setVf(0, { trust: true }),
      setVf(0, { linkState: 'auto' }),
    ],
  },
  {
    name: 'rates while the port is down',
    steps: [writeNumVfs('1'), setVf(0, { minTxRateMbps: 0, maxTxRateMbps: 100 }), lookAtVfs],
  },
  {
    name: 'rates while the port has a link',
    steps: [
      ...upAndLinked,
      writeNumVfs('1'),
      { does: 'wait-for-carrier' },
      setVf(0, { minTxRateMbps: 0, maxTxRateMbps: 100 }),
      lookAtVfs,
      setVf(0, { minTxRateMbps: 50, maxTxRateMbps: 100 }),
      setVf(0, { minTxRateMbps: 0, maxTxRateMbps: 1000 }),
      setVf(0, { minTxRateMbps: 0, maxTxRateMbps: 1001 }),
      setVf(0, { minTxRateMbps: 200, maxTxRateMbps: 100 }),
      lookAtVfs,
      setVf(0, { minTxRateMbps: 0, maxTxRateMbps: 0 }),
      lookAtVfs,
    ],
  },
  {
    name: 'a list of VFs is worked through until one is refused',
    steps: [
      writeNumVfs('3'),
      {
        does: 'set-vfs',
        vfs: [
          { index: 0, settings: { vlan: 10, qos: 0 } },
          { index: 1, settings: { vlan: 11, qos: 0, linkState: 'enable' } },
          { index: 2, settings: { vlan: 12, qos: 0 } },
        ],
      },
      lookAtVfs,
    ],
  },
  {
    name: 'an address reaches a VF when its driver starts and the PF is up',
    steps: [
      ...upAndLinked,
      writeNumVfs('1'),
      setVf(0, { mac: '52:54:00:aa:00:01' }),
      lookAtVfs,
      { does: 'unbind', vf: 0 },
      { does: 'bind', vf: 0, driver: 'usual' },
      lookAtVfs,
      setVf(0, { mac: '00:00:00:00:00:00' }),
      lookAtVfs,
      { does: 'unbind', vf: 0 },
      { does: 'bind', vf: 0, driver: 'usual' },
      lookAtVfs,
    ],
  },
  {
    name: 'an address for a VF without a driver',
    steps: [
      write(`${pf}/sriov_drivers_autoprobe`, '0'),
      writeNumVfs('2'),
      setVf(1, { mac: '52:54:00:aa:00:02' }),
      lookAtVfs,
      { does: 'bind', vf: 1, driver: 'igbvf' },
      { does: 'bind', vf: 0, driver: 'usual' },
      lookAtVfs,
      { does: 'read', path: `${pf}/sriov_drivers_autoprobe` },
    ],
  },
  {
    name: 'two VFs with one address',
    steps: [
      writeNumVfs('2'),
      setVf(0, { mac: '52:54:00:aa:00:01' }),
      setVf(1, { mac: '52:54:00:aa:00:01' }),
      lookAtVfs,
    ],
  },
  {
    name: 'settings go with their VFs',
    steps: [
      writeNumVfs('1'),
      setVf(0, { mac: '52:54:00:aa:00:01', vlan: 100, qos: 3, spoofCheck: false, trust: true }),
      writeNumVfs('0'),
      writeNumVfs('1'),
      lookAtVfs,
    ],
  },
  {
    name: 'MTU and state of the PF',
    steps: [
      { does: 'set-link', mtu: 9216 },
      { does: 'set-link', mtu: 9217 },
      { does: 'set-link', mtu: 67 },
      { does: 'set-link', mtu: 68, up: true },
      { does: 'wait-for-carrier' },
      { does: 'look', at: 'pf' },
      { does: 'set-link', mtu: 1500, up: false },
      { does: 'look', at: 'pf' },
    ],
  },
  {
    name: 'a PF going down keeps its VFs and their settings',
    steps: [
      ...upAndLinked,
      writeNumVfs('1'),
      // The port loses its link for a while when VFs are made.
      { does: 'wait-for-carrier' },
      setVf(0, { mac: '52:54:00:aa:00:01', vlan: 100, qos: 0, minTxRateMbps: 0, maxTxRateMbps: 500 }),
      { does: 'set-link', up: false },
      lookAtVfs,
      ...upAndLinked,
      lookAtVfs,
    ],
  },
  {
    name: 'a card without devlink',
    steps: [{ does: 'eswitch' }, { does: 'eswitch', mode: 'switchdev' }, { does: 'eswitch', mode: 'legacy' }],
  },
  {
    name: 'a PF that loses its driver',
    steps: [
      writeNumVfs('2'),
      write('/sys/bus/pci/drivers/igb/unbind', '0000:01:00.0'),
      { does: 'list', path: vf0 },
      writeNumVfs('2'),
      apply('    vfs: { count: 2 }\n'),
      apply('    mtu: 9000\n'),
      write('/sys/bus/pci/drivers/igb/bind', '0000:01:00.0'),
      apply('    vfs: { count: 1 }\n'),
    ],
  },
  {
    name: 'apply: two VFs with all that igb takes, again, back',
    steps: [
      apply(`    mtu: 9000
    up: true
    vfs:
      count: 2
      default: { driver: kernel, spoofCheck: true, trust: false, linkState: auto }
      '0': { mac: '52:54:00:aa:00:01', vlan: 100, qos: 3, maxTxRateMbps: 500 }
      '1': { mac: '52:54:00:aa:00:02', vlan: 200, vlanProtocol: 802.1Q }
`),
      { does: 'wait-for-carrier' },
      { does: 'look', at: 'pf' },
      apply('    vfs: { count: 2, "0": { vlan: 100 } }\n'),
      { does: 'plan-adopted' },
      { does: 'revert' },
      { does: 'revert' },
      { does: 'look', at: 'pf' },
    ],
  },
  {
    name: 'apply: a change of the count brings the VFs back as they were',
    steps: [
      apply(
        `    vfs: { count: 2, "0": { mac: '52:54:00:aa:00:01', vlan: 100, trust: true }, "1": { driver: vfio-pci } }\n`,
      ),
      apply('    vfs: { count: 4 }\n'),
      lookAtVfs,
      apply('    vfs: { count: 1 }\n'),
      lookAtVfs,
      { does: 'revert' },
      lookAtVfs,
    ],
  },
  {
    name: 'apply: a refused attribute puts everything back',
    steps: [
      apply('    vfs: { count: 2, "0": { vlan: 100 } }\n'),
      apply('    vfs: { "0": { vlan: 101 }, "1": { vlan: 102, linkState: enable } }\n'),
      lookAtVfs,
      apply('    vfs: { count: 3, default: { linkState: enable } }\n'),
      lookAtVfs,
      apply('    vfs: { default: { linkState: auto } }\n'),
      apply('    vfs: { "0": { vlan: 7, vlanProtocol: 802.1ad } }\n'),
      apply('    up: true\n    vfs: { "0": { minTxRateMbps: 10 } }\n'),
      { does: 'look', at: 'pf' },
    ],
  },
  {
    name: 'apply: rates need the port up',
    steps: [
      apply('    vfs: { count: 1, "0": { maxTxRateMbps: 100 } }\n'),
      lookAtVfs,
      apply('    up: true\n    vfs: { count: 1, "0": { maxTxRateMbps: 100 } }\n'),
      lookAtVfs,
      apply('    up: false\n    vfs: { "0": { maxTxRateMbps: 200 } }\n'),
      lookAtVfs,
    ],
  },
  {
    name: 'apply: drivers of VFs',
    steps: [
      apply(
        '    vfs: { count: 3, "0": { driver: vfio-pci }, "1": { driver: none }, "2": { driver: igbvf } }\n',
      ),
      lookAtVfs,
      apply('    vfs: { "0": { driver: none }, "1": { driver: kernel }, "2": { driver: vfio-pci } }\n'),
      lookAtVfs,
      apply('    vfs: { default: { driver: nosuchdriver } }\n'),
      apply('    vfs: { "0": { driver: igb } }\n'),
      lookAtVfs,
      { does: 'revert' },
      lookAtVfs,
    ],
  },
  {
    name: 'apply: a new address restarts the driver of its VF',
    steps: [
      apply(`    up: true\n    vfs: { count: 2, "0": { mac: '52:54:00:aa:00:01' } }\n`),
      apply(`    vfs: { "0": { mac: '52:54:00:aa:00:11' }, "1": { mac: '52:54:00:aa:00:12' } }\n`),
      lookAtVfs,
      { does: 'revert' },
      lookAtVfs,
    ],
  },
  {
    name: 'apply: driver probe that was off stays off',
    steps: [
      write(`${pf}/sriov_drivers_autoprobe`, '0'),
      apply('    vfs: { count: 2, "0": { driver: igbvf, vlan: 5 } }\n'),
      lookAtVfs,
      { does: 'read', path: `${pf}/sriov_drivers_autoprobe` },
      { does: 'revert' },
      { does: 'read', path: `${pf}/sriov_drivers_autoprobe` },
    ],
  },
  {
    name: 'specs that this host cannot be',
    steps: [
      // A port knows its speed only with a link, and for a moment after it went down.
      ...upAndLinked,
      { does: 'plan', spec: spec('    vfs: { count: 8 }\n') },
      { does: 'plan', spec: spec('    mtu: 9500\n    eswitch: switchdev\n') },
      { does: 'plan', spec: spec('    eswitch: legacy\n    vfs: { "0": { vlan: 1 } }\n') },
      { does: 'plan', spec: spec('    vfs: { count: 2, "0": { maxTxRateMbps: 2000 } }\n') },
      { does: 'plan', spec: spec('').replace('address', 'id').replace('0000:01:00.0', '8086:10ca') },
      {
        does: 'plan',
        spec: spec('    expect: 3\n').replace('address', 'id').replace('0000:01:00.0', '8086:10c9'),
      },
    ],
  },
];
