// Owns small sizings for the tests of this room: a fleet of one class, a host that was read, and things that cannot be.

import { readSnapshot } from '../../inventory/snapshot.ts';
import { KernelSession } from '../../kernel/session.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { SimProfileName } from '../../sim/profiles/profile-table.ts';
import { createSimKernel } from '../../sim/sim-kernel.ts';
import { parseWorkload } from '../../sizing/parsed-workload.ts';
import type { SizingResult } from '../../sizing/result.ts';
import { sizeWorkload } from '../../sizing/size.ts';
import type { HostCores } from '../host-placements.ts';

const head = 'apiVersion: vfleet/v1\nkind: Workload\n';

/** Two classes of machines on hosts of one class with two cards. */
export const smallFleet = `${head}vms:
  - name: db
    count: 5
    vcpus: 12
    memoryGb: 64
    nics:
      - { network: front, gbps: 4 }
      - { network: storage, gbps: 20, redundancy: cards }
  - { name: web, count: 9, vcpus: 3, memoryMb: 8000, nics: [{ network: front, gbps: 2 }] }
policy: { spareVfsPerPf: 2, reservedCoresPerHost: 2, reservedMemoryMbPerHost: 8192 }
hosts:
  classes:
    - name: rack
      count: 4
      sockets: 2
      coresPerSocket: 16
      threadsPerCore: 2
      memoryGbPerSocket: 256
      cards:
        - { card: '15b3:101d', socket: 0, ports: [{ networks: [front] }, { networks: [storage] }] }
        - { card: '15b3:101d', socket: 1, ports: [{ networks: [front] }, { networks: [storage] }] }
`;

/** Machines on a host that was read: `FILE` stands for its snapshot. */
export const onSnapshot = `${head}vms:
  - { name: app, count: 3, vcpus: 3, memoryGb: 8, nics: [{ network: front, gbps: 5, redundancy: cards }] }
  - { name: big, count: 1, vcpus: 9, memoryGb: 16, nics: [{ network: front, gbps: 10 }] }
policy: { spareVfsPerPf: 1, reservedCoresPerHost: 2 }
hosts: { snapshots: [{ file: FILE }] }
`;

/** Three machines fill a host, so that every good packing is the same but for the names. */
export const tight = `${head}vms:
  - name: db
    count: 6
    vcpus: 8
    memoryGb: 48
    nics: [{ network: front, gbps: 3, redundancy: ports }]
policy: { spareVfsPerPf: 1, reservedCoresPerHost: 3 }
hosts:
  classes:
    - name: edge
      count: 5
      sockets: 1
      coresPerSocket: 16
      threadsPerCore: 2
      memoryGbPerSocket: 192
      cards: [{ card: '8086:1572', ports: [{ networks: [front] }, { networks: [front, back] }] }]
`;

/** A machine that fits no host. */
export const impossible = smallFleet.replace('vcpus: 12', 'vcpus: 300');

export interface Sized {
  readonly result: SizingResult;
  readonly cores: readonly HostCores[];
}

/** Sizes a workload text; `snapshot` stands for every file in it. */
export async function sized(text: string, snapshot?: Snapshot): Promise<Sized> {
  const parsed = parseWorkload(text, 'workload.yaml');
  const files = (parsed.workload.hosts.snapshots ?? []).map(({ file }) => file);
  const snapshots = new Map(snapshot === undefined ? [] : files.map((file) => [file, snapshot]));
  const result = await sizeWorkload(parsed, snapshots, { withMarginal: true });
  const cores = result.hosts.map((host) =>
    host.source === 'snapshot' ? snapshot?.platform?.numa.map((node) => node.cores) : undefined,
  );
  return { result, cores };
}

/** A simulated host as it is read. */
export async function simSnapshot(profile: SimProfileName): Promise<Snapshot> {
  const session = new KernelSession(createSimKernel({ profile }));
  try {
    return await readSnapshot(session, { detail: 'full', platform: true });
  } finally {
    session.close();
  }
}
