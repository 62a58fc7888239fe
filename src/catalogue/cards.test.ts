import { describe, expect, it } from 'vitest';
import { Card } from './card.ts';
import { cards } from './cards.ts';
import { cardIdOf, findCard } from './find-card.ts';

const byName = cards.map((card) => [`${card.name} ${card.vendorId}:${card.deviceId}`, card] as const);

function idsOf(card: Card): string {
  const { vendorId, deviceId, subsystem } = card;
  return [vendorId, deviceId, subsystem?.vendorId ?? '*', subsystem?.deviceId ?? '*'].join(':');
}

/** Every source in a row, of the row itself and of all its parts. */
function sourcesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    key === 'source' ? [String(part)] : sourcesOf(part),
  );
}

describe('the catalogue', () => {
  it.each(byName)('%s is a row as the schema says, sources included', (_, card) => {
    expect(Card.safeParse(card).error?.issues ?? []).toEqual([]);
  });

  it('has no card twice', () => {
    const ids = cards.map(idsOf);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('has a row without a subsystem for every card that has one with', () => {
    const general = new Set(
      cards.filter(({ subsystem }) => subsystem === undefined).map(({ deviceId }) => deviceId),
    );
    expect(cards.filter(({ deviceId }) => !general.has(deviceId))).toEqual([]);
  });

  it('names sources that a reader can look up', () => {
    const known =
      /^(Linux |FreeBSD |DPDK |linux-firmware |pci\.ids |Intel |NVIDIA |Mellanox |Broadcom |Solarflare |Dell |Lenovo |WEKA |inxi |lspci |k8snetworkplumbingwg\/)/;
    const strays = cards.flatMap((card) => sourcesOf(card)).filter((source) => !known.test(source));
    expect([...new Set(strays)]).toEqual([]);
  });

  it('never gives a VF the device ID of its PF, nor a partition', () => {
    for (const card of cards) {
      expect(card.vfDeviceId).not.toBe(card.deviceId);
      expect(card.npar?.partitionDeviceIds ?? []).not.toContain(card.vfDeviceId);
    }
  });

  it('lets no PF make more VFs than its device', () => {
    for (const { vfs } of cards) {
      if (vfs?.perPf === undefined || vfs.perDevice === undefined) continue;
      expect(vfs.perPf).toBeLessThanOrEqual(vfs.perDevice);
    }
  });

  it('lists speeds from slow to fast', () => {
    for (const { ports } of cards) {
      const speeds = ports?.speedsMbps ?? [];
      expect(speeds).toEqual([...speeds].sort((a, b) => a - b));
    }
  });

  it('gives cards of one id the same facts', () => {
    const facts = new Map<string, string>();
    for (const card of cards) {
      const { deviceId: _, subsystem: __, ...same } = card;
      const id = cardIdOf(card);
      expect([id, facts.get(id) ?? JSON.stringify(same)]).toEqual([id, JSON.stringify(same)]);
      facts.set(id, JSON.stringify(same));
    }
  });

  it('covers the cards that the field has', () => {
    const wanted = (
      '8086:10c9 8086:1521 8086:10fb 8086:1528 8086:1563 8086:1572 8086:1583 8086:158b 8086:37d0 8086:1592 ' +
      '8086:159b 8086:12d2 15b3:1003 15b3:1013 15b3:1015 15b3:1017 15b3:1019 15b3:101b 15b3:101d 15b3:101f ' +
      '15b3:1021 15b3:a2d6 15b3:a2dc 14e4:16d7 14e4:1750 1425:5001 1425:600d 1077:8070 1924:0903'
    ).split(' ');
    const missing = wanted.filter((id) => {
      const [vendorId, deviceId] = id.split(':');
      return findCard({ vendorId, deviceId }) === undefined;
    });
    expect(missing).toEqual([]);
  });
});
