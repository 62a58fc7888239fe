import { describe, expect, it } from 'vitest';
import { AttachRequest } from './attachment.ts';

describe('a request for a failover pair', () => {
  const isTaken = (bridge: string): boolean =>
    AttachRequest.safeParse({
      vm: 'web-1',
      network: 'storage',
      hold: 'live',
      spread: false,
      acceptedRisks: [],
      failover: { kind: 'bridge', bridge },
    }).success;

  it.each(['br0', 'br-int', 'ovs.br@1', '...', 'ü'.repeat(7)])('names an interface: %j', (name) => {
    expect(isTaken(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'a:1',
    'a b',
    'a\n',
    'a\0',
    '\u001b[2J',
    'x'.repeat(16),
    'ü'.repeat(8),
  ])('names no interface: %j', (name) => {
    expect(isTaken(name)).toBe(false);
  });
});
