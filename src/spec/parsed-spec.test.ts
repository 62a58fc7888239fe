// Checks what a spec file may say, and the exact words for each thing that it may not.

import { describe, expect, it } from 'vitest';
import { parseSpec } from './parsed-spec.ts';
import { problemsOf, thrownBy } from './testing/thrown.ts';

const example = `apiVersion: vfleet/v1
kind: Host
pfs:
  - match: { address: "0000:01:00.0" }
    mtu: 1500
    up: true
    eswitch: legacy
    vfs:
      count: 4
      default: { driver: vfio-pci, spoofCheck: true, trust: false, linkState: auto }
      "0":   { mac: "52:54:00:aa:00:01", vlan: 100, qos: 3 }
      "1-2": { vlan: 200, vlanProtocol: 802.1Q, minTxRateMbps: 0, maxTxRateMbps: 500 }
      "3":   { mac: auto }
`;

/** A file with one PF, whose lines begin with line 5. */
function withPf(...lines: readonly string[]): string {
  const head = ['apiVersion: vfleet/v1', 'kind: Host', 'pfs:', '  - match: { address: "0000:01:00.0" }'];
  return [...head, ...lines.map((line) => `    ${line}`), ''].join('\n');
}

/** A file with one PF and its VFs, whose lines begin with line 6. */
function withVfs(...lines: readonly string[]): string {
  return withPf('vfs:', ...lines.map((line) => `  ${line}`));
}

function problems(text: string): readonly string[] {
  return problemsOf(() => parseSpec(text, 'host.yaml'));
}

describe('a spec that is right', () => {
  it('is read as it is written', () => {
    expect(parseSpec(example, 'host.yaml').spec).toEqual({
      apiVersion: 'vfleet/v1',
      kind: 'Host',
      pfs: [
        {
          match: { address: '0000:01:00.0' },
          mtu: 1500,
          up: true,
          eswitch: 'legacy',
          vfs: {
            count: 4,
            default: { driver: 'vfio-pci', spoofCheck: true, trust: false, linkState: 'auto' },
            '0': { mac: '52:54:00:aa:00:01', vlan: 100, qos: 3 },
            '1-2': { vlan: 200, vlanProtocol: '802.1Q', minTxRateMbps: 0, maxTxRateMbps: 500 },
            '3': { mac: 'auto' },
          },
        },
      ],
    });
  });

  it('says where its parts stand', () => {
    const { locate } = parseSpec(example, 'host.yaml');
    expect(locate([])).toEqual({ line: 1, column: 1 });
    expect(locate(['pfs', 0])).toEqual({ line: 4, column: 5 });
    expect(locate(['pfs', 0, 'vfs', 'count'])).toEqual({ line: 9, column: 7 });
    expect(locate(['pfs', 0, 'vfs', '0', 'vlan'])).toEqual({ line: 11, column: 42 });
    expect(locate(['pfs', 0, 'vfs', '7', 'vlan'])).toEqual({ line: 8, column: 5 });
  });

  it.each([
    ['an index without quotes', withVfs('3: { vlan: 5 }')],
    ['mappings that are named once and used twice', withVfs('"0": &tagged { vlan: 5 }', '"1": *tagged')],
    ['auto for many VFs', withVfs('default: { mac: auto }')],
    ['an address for a range of one', withVfs('"2-2": { mac: "52:54:00:aa:00:01" }')],
    ['a minimum under an unlimited maximum', withVfs('default: { minTxRateMbps: 9, maxTxRateMbps: 0 }')],
    ['802.1Q without a VLAN', withVfs('default: { vlanProtocol: 802.1Q }')],
    ['no priority on an untagged VF', withVfs('default: { vlan: 0, qos: 0 }')],
    ['a default that each VF completes', withVfs('count: 1', 'default: { qos: 1 }', '"0": { vlan: 5 }')],
    ['a default that the host decides about', withVfs('default: { qos: 1 }', '"0": { vlan: 5 }')],
    ['a PF that is no PCI device', example.replace('0000:01:00.0', 'netdevsim/netdevsim1')],
    ['Windows line ends and a byte order mark', `\u{feff}${example.replaceAll('\n', '\r\n')}`],
    ['no PFs', 'apiVersion: vfleet/v1\nkind: Host\npfs: []\n'],
  ])('may hold %s', (_name, text) => {
    expect(parseSpec(text, 'host.yaml').spec.kind).toBe('Host');
  });
});

