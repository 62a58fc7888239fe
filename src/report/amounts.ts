// Owns how counts, shares and amounts are written, the same on the screen and in the HTML report.
// Knows units; judges nothing.

import type { ResourceKind, ResourceUse } from '../sizing/result.ts';

/** Shares from which the use of a resource is shown as scarce, and as full. */
export const scarceShare = 0.85;
export const fullShare = 0.98;

/** `1 host`, `3 hosts`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

/** In groups from five digits on, and with at most one decimal: `12,345.5`. */
export function numberText(value: number): string {
  const [whole = '', decimal] = String(Math.round(value * 10) / 10).split('.');
  const grouped = whole.length < 5 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return decimal === undefined ? grouped : `${grouped}.${decimal}`;
}

/** A share of 1 in percent; below one per cent with one decimal, so that little is not nothing. */
export function percentText(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 1) return `${Math.max(0.1, percent).toFixed(1)} %`;
  // What is not full must not read as full.
  return `${percent < 100 && percent > 99 ? Math.floor(percent) : Math.round(percent)} %`;
}

/** An amount of a resource as a number in the unit that {@link unitOf} names. */
export function amountNumber(kind: ResourceKind, amount: number): string {
  if (kind === 'memory') return numberText(amount / 1024);
  return numberText(isBandwidth(kind) ? amount / 1000 : amount);
}

function isBandwidth(kind: ResourceKind): boolean {
  return kind === 'port' || kind === 'partition' || kind === 'pcie';
}

/** Unit behind an amount; empty where the name of the resource says what is counted. */
export function unitOf(kind: ResourceKind): string {
  if (kind === 'memory') return 'GB';
  return isBandwidth(kind) ? 'Gb/s' : '';
}

/** `114 of 124`, `90-118 of 124` where hosts differ, `12` where there is no limit. */
export function useText({ kind, most, least, capacity }: ResourceUse): string {
  const [low, high] = [amountNumber(kind, least), amountNumber(kind, most)];
  const used = low === high ? high : `${low}-${high}`;
  const unit = unitOf(kind);
  const of = capacity === undefined ? '' : ` of ${amountNumber(kind, capacity)}`;
  return `${used}${of}${unit === '' ? '' : ` ${unit}`}`;
}
