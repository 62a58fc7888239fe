// Owns how a refused plan reads.

import { describe, expect, it } from 'vitest';
import { planTarget } from './plan-target.ts';
import { refusePlan, renderHolder } from './refusal.ts';
import { buildSnapshot, type CompactPf } from './testing/snapshot-builder.ts';

const address = '0000:01:00.0';
const webVm = { kind: 'vm', name: 'web-1', pid: 4242 } as const;
const blueNetns = { kind: 'netns', name: 'blue' } as const;

function planRemoval(pf: Partial<CompactPf>): ReturnType<typeof planTarget> {
  const snapshot = buildSnapshot({ pfs: [{ address, ...pf }] });
  return planTarget(snapshot, { pfs: [{ address: pf.address ?? address, numVfs: 0, vfs: [] }] });
}

describe('refusePlan', () => {
  it('names the VF, its address and its user', () => {
    const plan = planRemoval({ numVfs: 3, vfs: { '2': { holders: [webVm] } } });
    const refusal = refusePlan(plan, { allowDisruption: false });
    expect(refusal?.code).toBe('plan.refused');
    expect(refusal?.message).toBe('VF 2 (0000:01:10.4) of 0000:01:00.0 is used by VM web-1 (pid 4242)');
    expect(refusal?.details).toEqual({
      pf: address,
      vf: 2,
      problems: [
        'VF 2 (0000:01:10.4) of 0000:01:00.0 is used by VM web-1 (pid 4242): the VF is removed: count 3 to 0',
      ],
    });
  });

  it('counts the others in the message and lists all', () => {
    const two = refusePlan(planRemoval({ numVfs: 2, vfCycle: [{ holders: [webVm, blueNetns] }] }), {
      allowDisruption: false,
    });
    expect(two?.message).toBe(
      'VF 0 (0000:01:10.0) of 0000:01:00.0 is used by VM web-1 (pid 4242) and network namespace blue; so is 1 more VF',
    );
    const three = refusePlan(planRemoval({ numVfs: 3, vfCycle: [{ holders: [blueNetns] }] }), {
      allowDisruption: false,
    });
    expect(three?.message).toMatch(/; so are 2 more VFs$/);
    expect(three?.details.vf).toBeUndefined();
    expect(three?.details.problems).toHaveLength(3);
  });

  it('names a VF without a PCI address by its index', () => {
    const plan = planRemoval({
      address: 'netdevsim/netdevsim1',
      numVfs: 1,
      vfCycle: [{ holders: [blueNetns] }],
    });
    expect(refusePlan(plan, { allowDisruption: false })?.message).toBe(
      'VF 0 of netdevsim/netdevsim1 is used by network namespace blue',
    );
  });

  it('lets a plan pass that disrupts nothing, and any plan where disruption is allowed', () => {
    expect(refusePlan(planRemoval({ numVfs: 3 }), { allowDisruption: false })).toBeUndefined();
    const held = planRemoval({ numVfs: 3, vfs: { '2': { holders: [webVm] } } });
    expect(refusePlan(held, { allowDisruption: true })).toBeUndefined();
  });
});

describe('renderHolder', () => {
  it.each([
    [webVm, 'VM web-1 (pid 4242)'],
    [blueNetns, 'network namespace blue'],
    [{ kind: 'vfio', name: 'dpdk-testpmd', pid: 77 } as const, 'process dpdk-testpmd (pid 77)'],
    [
      { kind: 'netdev', name: 'eth3', why: 'has the address 192.0.2.1' } as const,
      'interface eth3 (has the address 192.0.2.1)',
    ],
  ])('%o', (holder, text) => {
    expect(renderHolder(holder)).toBe(text);
  });
});
