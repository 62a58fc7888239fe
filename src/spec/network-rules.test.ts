// Checks what a spec may say of networks, and the exact words for what it may not, in the file and on the example host.

import { describe, expect, it } from 'vitest';
import type { Pf } from '../model/pf.ts';
import { parseSpec } from './parsed-spec.ts';
import { resolveSpec } from './resolution.ts';
import { exampleHost, examplePf, exampleVf, secondPf } from './testing/example-host.ts';
import { problemsOf } from './testing/thrown.ts';

const twoVfs = examplePf({ vfs: [exampleVf(0), exampleVf(1)] });

/** A file with networks from line 4, and one PF whose lines follow its match. */
function withNetworks(networks: readonly string[], ...pf: readonly string[]): string {
  return [
    'apiVersion: vfleet/v1',
    'kind: Host',
    ...(networks.length === 0 ? [] : ['networks:', ...networks.map((network) => `  - ${network}`)]),
    'pfs:',
    '  - match: { address: "0000:01:00.0" }',
    ...pf.map((line) => `    ${line}`),
    '',
  ].join('\n');
}

const storage = '{ name: storage, vlan: 200, mtu: 9000 }';
const frontend = '{ name: frontend, vlan: 100 }';

function problems(text: string): readonly string[] {
  return problemsOf(() => parseSpec(text, 'host.yaml'));
}

function hostProblems(text: string, ...pfs: readonly Pf[]): readonly string[] {
  const parsed = parseSpec(text, 'host.yaml');
  return problemsOf(() => resolveSpec(parsed, exampleHost(...pfs)));
}

