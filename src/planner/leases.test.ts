// Checks what leases mean to a plan: examples in words, and as a law over random hosts, targets and leases.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleLease } from '../lease/testing/example-lease.ts';
import type { Lease } from '../model/lease.ts';
import type { Plan } from '../model/plan.ts';
import type { PfTarget, Target } from '../model/target.ts';
import type { VfSettings } from '../model/vf.ts';
import { holdLeases } from './leases.ts';
import { planTarget } from './plan-target.ts';
import { refusePlan } from './refusal.ts';
import { applyPlanToSnapshot } from './testing/applied-snapshot.ts';
import { hostsWithTarget } from './testing/arbitraries.ts';
import { breachesOf, leasesOn } from './testing/random-leases.ts';
import { buildSnapshot, type CompactPf } from './testing/snapshot-builder.ts';

const address = '0000:01:00.0';
const held: VfSettings = { mac: '52:54:00:00:00:09', vlan: 200, qos: 0, trust: false };

function leaseOf(vf: number, settings: VfSettings = held, name = 'web-1'): Lease {
  const owner = { kind: 'libvirt', uuid: 'u', name, hold: 'stored' } as const;
  return exampleLease({ key: { pf: address, vf }, settings, owner });
}

function planOf(
  pf: Partial<CompactPf>,
  target: Omit<PfTarget, 'address'>,
  leases: readonly Lease[] = [leaseOf(1)],
): Plan {
  return planTarget(buildSnapshot({ pfs: [{ address, ...pf }] }), { pfs: [{ address, ...target }] }, leases);
}

const asLeased = { numVfs: 3, vfs: { '1': { driver: 'vfio-pci', settings: held } } };

describe('a plan', () => {
  it.each([
    ['a count that removes it', { numVfs: 0, vfs: [] }, 'the VF is removed: count 3 to 0'],
    ['a count that makes it anew', { numVfs: 5, vfs: [] }, 'the VF is removed: count 3 to 5 passes 0'],
    [
      'an eswitch mode',
      { eswitchMode: 'switchdev' as const, vfs: [] },
      'the VF is removed: eswitch legacy to switchdev is changed without VFs',
    ],
    ['another VLAN', { vfs: [{ index: 1, settings: { vlan: 7 } }] }, 'its vlan is 200 by the lease, not 7'],
    [
      'another driver',
      { vfs: [{ index: 1, driver: 'igbvf', settings: {} }] },
      'its driver changes from vfio-pci to igbvf',
    ],
  ])('breaks a lease by %s, which nothing allows', (_name, target, why) => {
    const plan = planOf({ ...asLeased, eswitch: 'legacy' }, target);
    expect(plan.disruptions).toMatchObject([{ pf: address, vf: 1, leasedTo: 'web-1', why }]);
    for (const allowDisruption of [false, true]) {
      const refusal = refusePlan(plan, { allowDisruption });
      expect(refusal).toMatchObject({
        code: 'plan.refused',
        message: 'VF 1 (0000:01:10.2) of 0000:01:00.0 is leased to VM web-1',
        hint: 'give it back first: vfleet detach web-1',
      });
    }
  });

  it('makes a leased VF what its lease says where the target is silent or agrees', () => {
    const target = { vfs: [{ index: 1, settings: { vlan: 200 } }] };
    const plan = planOf({ numVfs: 3, vfs: { '1': { driver: 'igbvf' } } }, target);
    expect(plan.disruptions).toEqual([]);
    // Its driver is not restarted either: whoever has the VF sees to that.
    expect(plan.steps).toMatchObject([
      { kind: 'vf-settings', vfs: [{ index: 1, after: { mac: held.mac, vlan: 200 } }] },
    ]);
  });

  it('gives a leased VF that is made after a restart what its lease says', () => {
    const plan = planOf({ numVfs: 0 }, { numVfs: 3, vfs: [{ index: 1, settings: held }] });
    expect(refusePlan(plan, { allowDisruption: false })).toBeUndefined();
    expect(plan.steps).toContainEqual(
      expect.objectContaining({
        kind: 'vf-settings',
        vfs: [
          expect.objectContaining({ index: 1, after: expect.objectContaining({ vlan: 200 }) as unknown }),
        ],
      }),
    );
    const named = planOf({ numVfs: 0 }, { numVfs: 3, vfs: [{ index: 1, settings: { vlan: 7 } }] });
    expect(refusePlan(named, { allowDisruption: true })?.message).toBe(
      `VF 1 of ${address} is leased to VM web-1`,
    );
  });

  it('says that a leased VF is not among those that it makes', () => {
    const plan = planOf({ numVfs: 0 }, { numVfs: 1, vfs: [] });
    expect(plan.disruptions).toEqual([]);
    expect(plan.notes).toEqual([`VF 1 of ${address} is leased to VM web-1, and is not among its 1 VFs.`]);
  });

  it('names every lease that stands in its way, and how to end them', () => {
    const names = ['web-1', "it's; rm -rf /", 'db', 'mail'];
    const leases = names.map((name, index) => leaseOf(index, held, name));
    const held_ = [{ kind: 'vm', name: 'other', pid: 7 } as const];
    const plan = planOf({ numVfs: 5, vfs: { '4': { holders: held_ } } }, { numVfs: 0, vfs: [] }, leases);
    const refusal = refusePlan(plan, { allowDisruption: false });
    expect(refusal?.message).toMatch(/is leased to VM web-1; so are 4 more VFs$/);
    expect(refusal?.details.problems).toHaveLength(5);
    expect(refusal?.details.problems?.[4]).toContain('is used by VM other (pid 7)');
    expect(refusal?.hint).toBe(
      "give them back first: vfleet detach web-1, vfleet detach 'it'\\''s; rm -rf /', vfleet detach db and 1 more",
    );
    expect(refusePlan(plan, { allowDisruption: true })?.details.problems).toHaveLength(4);
  });

  it('lets a VF in use and with a lease be what its lease says only where disruption is allowed', () => {
    const holders = [{ kind: 'vm', name: 'web-1' } as const];
    const strayed = { driver: 'vfio-pci', holders, settings: { ...held, vlan: 9 } };
    const plan = planOf({ numVfs: 3, vfs: { '1': strayed } }, { vfs: [{ index: 1, settings: {} }] });
    expect(refusePlan(plan, { allowDisruption: false })?.message).toContain('is used by VM web-1');
    expect(refusePlan(plan, { allowDisruption: true })).toBeUndefined();
  });
});

