// Checks what a spec offers to VMs on the example host.

import { describe, expect, it } from 'vitest';
import type { Offer } from '../model/network.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { resolveOffer } from './offer.ts';
import { parseSpec } from './parsed-spec.ts';
import { resolveSpec } from './resolution.ts';
import { exampleHost, examplePf, exampleVf, netdevsimPf, secondPf } from './testing/example-host.ts';
import { thrownBy } from './testing/thrown.ts';

const twoVfs = examplePf({ vfs: [exampleVf(0), exampleVf(1)] });
const host = exampleHost(twoVfs, secondPf, netdevsimPf);

/** A file with two networks, whose PFs begin with line 7. */
function specOf(...lines: readonly string[]): string {
  return [
    'apiVersion: vfleet/v1',
    'kind: Host',
    'networks:',
    '  - { name: storage, vlan: 200 }',
    '  - { name: frontend }',
    'pfs:',
    ...lines.map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function offerOf(text: string, snapshot: Snapshot = host): Offer {
  return resolveOffer(parseSpec(text, 'host.yaml'), snapshot);
}

describe('an offer', () => {
  it('holds the VFs that are not named one by one, as default says', () => {
    const text = specOf(
      '- match: { address: "0000:01:00.0" }',
      '  networks: [storage, frontend]',
      '  vfs:',
      '    count: 7',
      '    default: { driver: vfio-pci, spoofCheck: true }',
      '    "0": { trust: true }',
      '    "2-4": {}',
    );
    const vf = { driver: 'vfio-pci', settings: { spoofCheck: true } };
    expect(offerOf(text)).toEqual({
      networks: [{ name: 'storage', vlan: 200 }, { name: 'frontend' }],
      pools: [
        {
          pf: '0000:01:00.0',
          networks: ['storage', 'frontend'],
          vfs: [
            { index: 1, ...vf },
            { index: 5, ...vf },
            { index: 6, ...vf },
          ],
        },
      ],
    });
  });

  it('is of as many VFs as there are, without a count', () => {
    const text = specOf('- { match: { name: enp1s0 }, networks: [storage] }');
    expect(offerOf(text).pools[0]?.vfs).toEqual([
      { index: 0, settings: {} },
      { index: 1, settings: {} },
    ]);
  });

  it('has a pool for each PF with networks, and for no other', () => {
    const text = specOf(
      '- { match: { address: "0000:01:00.0" }, vfs: { default: { trust: true } } }',
      '- { match: { address: "0000:02:00.0" }, networks: [], vfs: { count: 2 } }',
      '- { match: { driver: netdevsim }, networks: [frontend] }',
    );
    expect(offerOf(text).pools.map(({ pf }) => pf)).toEqual(['netdevsim/netdevsim1']);
    expect(offerOf(specOf('- { match: { numa: 0 } }')).pools).toEqual([]);
  });

  it('gives a pool the addresses that apply gives it', () => {
    const text = specOf(
      '- match: { address: "0000:01:00.0" }',
      '  networks: [storage]',
      '  vfs: { count: 4, default: { mac: auto }, "1": { mac: "52:54:00:aa:00:01" } }',
    );
    const applied = resolveSpec(parseSpec(text, 'host.yaml'), host).pfs[0]?.vfs ?? [];
    const offered = offerOf(text).pools[0]?.vfs ?? [];
    expect(offered.map(({ index }) => index)).toEqual([0, 2, 3]);
    for (const { index, settings } of offered) {
      expect(settings.mac).toMatch(/^[0-9a-f]2:/);
      expect(settings).toEqual(applied.find((vf) => vf.index === index)?.settings);
    }
  });

  it('is never more than the PF can have', () => {
    const text = specOf('- { match: { name: enp1s0 }, networks: [storage], vfs: { count: 60000 } }');
    expect(offerOf(text).pools[0]?.vfs).toHaveLength(7);
  });

  it('goes on without the PFs that are gone', () => {
    const gone = '- { match: { address: "0000:81:00.0" }, networks: [storage] }';
    const there = '- { match: { address: "0000:01:00.0" }, networks: [storage] }';
    expect(offerOf(specOf(gone, there)).pools.map(({ pf }) => pf)).toEqual(['0000:01:00.0']);
    const error = thrownBy(() => offerOf(specOf(gone, '- { match: { address: "0000:82:00.0" } }')));
    expect(error.code).toBe('spec.match');
    expect(error.message).toMatch(/^line 7, pfs\[0\]\.match: finds no PF; this host has /);
  });
});
