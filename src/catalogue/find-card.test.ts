import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cards } from './cards.ts';
import { cardIdOf, findCard, findCardById, listCardIds } from './find-card.ts';

const someCard = fc.constantFrom(...cards);
const someId = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16).padStart(4, '0'));

describe('findCard', () => {
  it('finds every row by its own IDs, whatever their case', () => {
    fc.assert(
      fc.property(someCard, fc.boolean(), (card, upper) => {
        const write = (id: string | undefined): string | undefined => (upper ? id?.toUpperCase() : id);
        expect(
          findCard({
            vendorId: write(card.vendorId),
            deviceId: write(card.deviceId),
            subsystemVendorId: write(card.subsystem?.vendorId),
            subsystemDeviceId: write(card.subsystem?.deviceId),
          }),
        ).toBe(card);
      }),
    );
  });

  it('finds the general row for a subsystem that has none', () => {
    const known = new Set(
      cards.map(({ vendorId, deviceId, subsystem }) =>
        [vendorId, deviceId, subsystem?.vendorId, subsystem?.deviceId].join(':'),
      ),
    );
    fc.assert(
      fc.property(
        someCard,
        someId,
        someId,
        ({ vendorId, deviceId }, subsystemVendorId, subsystemDeviceId) => {
          fc.pre(!known.has([vendorId, deviceId, subsystemVendorId, subsystemDeviceId].join(':')));
          const found = findCard({ vendorId, deviceId, subsystemVendorId, subsystemDeviceId });
          expect(found).toBe(findCard({ vendorId, deviceId }));
          expect(found?.subsystem).toBeUndefined();
        },
      ),
    );
  });

  it('finds nothing for IDs that no row has, or that are absent', () => {
    const known = new Set(cards.map(({ vendorId, deviceId }) => `${vendorId}:${deviceId}`));
    fc.assert(
      fc.property(someId, someId, (vendorId, deviceId) => {
        fc.pre(!known.has(`${vendorId}:${deviceId}`));
        expect(findCard({ vendorId, deviceId })).toBeUndefined();
      }),
    );
    expect(findCard({ vendorId: '8086' })).toBeUndefined();
    expect(findCard({ deviceId: '1592' })).toBeUndefined();
    expect(findCard({})).toBeUndefined();
  });

  it('tells a card of two ports from one of four', () => {
    const x710 = { vendorId: '8086', deviceId: '1572', subsystemVendorId: '8086' };
    expect(findCard({ ...x710, subsystemDeviceId: '0001' })?.vfs?.perPf).toBe(32);
    expect(findCard({ ...x710, subsystemDeviceId: '0007' })?.vfs?.perPf).toBe(64);
    expect(findCard({ ...x710, subsystemDeviceId: 'beef' })?.vfs?.perDevice).toBe(128);
  });
});

describe('findCardById', () => {
  it('finds a card by every id of the list', () => {
    for (const id of listCardIds()) {
      const card = findCardById(id);
      expect(card === undefined ? undefined : cardIdOf(card)).toBe(id);
    }
  });

  it('finds a card by its PCI IDs with and without a subsystem', () => {
    expect(findCardById('8086:1592')?.name).toBe('Intel E810-C (QSFP28)');
    expect(findCardById('8086:1592:8086:0002')?.name).toBe('Intel E810-C-Q2');
    expect(findCardById('15B3:101D')?.name).toBe('ConnectX-6 Dx');
    expect(findCardById('intel-e810-c-q2')?.ports?.count).toBe(2);
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const card = findCardById(text);
        fc.pre(card === undefined);
        expect(listCardIds()).not.toContain(text);
      }),
    );
  });
});
