import { describe, expect, it } from 'vitest';
import { chooseVfs } from '../../choice/choose-vfs.ts';
import { inputOf, leaseOf } from '../../choice/testing/choice-case.ts';
import { renderChoice } from './choice.ts';
import { plainTerminal } from './testing/plain-terminal.ts';

const a = '0000:17:00.0';
const b = '0000:98:00.0';

/** Two ports, the second with less left and without link, and VFs of all fates. */
const verdicts = chooseVfs(
  inputOf(
    [
      { address: a, vfCount: 12 },
      { address: b, vfCount: 64, netdev: { carrier: false } },
    ],
    {
      leases: [
        leaseOf(a, 0, 'db-1', { maxTxRateMbps: 2000 }),
        ...[2, 3, 4, 7].map((vf) => leaseOf(a, vf, '"><hostdev>\u001b[31m')),
        ...Array.from({ length: 31 }, (_, n) => leaseOf(b, 2 * n, 'web-1')),
      ],
    },
  ),
);

describe('the explanation of a choice', () => {
  it('fits 80 columns, the best alone and first, what is alike in one line', async () => {
    const lines = renderChoice(verdicts, plainTerminal(80));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('testing/choice-80.txt');
  });

  it('uses 200 columns', async () => {
    const lines = renderChoice(verdicts, plainTerminal(200));
    expect(lines.filter((line) => line.length > 200)).toEqual([]);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('testing/choice-200.txt');
  });

  it('names every VF, and passes no control character on', () => {
    const text = renderChoice(verdicts, plainTerminal(undefined)).join('\n');
    expect(text).not.toMatch(/[^\P{C}\n]/u);
    expect(text).toContain('VF 0, 2, 4');
    expect(text).toMatch(/^ *1 {2}VF 1 of 0000:17:00.0/m);
  });

  it('says so when there is nothing to take', () => {
    expect(renderChoice([], plainTerminal(80))).toEqual(['No pool has a VF.']);
    const leased = chooseVfs(inputOf([{ address: a, vfCount: 1 }], { leases: [leaseOf(a, 0, 'db-1')] }));
    expect(renderChoice(leased, plainTerminal(80))).toEqual([
      '-  VF 0 of 0000:17:00.0  leased to VM db-1, on storage',
      '',
      'None of 1 VF can be taken.',
    ]);
  });
});