describe('a record of what was', () => {
  it('leaves a leased VF as its lease says', () => {
    const snapshot = buildSnapshot({ pfs: [{ address, ...asLeased }] });
    const record: Target = {
      pfs: [
        {
          address,
          vfs: [
            { index: 0, driver: 'igbvf', settings: { vlan: 1 } },
            { index: 1, driver: 'igbvf', settings: { vlan: 1 } },
            { index: 5, driver: 'igbvf', settings: { vlan: 1 } },
          ],
        },
      ],
    };
    expect(holdLeases(record, [leaseOf(1), leaseOf(5)], snapshot)).toEqual({
      pfs: [
        {
          address,
          vfs: [
            { index: 0, driver: 'igbvf', settings: { vlan: 1 } },
            { index: 1, settings: held },
            { index: 5, driver: 'igbvf', settings: held },
          ],
        },
      ],
    });
    expect(holdLeases(record, [], snapshot)).toBe(record);
  });
});

/** A host with a target, and leases on some of the VFs of its PFs, there or not. */
const hostsWithLeases = hostsWithTarget.chain(({ snapshot, target }) =>
  leasesOn(snapshot).map((leases) => ({ snapshot, target, leases })),
);

describe('a plan that is not refused', () => {
  it('changes no leased VF away from its lease, whatever is allowed', () => {
    let passed = 0;
    fc.assert(
      fc.property(hostsWithLeases, ({ snapshot, target, leases }) => {
        const plan = planTarget(snapshot, target, leases);
        if (refusePlan(plan, { allowDisruption: true }) !== undefined) return;
        passed += 1;
        expect(breachesOf(plan, snapshot, leases)).toEqual([]);
        const after = applyPlanToSnapshot(snapshot, plan);
        expect(planTarget(after, target, leases).steps).toEqual([]);
      }),
      { numRuns: 400 },
    );
    expect(passed).toBeGreaterThan(50);
  });

  it('is there for every target that holds its leases and removes no VF', () => {
    fc.assert(
      fc.property(hostsWithLeases, ({ snapshot, target, leases }) => {
        const kept = target.pfs.map(({ vfs, ...pf }) => {
          delete pf.numVfs;
          delete pf.eswitchMode;
          const count = snapshot.pfs.find((each) => each.address === pf.address)?.sriov.numVfs ?? 0;
          return { ...pf, vfs: vfs.filter(({ index }) => index < count) };
        });
        const held = holdLeases({ pfs: kept }, leases, snapshot);
        const plan = planTarget(snapshot, held, leases);
        expect(refusePlan(plan, { allowDisruption: true })).toBeUndefined();
        expect(breachesOf(plan, snapshot, leases)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
