import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DoctorReport } from '../model/finding.ts';
import { Snapshot } from '../model/snapshot.ts';
import { findingKinds } from './finding-kinds/table.ts';
import { runDoctor, severities } from './run-doctor.ts';
import { cases } from './testing/cases.ts';
import type { Case } from './testing/case.ts';
import { healthyHost } from './testing/healthy-host.ts';

function broken(breakIt: Case['breakIt']): Snapshot {
  const host = healthyHost();
  breakIt(host);
  return host;
}

/** Ids of all findings that are not good, each once. */
function complaints(host: Snapshot): string[] {
  const { findings } = runDoctor(host);
  return [...new Set(findings.filter(({ severity }) => severity !== 'ok').map(({ id }) => id))].sort();
}

describe('a healthy host', () => {
  it('is a snapshot, and its report is a report', () => {
    expect(Snapshot.safeParse(healthyHost()).error).toBeUndefined();
    expect(DoctorReport.safeParse(runDoctor(healthyHost())).error).toBeUndefined();
  });

  it('has nothing to complain about', () => {
    expect(complaints(healthyHost())).toEqual([]);
    expect(runDoctor(healthyHost()).verdict).toBe('usable');
  });
});

describe('each kind of finding comes with what causes it, and nothing wrong comes with it', () => {
  it.each(Object.entries(cases))('%s', (id, { breakIt, says, also = [] }) => {
    const host = broken(breakIt);
    const { findings } = runDoctor(host);
    expect(complaints(host)).toEqual([id, ...also].sort());
    const finding = findings.find((each) => each.id === id);
    expect(finding?.summary).toMatch(says);
    expect(finding?.severity).toBe(findingKinds[id as keyof typeof findingKinds].severity);
    expect(finding?.evidence.length).toBeGreaterThan(0);
    for (const { fact } of finding?.evidence ?? []) expect(fact).toMatch(/^(?:platform|pfs|host)(?:\.|$)/);
    // What is filled in for the host leaves no place open.
    expect(`${finding?.why} ${finding?.todo}`).not.toMatch(/[{}]/);
  });
});

describe('the report', () => {
  it('has the worst first, and counts what it holds', () => {
    const { findings, counts } = runDoctor(
      broken((host) => {
        for (const { breakIt } of [
          cases['host.tpm.absent'],
          cases['nic.port.down'],
          cases['iommu.firmware.off'],
        ])
          breakIt(host);
      }),
    );
    const ranks = findings.map(({ severity }) => severities.indexOf(severity));
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    expect(findings[0]?.id).toBe('iommu.firmware.off');
    for (const severity of severities)
      expect(counts[severity]).toBe(findings.filter((finding) => finding.severity === severity).length);
  });

  it('keeps to its schema whatever is broken', () => {
    fc.assert(
      fc.property(fc.subarray(Object.values(cases), { maxLength: 6 }), (chosen) => {
        const host = healthyHost();
        for (const { breakIt } of chosen) {
          try {
            breakIt(host);
          } catch {
            // Something that another case took away cannot be broken any more.
          }
        }
        expect(DoctorReport.safeParse(runDoctor(host)).error).toBeUndefined();
      }),
    );
  });

  it('says nothing wrong of facts that are absent: fewer facts never make a new complaint but about a fact', () => {
    const bare = broken((host) => {
      for (const pf of host.pfs) {
        for (const name of [
          'pciePath',
          'pcieLink',
          'resetMethods',
          'rdma',
          'acsIsolates',
          'aer',
          'devlink',
        ] as const)
          delete pf[name];
        pf.sriov = { totalVfs: 127, numVfs: 2 };
        for (const netdev of pf.netdevs) {
          delete netdev.speedMbps;
          delete netdev.flowControlPriorities;
          delete netdev.carrier;
          delete netdev.lldp;
        }
      }
    });
    expect(complaints(bare)).toEqual([]);
  });

  it('takes time in proportion to the VFs', () => {
    const host = healthyHost();
    const [pf] = host.pfs;
    const [vf] = pf?.vfs ?? [];
    if (pf === undefined || vf === undefined) throw new Error('the healthy host has VFs');
    const shared = { id: 900, domain: 'identity', devices: [] as string[] };
    host.platform?.iommu.groups.push(shared);
    let reads = 0;
    pf.vfs = Array.from({ length: 512 }, (_, index) => ({
      ...vf,
      index,
      address: `0000:99:00.${index}`,
      iommuGroup: 900,
    }));
    shared.devices = new Proxy(
      pf.vfs.map(({ address = '' }) => address),
      {
        get: (target, key, receiver) => {
          reads++;
          return Reflect.get(target, key, receiver);
        },
      },
    );
    expect(complaints(host)).toContain('iommu.group.shared');
    // One walk over the group's devices, not one for each VF.
    expect(reads).toBeLessThan(4 * 512);
  });
});

describe('the verdict', () => {
  it.each([
    ['usable', cases['host.tpm.absent'].breakIt],
    ['blocked', cases['host.vfio.absent'].breakIt],
    ['partly', cases['nic.driver.none'].breakIt],
    ['undecided', cases['host.platform.unread'].breakIt],
    ['blocked', cases['nic.none'].breakIt],
  ] as const)('is %s', (verdict, breakIt) => {
    expect(runDoctor(broken(breakIt)).verdict).toBe(verdict);
  });

  it('is blocked when every card is', () => {
    const host = broken((each) => {
      for (const pf of each.pfs) delete pf.driver;
    });
    expect(runDoctor(host).verdict).toBe('blocked');
  });
});
