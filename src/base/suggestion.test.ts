// Checks which misspelt words are understood, and which are too far off.

import { describe, expect, it } from 'vitest';
import { suggestWord } from './suggestion.ts';

const known = [
  'driver',
  'mac',
  'vlan',
  'qos',
  'vlanProtocol',
  'maxTxRateMbps',
  'spoofCheck',
  'trust',
  'linkState',
];

describe('a suggestion', () => {
  it.each([
    ['spoofchk', 'spoofCheck'],
    ['spoof_check', 'spoofCheck'],
    ['link-state', 'linkState'],
    ['max_tx_rate', 'maxTxRateMbps'],
    ['VLAN', 'vlan'],
    ['vlans', 'vlan'],
    ['vlan_proto', 'vlanProtocol'],
    ['drivre', 'driver'],
    ['macs', 'mac'],
  ])('for %s is %s', (word, meant) => {
    expect(suggestWord(word, known)).toBe(meant);
  });

  it.each(['', 'mtu', 'x', 'qa', 'rate', 'colour', 'x'.repeat(1000), '\u{1f600}'])(
    'for %j is none',
    (word) => {
      expect(suggestWord(word, known)).toBeUndefined();
    },
  );
});
