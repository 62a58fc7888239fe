import { describe, expect, it } from 'vitest';
import { exampleLease } from '../../lease/testing/example-lease.ts';
import type { Lease } from '../../model/lease.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { snapshotVersion } from '../../model/snapshot.ts';
import type { Vf } from '../../model/vf.ts';
import { renderSnapshot } from './show.ts';
import { plainTerminal } from './testing/plain-terminal.ts';

const pf = '0000:01:00.0';

function snapshotWith(vfs: readonly Vf[]): Snapshot {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Snapshot',
    snapshotVersion,
    takenAt: '2026-11-22T00:00:00.000Z',
    host: {
      name: 'web-7',
      kernelRelease: '6.12.0',
      bootId: 'b',
      iommuGroupCount: 20,
      numaNodes: [0, 1],
    },
    pfs: [
      {
        address: pf,
        driver: 'igb',
        sriov: { numVfs: vfs.length, totalVfs: 7, driversAutoprobe: true },
        netdevs: [],
        vfs: [...vfs],
      },
    ],
    unread: [],
  };
}

function vf(index: number, changes: Partial<Vf> = {}): Vf {
  return {
    index,
    address: `0000:01:10.${index}`,
    requesterId: 0x180 + index,
    iommuGroup: 30 + index,
    driver: 'vfio-pci',
    settings: { mac: '52:54:00:aa:00:01', vlan: 100, spoofCheck: true, trust: false },
    holders: [],
    ...changes,
  };
}

function leaseOf(index: number, name: string, network = 'storage'): Lease {
  const owner = { kind: 'libvirt', uuid: 'u-1', name, hold: 'live' } as const;
  return exampleLease({ key: { pf, vf: index }, owner, network });
}

/** The lines of two VFs: one that the VM has, one that is leased to it and that nobody has open. */
function linesAt(width: number | undefined, name: string, network?: string): readonly string[] {
  const snapshot = snapshotWith([vf(0, { holders: [{ kind: 'vm', name, pid: 4_194_304 }] }), vf(1)]);
  const leases = [leaseOf(0, name, network), leaseOf(1, name, network)];
  return renderSnapshot(snapshot, plainTerminal(width), { leases, quarantined: [], corrupt: [] });
}

describe('the screen of a host says who uses each VF', () => {
  it.each(['web-1', 'web-frontend-production-eu-central-1a-0007', 'x'.repeat(300)])(
    'on 80 columns, to VM %s',
    (name) => {
      const lines = linesAt(80, name);
      const begin = name.slice(0, 5);
      expect(lines.find((line) => line.includes('ADDRESS'))).toContain('MAC                VLAN  USED BY');
      expect(lines.find((line) => line.startsWith('   0 '))).toMatch(new RegExp(`VM ${begin}.* on storage$`));
      expect(lines.find((line) => line.startsWith('   1 '))).toMatch(
        new RegExp(`leased to ${begin}.*\\(storage\\)$`),
      );
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
    },
  );

  it('whatever the networks are called', () => {
    for (const width of [60, 80, 120, 200]) {
      const lines = linesAt(width, 'x'.repeat(300), 'n'.repeat(63));
      expect(lines.filter((line) => line.length > width)).toEqual([]);
      expect(lines.join('\n')).toContain('USED BY');
    }
  });

  it('in full where there is room', () => {
    const name = 'web-frontend-production-eu-central-1a-0007';
    expect(linesAt(undefined, name).join('\n')).toContain(`VM ${name} (4194304) on storage`);
  });
});