describe('a spec that is wrong', () => {
  it('is told as one line when there is one problem', () => {
    const error = thrownBy(() => parseSpec(withPf('mtu: 9', 'up: true'), 'host.yaml'));
    expect(error.code).toBe('spec.invalid');
    expect(error.exitStatus).toBe(1);
    expect(error.message).toBe('line 5, pfs[0].mtu: 9 is less than 68');
    expect(error.details).toEqual({ file: 'host.yaml', problems: [error.message] });
  });

  it('is told with all of its problems in the order of the file', () => {
    const error = thrownBy(() =>
      parseSpec(
        withVfs('count: 2', '"2": { vlan: 4095 }', 'defualt: {}').replace('Host', 'Guest'),
        'host.yaml',
      ),
    );
    expect(error.message).toBe('4 problems in host.yaml');
    expect(error.details.problems).toEqual([
      'line 2, kind: "Guest" is not Host',
      'line 7, pfs[0].vfs["2"]: there is no VF 2 with count 2; the last is VF 1',
      'line 7, pfs[0].vfs["2"].vlan: 4095 is more than 4094, the highest VLAN',
      'line 8, pfs[0].vfs.defualt: unknown key; did you mean default?',
    ]);
  });

  it('does not fill a terminal', () => {
    const keys = Array.from({ length: 300 }, (_, index) => `x${index}: 1`);
    const error = thrownBy(() => parseSpec(withPf(...keys), 'host.yaml'));
    expect(error.message).toBe('300 problems in host.yaml');
    expect(error.details.problems).toHaveLength(201);
    expect(error.details.problems?.at(-1)).toBe('and 100 more');
  });

  it.each([
    // The top of the file.
    ['apiVersion: vfleet/v2\nkind: Host\npfs: []', 'line 1, apiVersion: "vfleet/v2" is not vfleet/v1'],
    ['kind: Host\npfs: []', 'line 1, apiVersion: is missing'],
    ['apiVersion: vfleet/v1\nkind: Host', 'line 1, pfs: is missing'],
    ['apiVersion: vfleet/v1\nkind: Host\npfs: {}', 'line 3, pfs: must be a list, not a mapping'],
    ['apiVersion: vfleet/v1\nkind: Host\npfs:\n  -\n  - match: { numa: 1 }', 'line 4, pfs[0]: is empty'],
    ['apiVersion: vfleet/v1\nkind: Host\npf: 1\npfs: []', 'line 3, pf: unknown key; did you mean pfs?'],

    // Keys.
    [withPf('mtuu: 1500'), 'line 5, pfs[0].mtuu: unknown key; did you mean mtu?'],
    [
      withPf('colour: red'),
      'line 5, pfs[0].colour: unknown key; known are match, expect, mtu, up, eswitch, networks and vfs',
    ],
    [withPf('count: 3'), 'line 5, pfs[0].count: unknown key here; it belongs under vfs'],
    [
      withVfs('trust: true'),
      'line 6, pfs[0].vfs.trust: unknown key here; it belongs under vfs.default or under the index of a VF',
    ],
    [
      withVfs('default: { max_tx_rate: 5 }'),
      'line 6, pfs[0].vfs.default["max_tx_rate"]: unknown key; did you mean maxTxRateMbps?',
    ],
    [
      withVfs('__proto__: { vlan: 1 }'),
      'line 6, pfs[0].vfs["__proto__"]: unknown key; known are count, default and VFs such as "3" or "0-2"',
    ],
    [
      withVfs('default: { <<: { vlan: 1 } }'),
      'line 6, pfs[0].vfs.default["<<"]: merge keys have no meaning here; repeat the values, or use an alias for a whole mapping',
    ],
    [withPf('mtu: 1500', 'mtu: 1501'), 'line 6, pfs[0].mtu: given twice, first in line 5'],

    // Kinds of values.
    [withPf('up: yes'), 'line 5, pfs[0].up: must be true or false, not "yes"'],
    [withPf('mtu: "1500"'), 'line 5, pfs[0].mtu: must be a whole number, not "1500"'],
    [withPf('mtu: 1500.5'), 'line 5, pfs[0].mtu: must be a whole number, not 1500.5'],
    [withPf('mtu: .nan'), 'line 5, pfs[0].mtu: must be a whole number, not NaN'],
    [withPf('mtu:'), 'line 5, pfs[0].mtu: is empty; give it a value, or leave the key out'],
    [withPf('mtu: 1e300'), 'line 5, pfs[0].mtu: 1e+300 is more than 65535, the highest MTU'],
    [withPf('vfs: [1]'), 'line 5, pfs[0].vfs: must be a mapping, not a list'],
    [
      withPf('eswitch: swichdev'),
      'line 5, pfs[0].eswitch: "swichdev" is not legacy or switchdev; did you mean switchdev?',
    ],
    [
      withVfs('default: { driver: 8139 }'),
      'line 6, pfs[0].vfs.default.driver: must be text, and 8139 is not; put it in quotes',
    ],

    // Matches.
    [
      withPf().replace('{ address: "0000:01:00.0" }', '{}'),
      'line 4, pfs[0].match: is empty; give at least one of address, name, driver, id and numa',
    ],
    [
      withPf().replace('address:', 'adress:'),
      'line 4, pfs[0].match.adress: unknown key; did you mean address?',
    ],
    [
      withPf().replace('0000:01:00.0', 'enp1s0'),
      'line 4, pfs[0].match.address: "enp1s0" is no address of a PF, such as 0000:01:00.0 or netdevsim/netdevsim1',
    ],
    [
      withPf().replace('0000:01:00.0', '../../dev'),
      'line 4, pfs[0].match.address: "../../dev" is no address of a PF, such as 0000:01:00.0 or netdevsim/netdevsim1',
    ],
    [
      withPf().replace('address: "0000:01:00.0"', 'id: 8086:10c'),
      'line 4, pfs[0].match.id: "8086:10c" is no PCI ID such as 8086:10c9',
    ],
    [withPf('expect: 2'), 'line 5, pfs[0].expect: 2 PFs cannot have one address'],

    // VF indexes and ranges.
    [
      withVfs('count: 65536'),
      'line 6, pfs[0].vfs.count: 65536 is more than 65535, the most VFs a PF can have',
    ],
    [
      withVfs('count: 4', '"4": { vlan: 1 }'),
      'line 7, pfs[0].vfs["4"]: there is no VF 4 with count 4; the last is VF 3',
    ],
    [withVfs('count: 0', '"0-1": {}'), 'line 7, pfs[0].vfs["0-1"]: there is no VF 1 with count 0'],
    [withVfs('1-: {}'), 'line 6, pfs[0].vfs["1-"]: is no VF index such as 3 and no range such as 0-2'],
    [withVfs('"1,2": {}'), 'line 6, pfs[0].vfs["1,2"]: is no VF index such as 3 and no range such as 0-2'],
    [withVfs('2-1: {}'), 'line 6, pfs[0].vfs["2-1"]: ends before it begins; write 1-2'],
    [withVfs('70000: {}'), 'line 6, pfs[0].vfs["70000"]: 70000 is more than 65534, the highest VF index'],
    [
      withVfs('"2-3": {}', '"0-2": {}'),
      'line 7, pfs[0].vfs["0-2"]: overlaps "2-3" in line 6; a VF belongs to one of them only',
    ],
    [
      withVfs('"1": {}', '"01": {}'),
      'line 7, pfs[0].vfs["01"]: overlaps "1" in line 6; a VF belongs to one of them only',
    ],

    // VLAN, priority, protocol.
    [
      withVfs('default: { vlan: 4095 }'),
      'line 6, pfs[0].vfs.default.vlan: 4095 is more than 4094, the highest VLAN',
    ],
    [withVfs('default: { vlan: -1 }'), 'line 6, pfs[0].vfs.default.vlan: -1 is less than 0'],
    [
      withVfs('default: { vlan: 1, qos: 8 }'),
      'line 6, pfs[0].vfs.default.qos: 8 is more than 7, the highest priority',
    ],
    [withVfs('default: { qos: 3 }'), 'line 6, pfs[0].vfs.default.qos: qos needs a vlan beside it'],
    [withVfs('"0": { vlan: 0, qos: 3 }'), 'line 6, pfs[0].vfs["0"].qos: qos 3 needs a vlan other than 0'],
    [
      withVfs('count: 1', 'default: { vlan: 5, qos: 3 }', '"0": { vlan: 0 }'),
      'line 8, pfs[0].vfs["0"].vlan: qos 3 needs a vlan other than 0',
    ],
    [
      withVfs('default: { vlanProtocol: 802.1ad }'),
      'line 6, pfs[0].vfs.default.vlanProtocol: 802.1ad needs a vlan other than 0',
    ],
    [
      withVfs('"0": { vlan: 0, vlanProtocol: 802.1ad }'),
      'line 6, pfs[0].vfs["0"].vlanProtocol: 802.1ad needs a vlan other than 0',
    ],
    [
      withVfs('default: { vlanProtocol: 802.1x }'),
      'line 6, pfs[0].vfs.default.vlanProtocol: "802.1x" is not 802.1Q or 802.1ad; did you mean 802.1Q?',
    ],

    // Rates.
    [
      withVfs('default: { minTxRateMbps: 600, maxTxRateMbps: 500 }'),
      'line 6, pfs[0].vfs.default.minTxRateMbps: minTxRateMbps 600 is more than maxTxRateMbps 500',
    ],
    [
      withVfs('default: { minTxRateMbps: 600 }', '"1-2": { maxTxRateMbps: 500 }'),
      'line 7, pfs[0].vfs["1-2"].maxTxRateMbps: minTxRateMbps 600 is more than maxTxRateMbps 500',
    ],

    // Addresses.
    [
      withVfs('"0": { mac: "52:54:00" }'),
      'line 6, pfs[0].vfs["0"].mac: "52:54:00" is no MAC address such as 52:54:00:aa:00:01, and not auto',
    ],
    [
      withVfs('"0": { mac: "53:54:00:aa:00:01" }'),
      'line 6, pfs[0].vfs["0"].mac: 53:54:00:aa:00:01 is a multicast address; the first byte of a VF\'s address is even',
    ],
    [
      withVfs('"0": { mac: "00:00:00:00:00:00" }'),
      'line 6, pfs[0].vfs["0"].mac: the zero address means a random one at each probe; give a real one, or auto',
    ],
    [
      withVfs('"1": { mac: "52:54:00:aa:00:01" }', '"0": { mac: "52-54-00-AA-00-01" }'),
      'line 7, pfs[0].vfs["0"].mac: 52:54:00:aa:00:01 is used already in line 6, pfs[0].vfs["1"].mac',
    ],
    [
      withVfs('"0-2": { mac: "52:54:00:aa:00:01" }'),
      'line 6, pfs[0].vfs["0-2"].mac: one address cannot be given to 3 VFs; use auto, or name each VF',
    ],
    [
      withVfs('default: { mac: "52:54:00:aa:00:01" }'),
      'line 6, pfs[0].vfs.default.mac: one address cannot be given to every VF; use auto, or name each VF',
    ],
    [
      withVfs('"0": { mac: "52:54:00:aa:00:01" }').replace(
        'match: { address: "0000:01:00.0" }',
        'match: { driver: igb }\n    expect: 2',
      ),
      'line 7, pfs[0].vfs["0"].mac: one address cannot be given to the VFs of 2 PFs; use auto, or name each VF',
    ],

    // Drivers.
    [
      withVfs('default: { driver: ../vfio-pci }'),
      'line 6, pfs[0].vfs.default.driver: "../vfio-pci" is no name of a Linux driver',
    ],
    [
      withVfs('default: { driver: "vfio\\e[31m pci" }'),
      'line 6, pfs[0].vfs.default.driver: "vfio\\u{1b}[31m pci" is no name of a Linux driver',
    ],
  ])('is told its place and its fault, case %#', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });

  it('is not told twice of one mistake', () => {
    // Without its VLAN, which is wrong, the priority would be wrong as well.
    expect(problems(withVfs('default: { vlan: 5000, qos: 3 }'))).toEqual([
      'line 6, pfs[0].vfs.default.vlan: 5000 is more than 4094, the highest VLAN',
    ]);
    // A default that is wrong is wrong in each range that keeps it.
    expect(problems(withVfs('default: { qos: 3 }', '"0": { trust: true }', '"1": { trust: true }'))).toEqual([
      'line 6, pfs[0].vfs.default.qos: qos needs a vlan beside it',
    ]);
  });
});
