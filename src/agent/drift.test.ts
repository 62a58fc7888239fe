import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeDrift, driftKey, driftOf, followDrift } from './drift.ts';
import type { DriftFact } from './drift.ts';

const pf = '0000:01:00.0';
const fact = fc.record({
  pf: fc.constantFrom(pf, '0000:02:00.0'),
  vf: fc.nat({ max: 3 }),
  attribute: fc.constantFrom('vlan', 'mac'),
  found: fc.nat({ max: 2 }),
  wanted: fc.constant(7),
});
const facts = fc.uniqueArray(fact, { selector: driftKey });

describe('drift', () => {
  it('is what a plan would change', () => {
    const found = driftOf({
      changes: [
        { pf, attribute: 'mtu', before: 1500, after: 9000 },
        { pf, vf: 3, attribute: 'vlan', after: 100 },
      ],
    });
    expect(found.map((each) => describeDrift(each))).toEqual([
      '0000:01:00.0: mtu is 1500 and not 9000',
      'VF 3 of 0000:01:00.0: vlan is not set and not 100',
    ]);
  });

  it('is told once when it begins and once when it ends, whatever comes between', () => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 8 }), (looks) => {
        let items: ReturnType<typeof followDrift>['items'] = [];
        const open = new Set<string>();
        for (const [index, look] of [...looks, [] as DriftFact[]].entries()) {
          const change = followDrift(items, look, `look ${index}`);
          for (const item of change.ended) expect(open.delete(driftKey(item))).toBe(true);
          for (const item of change.began) {
            expect(open.has(driftKey(item))).toBe(false);
            expect(item.since).toBe(`look ${index}`);
            open.add(driftKey(item));
          }
          expect(new Set(change.items.map((item) => driftKey(item)))).toEqual(open);
          items = change.items;
        }
        expect(open.size).toBe(0);
      }),
    );
  });

  it('keeps its beginning while its value changes', () => {
    const first = followDrift([], [{ pf, vf: 0, attribute: 'vlan', found: 1, wanted: 7 }], 'then');
    const second = followDrift(first.items, [{ pf, vf: 0, attribute: 'vlan', found: 2, wanted: 7 }], 'now');
    expect(second).toMatchObject({ items: [{ found: 2, since: 'then' }], began: [], ended: [] });
  });
});
