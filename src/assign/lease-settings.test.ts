import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VfSettings } from '../model/vf.ts';
import { describeMismatch, giveBackSettings, leasedSettings, missingSettings } from './lease-settings.ts';

const fresh: VfSettings = {
  mac: '00:00:00:00:00:00',
  vlan: 0,
  qos: 0,
  vlanProtocol: '802.1Q',
  minTxRateMbps: 0,
  maxTxRateMbps: 0,
  spoofCheck: true,
  trust: false,
};

const setting = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const anySettings: fc.Arbitrary<VfSettings> = fc
  .record({
    vlan: setting(fc.integer({ min: 0, max: 4094 })),
    qos: setting(fc.integer({ min: 0, max: 7 })),
    vlanProtocol: setting(fc.constantFrom('802.1Q', '802.1ad')),
    minTxRateMbps: setting(fc.integer({ min: 0, max: 1000 })),
    maxTxRateMbps: setting(fc.integer({ min: 0, max: 1000 })),
    spoofCheck: setting(fc.boolean()),
    trust: setting(fc.boolean()),
    linkState: setting(fc.constantFrom('auto', 'enable', 'disable')),
  })
  .map(
    (all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as VfSettings,
  );

describe('the settings of a lease', () => {
  it('are the pool’s with the network’s over them, and the address', () => {
    const giveBack = giveBackSettings(fresh, { index: 0, settings: { vlan: 5, spoofCheck: false } });
    expect(giveBack).toEqual({ ...fresh, vlan: 5, spoofCheck: false });
    const network = { name: 'storage', vlan: 200, trust: true, mtu: 1500, rdma: false };
    const leased = leasedSettings(giveBack, network, '52:54:00:00:00:01');
    expect(leased).toEqual({ ...fresh, mac: '52:54:00:00:00:01', vlan: 200, trust: true, spoofCheck: false });
  });

  it('leave out what the driver does not know, unless somebody asks for it', () => {
    const { trust: _, ...present } = fresh;
    const giveBack = giveBackSettings(present, { index: 0, settings: {} });
    expect(giveBack).not.toHaveProperty('trust');
    expect(giveBack).not.toHaveProperty('linkState');
    expect(leasedSettings(giveBack, { name: 'n', linkState: 'enable' }, '52:54:00:00:00:01').linkState).toBe(
      'enable',
    );
  });

  it('do not keep what somebody else has left in the VF', () => {
    const left: VfSettings = { ...fresh, mac: '52:54:00:00:00:09', vlan: 9, trust: true, maxTxRateMbps: 5 };
    expect(giveBackSettings(left, { index: 0, settings: {} })).toEqual(fresh);
  });

  it('are kept by a VF that was set to them, whatever it had before', () => {
    fc.assert(
      fc.property(anySettings, anySettings, anySettings, (present, pool, named) => {
        const full = { ...fresh, ...present };
        const giveBack = giveBackSettings(full, { index: 0, settings: pool });
        const leased = leasedSettings(giveBack, { name: 'n', ...named }, '52:54:00:00:00:01');
        const set = { ...full, ...missingSettings(full, leased) };
        expect(missingSettings(set, leased)).toBeUndefined();
        expect(describeMismatch(set, leased)).toBeUndefined();
        const back = { ...set, ...missingSettings(set, giveBack) };
        expect(missingSettings(back, giveBack)).toBeUndefined();
      }),
    );
  });

  it('that are not kept are named', () => {
    expect(describeMismatch(fresh, { ...fresh, vlan: 7 })).toBe('vlan is 0, not 7');
    expect(describeMismatch({}, { trust: true })).toBe('trust is not shown, not true');
  });
});
