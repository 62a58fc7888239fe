import { describe, expect, it } from 'vitest';
import type { ValidatedEntry } from '../../model/validated-list.ts';
import { runDoctor } from '../run-doctor.ts';
import { healthyHost } from '../testing/healthy-host.ts';

/** What the healthy host is. */
const tested: ValidatedEntry = {
  name: 'web',
  server: { vendor: 'Dell Inc.', product: 'PowerEdge R750' },
  nic: { id: '15b3:101d' },
  firmware: '22.41.*',
  driver: { name: 'mlx5_core' },
  kernel: '>=6.12 <6.13',
  hypervisor: { qemu: '>=9' },
};

function validated(entries: ValidatedEntry[], host = healthyHost()): ReturnType<typeof runDoctor> {
  const list = { apiVersion: 'vfleet/v1', kind: 'ValidatedHardware', entries } as const;
  const report = runDoctor(host, { validated: { list, lineOf: (index) => 4 + index } });
  return { ...report, findings: report.findings.filter(({ group }) => group === 'validated') };
}

describe('a validated list', () => {
  it('that covers the host is good for each card', () => {
    const { findings, verdict } = validated([tested]);
    expect(findings.map(({ id, summary }) => [id, summary])).toEqual([
      ['validated.listed', 'covered by entry web (line 4)'],
      ['validated.listed', 'covered by entry web (line 4)'],
    ]);
    expect(verdict).toBe('usable');
  });

  it('names the one component that differs, and blocks nothing', () => {
    const { findings, verdict } = validated([{ ...tested, firmware: '22.43.*' }]);
    expect(findings[0]).toMatchObject({
      id: 'validated.differs',
      severity: 'warning',
      summary: 'differs from entry web (line 4): firmware is 22.41.1000, validated is 22.43.*',
    });
    expect(verdict).toBe('usable');
  });

  it('about other cards says nothing of this one', () => {
    const { findings } = validated([{ ...tested, nic: { id: '8086:1592' } }]);
    expect(findings[0]).toMatchObject({
      id: 'validated.unlisted',
      summary: 'no entry is about the card 15b3:101d',
    });
  });

  it('that asks for a fact that was not read is not decided, with the reason', () => {
    const host = healthyHost();
    for (const pf of host.pfs) {
      delete pf.firmware;
      host.unread.push({ what: 'firmware', why: 'needs root', fact: `pfs.${pf.address}.firmware` });
    }
    const { findings } = validated([tested], host);
    expect(findings[0]).toMatchObject({
      id: 'validated.undecided',
      severity: 'unknown',
      reason: 'needs root',
      summary: 'not known, and asked for by entry web (line 4): firmware 22.41.*',
    });
  });

  it('that was not given is not spoken of', () => {
    expect(runDoctor(healthyHost()).findings.some(({ group }) => group === 'validated')).toBe(false);
  });
});
