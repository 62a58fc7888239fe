// Owns the look-up of a card in the catalogue: by what a device says of itself, and by what people write in a file.
// Guesses nothing: a card that is not in the catalogue is not found.

import type { Card } from './card.ts';
import { cards } from './cards.ts';

/** What a device says of itself: the fields of a `Pf`, in upper or lower case. */
export interface CardIds {
  readonly vendorId?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly subsystemVendorId?: string | undefined;
  readonly subsystemDeviceId?: string | undefined;
}

const cardByIds: ReadonlyMap<string, Card> = new Map(
  cards.map((card) => [
    idsText(card.vendorId, card.deviceId, card.subsystem?.vendorId, card.subsystem?.deviceId),
    card,
  ]),
);

/** The first row of each id, so that a family comes before its members. */
const cardById: ReadonlyMap<string, Card> = new Map(
  [...cards].reverse().map((card) => [cardIdOf(card), card]),
);

/**
 * The row of a device: that of its subsystem if there is one, otherwise that of every card with its device ID.
 * Undefined: the catalogue does not know it, or an ID is absent.
 */
export function findCard(ids: CardIds): Card | undefined {
  const { vendorId, deviceId, subsystemVendorId, subsystemDeviceId } = ids;
  if (vendorId === undefined || deviceId === undefined) return undefined;
  return (
    cardByIds.get(idsText(vendorId, deviceId, subsystemVendorId, subsystemDeviceId)) ??
    cardByIds.get(idsText(vendorId, deviceId))
  );
}

/**
 * The card that a file names: by its id in the catalogue (`intel-e810-c-q2`), or by PCI IDs as `8086:1592`, or with the
 * subsystem as `8086:1592:8086:0002`. Upper case counts as lower case.
 */
export function findCardById(text: string): Card | undefined {
  const [vendorId, deviceId, subsystemVendorId, subsystemDeviceId] = text.split(':');
  return (
    cardById.get(text.toLowerCase()) ?? findCard({ vendorId, deviceId, subsystemVendorId, subsystemDeviceId })
  );
}

/** The id of a card: its name in lower case with hyphens. Cards of one id differ in nothing but their PCI IDs. */
export function cardIdOf({ name }: Pick<Card, 'name'>): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** Every id of the catalogue, each once, in its order. */
export function listCardIds(): readonly string[] {
  return [...new Set(cards.map((card) => cardIdOf(card)))];
}

function idsText(...ids: readonly (string | undefined)[]): string {
  const known = ids.filter((id) => id !== undefined);
  return known.join(':').toLowerCase();
}
