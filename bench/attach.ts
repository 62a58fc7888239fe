// Owns the section `attach`: all that vfleet itself does for an attach, on a simulated host whose kernel and hypervisor are
// part of the figure. What libvirt takes for its part is compared in the lab (scripts/bench-attach.mjs).

import { attachVf } from '../src/assign/attach.ts';
import type { ReadGround } from '../src/assign/ground.ts';
import { detachVfs } from '../src/assign/detach.ts';
import { choiceFactsOf } from '../src/inventory/choice-facts.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import { makeWorld, openProcess, removeFolders, request } from '../test/assigning.fixture.ts';
import { compareWithLibvirt } from './attach-libvirt.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate, timeMs } from './sample.ts';

const spec = `apiVersion: vfleet/v1
kind: Host
networks: [{ name: storage, vlan: 100, maxTxRateMbps: 400, trust: true, spoofCheck: false }]
pfs:
  - match: { address: '0000:01:00.0' }
    up: true
    networks: [storage]
    vfs: { count: 7, default: { driver: kernel } }
`;

export async function measureAttach(): Promise<readonly Row[]> {
  try {
    const world = await makeWorld('igb', spec);
    const { host } = openProcess(world);
    const { offer } = await world.readGround();
    const facts = choiceFactsOf(host.session.files, await readSnapshot(host.session, { detail: 'settings' }));
    const timeAttach = async (readGround: ReadGround): Promise<number> => {
      const elapsedMs = await timeMs(async () => {
        await attachVf(host, readGround, request('web-1'));
      });
      await detachVfs(host, { vm: 'web-1' });
      return elapsedMs;
    };
    const { byAgent, byCommand } = await alternate(
      {
        byAgent: async () => timeAttach(async () => ({ offer, facts })),
        byCommand: async () => timeAttach(world.readGround),
      },
      { rounds: 41, warmUpRounds: 20 },
    );
    const row = { section: 'attach', where: 'this machine', unit: 'ms' } as const;
    return [
      rowOf({ ...row, what: 'attach, all but the real libvirt and kernel, the host known', ours: byAgent }),
      rowOf({ ...row, what: 'the same, the host read for it, 7 VFs', ours: byCommand }),
      ...(await compareWithLibvirt(world, { offer, facts })),
    ];
  } finally {
    removeFolders();
  }
}
