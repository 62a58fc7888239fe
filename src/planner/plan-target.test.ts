// Owns what planTarget answers when a target cannot be reached. What it plans is shown in cases/.

import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import type { PfTarget, Target } from '../model/target.ts';
import { planTarget } from './plan-target.ts';
import { recordBefore } from './record.ts';
import { buildSnapshot, type CompactPf } from './testing/snapshot-builder.ts';

const address = '0000:01:00.0';
const netdevsim = 'netdevsim/netdevsim1';

function planFor(pf: Partial<CompactPf>, target: Partial<PfTarget>): unknown {
  const snapshot = buildSnapshot({ pfs: [{ address, ...pf }] });
  return planTarget(snapshot, { pfs: [{ address: pf.address ?? address, vfs: [], ...target }] });
}

function errorOf(call: () => unknown): VfleetError {
  try {
    call();
  } catch (error) {
    if (error instanceof VfleetError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a target that cannot be reached', () => {
  const vf = (settings: PfTarget['vfs'][number]['settings'], driver?: string): Partial<PfTarget> => ({
    vfs: [{ index: 0, settings, driver }],
  });
  const rates = { minTxRateMbps: 100, maxTxRateMbps: 500 };

  it.each<[string, Partial<CompactPf>, Partial<PfTarget>, RegExp, Record<string, unknown>]>([
    ['more VFs than the PF can have', {}, { numVfs: 8 }, /cannot have 8 VFs: its limit is 7/, {}],
    [
      'a VF beyond the count',
      { numVfs: 1 },
      { vfs: [{ index: 1, settings: {} }] },
      /no VF 1: its/,
      { vf: 1 },
    ],
    ['a VF that goes', { numVfs: 1 }, { numVfs: 0, ...vf({ vlan: 5 }) }, /will have no VF 0/, { vf: 0 }],
    [
      'a VF named twice',
      { numVfs: 1 },
      { vfs: [0, 0].map((index) => ({ index, settings: {} })) },
      /twice/,
      {},
    ],
    ['switchdev without devlink', {}, { eswitchMode: 'switchdev' }, /no devlink/, { attribute: 'eswitch' }],
    ['an MTU over the limit', { maxMtu: 9216 }, { mtu: 9217 }, /takes 68 to 9216/, { attribute: 'mtu' }],
    ['an MTU under the limit', { maxMtu: 9216 }, { mtu: 67 }, /cannot have MTU 67/, { attribute: 'mtu' }],
    ['a PF up that has no interface', { netdev: false }, { up: true }, /no network interface/, {}],
    [
      'settings without an interface',
      { netdev: false, numVfs: 1 },
      vf({ vlan: 5 }),
      /no network interface/,
      {},
    ],
    [
      '802.1ad on no VLAN',
      { numVfs: 1 },
      vf({ vlanProtocol: '802.1ad' }),
      /802\.1ad without a VLAN/,
      { vf: 0 },
    ],
    [
      '802.1ad on VLAN 0',
      { numVfs: 1 },
      vf({ vlan: 0, vlanProtocol: '802.1ad' }),
      /its VLAN is 0/,
      { vf: 0 },
    ],
    [
      'a minimum over the present maximum',
      { numVfs: 1, vfCycle: [{ settings: rates }] },
      vf({ minTxRateMbps: 501 }),
      /minimum 501 is over maximum 500/,
      { vf: 0, attribute: 'minTxRateMbps' },
    ],
    [
      'a maximum under the present minimum',
      { numVfs: 1, vfCycle: [{ settings: rates }] },
      vf({ maxTxRateMbps: 99 }),
      /minimum 100 is over maximum 99/,
      { vf: 0, attribute: 'maxTxRateMbps' },
    ],
    [
      'a driver where VFs have none',
      { address: netdevsim, numVfs: 1 },
      vf({}, 'kernel'),
      /VFs of this device have no drivers/,
      { pf: netdevsim, vf: 0, attribute: 'driver' },
    ],
    ['autoprobe where there is none', { address: netdevsim }, { driversAutoprobe: true }, /autoprobe/, {}],
  ])('%s', (_, pf, target, message, details) => {
    const error = errorOf(() => planFor(pf, target));
    expect(error.code).toBe('plan.impossible');
    expect(error.message).toMatch(message);
    expect(error.details).toMatchObject({ pf: pf.address ?? address, ...details });
  });

  it('leaves limits that nobody knows to the kernel', () => {
    expect(planFor({ address: netdevsim }, { numVfs: 256 })).toMatchObject({
      steps: [{ kind: 'num-vfs', after: 256 }],
    });
    expect(planFor({}, { mtu: 60000 })).toMatchObject({
      steps: [{ kind: 'pf-link', after: { mtu: 60000 } }],
    });
  });

  it('is a PF named twice, which would have two ends', () => {
    const snapshot = buildSnapshot({ pfs: [{ address }] });
    const target: Target = { pfs: [1, 2].map((numVfs) => ({ address, numVfs, vfs: [] })) };
    expect(errorOf(() => planTarget(snapshot, target)).code).toBe('plan.impossible');
  });

  it('is a PF that is not there', () => {
    const snapshot = buildSnapshot({ pfs: [{ address: '0000:02:00.0' }] });
    const error = errorOf(() => planTarget(snapshot, { pfs: [{ address, vfs: [] }] }));
    expect(error.code).toBe('kernel.absent');
    expect(error.details.pf).toBe(address);
  });
});

describe('recordBefore', () => {
  it('takes only a plan of the same host', () => {
    const here = buildSnapshot({ pfs: [{ address }] });
    const plan = planTarget(here, { pfs: [{ address, numVfs: 2, vfs: [] }] });
    const elsewhere = buildSnapshot({ pfs: [{ address: '0000:02:00.0' }] });
    expect(errorOf(() => recordBefore(elsewhere, plan)).code).toBe('kernel.absent');
  });

  it('holds what the plan touches and nothing else', () => {
    const snapshot = buildSnapshot({
      pfs: [{ address, numVfs: 3, vfs: { '1': { settings: { vlan: 100 }, absent: ['trust'] } } }],
    });
    const plan = planTarget(snapshot, {
      pfs: [
        { address, up: false, vfs: [{ index: 1, settings: { vlan: 200, trust: true, linkState: 'auto' } }] },
      ],
    });
    expect(recordBefore(snapshot, plan)).toEqual({
      pfs: [
        {
          address,
          up: true,
          vfs: [{ index: 1, driver: 'igbvf', settings: { vlan: 100, qos: 0, vlanProtocol: '802.1Q' } }],
        },
      ],
    });
  });

  it('holds all of all VFs where they are made anew, and a MAC that was never set as zero', () => {
    const snapshot = buildSnapshot({ pfs: [{ address, numVfs: 2, vfs: { '1': { driver: 'none' } } }] });
    const plan = planTarget(snapshot, { pfs: [{ address, numVfs: 0, vfs: [] }] });
    const settings = snapshot.pfs[0]?.vfs[0]?.settings;
    expect(settings?.mac).toBe('00:00:00:00:00:00');
    expect(recordBefore(snapshot, plan)).toEqual({
      pfs: [
        {
          address,
          numVfs: 2,
          driversAutoprobe: true,
          vfs: [
            { index: 0, driver: 'igbvf', settings },
            { index: 1, driver: 'none', settings },
          ],
        },
      ],
    });
  });
});