describe('networks', () => {
  it('are read as they are written', () => {
    const full =
      '{ name: san.1_a-b, vlan: 5, qos: 2, vlanProtocol: 802.1ad, mtu: 4200, spoofCheck: false, trust: true, linkState: enable, minTxRateMbps: 10, maxTxRateMbps: 20, rdma: true }';
    const { spec } = parseSpec(
      withNetworks([full, '{ name: plain }'], 'networks: [plain, san.1_a-b]'),
      'host.yaml',
    );
    expect(spec.networks).toEqual([
      {
        name: 'san.1_a-b',
        vlan: 5,
        qos: 2,
        vlanProtocol: '802.1ad',
        mtu: 4200,
        spoofCheck: false,
        trust: true,
        linkState: 'enable',
        minTxRateMbps: 10,
        maxTxRateMbps: 20,
        rdma: true,
      },
      { name: 'plain' },
    ]);
    expect(spec.pfs[0]?.networks).toEqual(['plain', 'san.1_a-b']);
  });

  it.each([
    ['that no PF reaches', withNetworks([storage])],
    ['that is an empty list', withNetworks([], 'networks: []')],
    ['whose MTU the PF does not name', withNetworks([storage], 'networks: [storage]')],
    ['beside a default without a tag', withNetworks([frontend], 'networks: [frontend]', 'vfs: { count: 2 }')],
    [
      'of a pool of one',
      withNetworks([frontend], 'networks: [frontend]', 'vfs: { count: 3, "0-1": { trust: true } }'),
    ],
  ])('may be one %s', (_name, text) => {
    expect(parseSpec(text, 'host.yaml').spec.kind).toBe('Host');
  });

  it.each([
    // The networks by themselves.
    [withNetworks(['{ vlan: 1 }']), 'line 4, networks[0].name: is missing'],
    [
      withNetworks(['{ name: ../../x }']),
      'line 4, networks[0].name: "../../x" is no name of a network: letters, digits, _ . -',
    ],
    [
      withNetworks(['{ name: "\\e[31m" }']),
      'line 4, networks[0].name: "\\u{1b}[31m" is no name of a network: letters, digits, _ . -',
    ],
    [withNetworks(['{ name: a, vlna: 1 }']), 'line 4, networks[0].vlna: unknown key; did you mean vlan?'],
    [
      withNetworks(['{ name: a, driver: x }']),
      'line 4, networks[0].driver: unknown key; known are name, mtu, rdma, vlan, qos, vlanProtocol, minTxRateMbps, maxTxRateMbps, spoofCheck, trust and linkState',
    ],
    [
      withNetworks(['{ name: a, vlan: 4095 }']),
      'line 4, networks[0].vlan: 4095 is more than 4094, the highest VLAN',
    ],
    [withNetworks(['storage']), 'line 4, networks[0]: must be a mapping, not "storage"'],
    [
      withNetworks([frontend, storage, '{ name: frontend }']),
      'line 6, networks[2].name: "frontend" is networks[0] in line 4 already',
    ],
    [withNetworks(['{ name: a, qos: 3 }']), 'line 4, networks[0].qos: qos needs a vlan beside it'],
    [
      withNetworks(['{ name: a, vlan: 0, qos: 3 }']),
      'line 4, networks[0].qos: qos 3 needs a vlan other than 0',
    ],
    [
      withNetworks(['{ name: a, vlanProtocol: 802.1ad }']),
      'line 4, networks[0].vlanProtocol: 802.1ad needs a vlan other than 0',
    ],
    [
      withNetworks(['{ name: a, minTxRateMbps: 9, maxTxRateMbps: 5 }']),
      'line 4, networks[0].minTxRateMbps: minTxRateMbps 9 is more than maxTxRateMbps 5',
    ],

    // The networks of a PF.
    [
      withNetworks([storage, frontend], 'networks: [storag]'),
      'line 8, pfs[0].networks[0]: "storag" is no network; did you mean storage?',
    ],
    [
      withNetworks([storage, frontend], 'networks:', '  - frontend', '  - backup'),
      'line 10, pfs[0].networks[1]: "backup" is no network; known are storage and frontend',
    ],
    [
      withNetworks([], 'networks: [storage]'),
      'line 5, pfs[0].networks[0]: "storage" is no network: networks at the top of the file names none',
    ],
    [
      withNetworks([frontend], 'networks: [frontend, frontend]'),
      'line 7, pfs[0].networks[1]: "frontend" is given twice, first in line 7',
    ],
    [withNetworks([storage], 'networks: storage'), 'line 7, pfs[0].networks: must be a list, not "storage"'],
    [
      withNetworks([storage], 'mtu: 1500', 'networks: [storage]'),
      'line 8, pfs[0].networks[0]: storage has frames of up to 9000 bytes, and mtu of this PF is 1500',
    ],
    [
      withNetworks(['{ name: a, vlan: 0 }'], 'networks: [a]', 'vfs: { default: { vlan: 5, qos: 3 } }'),
      'line 7, pfs[0].networks[0]: a does not fit vfs.default: qos 3 needs a vlan other than 0',
    ],
    [
      withNetworks(
        ['{ name: a, maxTxRateMbps: 50 }'],
        'networks: [a]',
        'vfs: { default: { minTxRateMbps: 60 } }',
      ),
      'line 7, pfs[0].networks[0]: a does not fit vfs.default: minTxRateMbps 60 is more than maxTxRateMbps 50',
    ],
    [
      withNetworks([frontend], 'networks: [frontend]', 'vfs: { count: 0 }'),
      'line 7, pfs[0].networks: there is no VF for them: count is 0',
    ],
    [
      withNetworks([frontend], 'vfs: { count: 2, "0": {}, "1": {} }', 'networks: [frontend]'),
      'line 8, pfs[0].networks: there is no VF for them: vfs names each of the 2 VFs by itself',
    ],
  ])('that are wrong are told their place and their fault, case %#', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });

  it('are not told twice of one mistake', () => {
    // The PF may well mean the network whose name is wrong.
    expect(problems(withNetworks(['{ name: "a b" }'], 'networks: [ab]'))).toHaveLength(1);
    expect(problems(withNetworks(['{ name: a, vlan: 5000, qos: 3 }'], 'networks: [a]'))).toEqual([
      'line 4, networks[0].vlan: 5000 is more than 4094, the highest VLAN',
    ]);
    expect(
      problems(withNetworks([frontend], 'networks: [frontend]', 'vfs: { default: { qos: 1, vlan: 9999 } }')),
    ).toEqual(['line 8, pfs[0].vfs.default.vlan: 9999 is more than 4094, the highest VLAN']);
  });

  it.each([
    [
      withNetworks(['{ name: a, maxTxRateMbps: 2000 }'], 'networks: [a]'),
      "line 7, pfs[0].networks[0]: maxTxRateMbps 2000 of a is more than the link's 1000 Mbit/s",
    ],
    [
      withNetworks([frontend], 'networks: [frontend]', 'vfs: { "0-1": { trust: true } }'),
      'line 7, pfs[0].networks: there is no VF for them: vfs names each of the 2 VFs by itself',
    ],
  ])('that this host cannot have are told, case %#', (text, problem) => {
    expect(hostProblems(text, twoVfs)).toEqual([problem]);
  });

  it('need a count where there are no VFs, of each PF that an entry means', () => {
    const text = withNetworks([frontend], 'networks: [frontend]', 'expect: 2').replace(
      'address: "0000:01:00.0"',
      'driver: igb',
    );
    expect(hostProblems(text, examplePf(), secondPf)).toEqual([
      'line 7, pfs[0].networks: there is no VF for them: this PF has none; give a count (0000:01:00.0)',
      'line 7, pfs[0].networks: there is no VF for them: this PF has none; give a count (0000:02:00.0)',
    ]);
  });
});
