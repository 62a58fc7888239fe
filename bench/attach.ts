// Owns the section `attach`: all that vfleet itself does for an attach, on a simulated host whose kernel and hypervisor are
// part of the figure. What libvirt takes for its part is compared in the lab (scripts/bench-attach.mjs).

import { attachVf } from '../src/assign/attach.ts';
import { detachVfs } from '../src/assign/detach.ts';
import { makeWorld, openProcess, removeFolders, request } from '../test/assigning.fixture.ts';
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
    const { ours } = await alternate(
      {
        ours: async () => {
          const elapsedMs = await timeMs(async () => {
            await attachVf(host, world.readGround, request('web-1'));
          });
          await detachVfs(host, { vm: 'web-1' });
          return elapsedMs;
        },
      },
      { rounds: 41, warmUpRounds: 20 },
    );
    return [
      rowOf({
        section: 'attach',
        where: 'this machine',
        what: 'attach, all but the real libvirt and kernel, 7 VFs',
        unit: 'ms',
        ours,
      }),
    ];
  } finally {
    removeFolders();
  }
}
