// Measures, in the lab, what vfleet adds to the time in which libvirt attaches a VF: both in one run, in turns, with a
// guest that takes the VF and lets go of it each time. `node attach-bench.js ROUNDS VFLEET`; prints JSON.

import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentSocketOf, openAgent } from '../../../src/cli/agent-client.ts';
import { connectLibvirt } from '../../../src/hypervisor/libvirt/hypervisor.ts';
import { interfaceOf, makeFolder, pf0, readIpLink, run, until, vfOf } from '../lab-host.ts';
import { labVms } from './domain.ts';
import { startVm, virsh } from './lab-vm.ts';

const spec = `apiVersion: vfleet/v1
kind: Host
networks:
  - { name: front, vlan: 100, maxTxRateMbps: 400, trust: true, spoofCheck: false }
pfs:
  - match: { address: '${pf0}' }
    up: true
    networks: [front]
    vfs: { count: 7, default: { driver: kernel } }
`;
const mac = '52:54:00:bb:00:01';
const alias = 'ua-bench';
const unplugTimeoutMs = 120_000;
/** Between two rounds: everybody has heard of what was before, and the agent has looked at the host. */
const restMs = 3_000;
const live = { live: true, stored: false };

const [rounds = '7', vfleetFile = 'dist/cli/main.js'] = process.argv.slice(2);
const state = makeFolder();
const vfleet = [vfleetFile, '--state', state];

await run('modprobe', ['-a', 'vfio-pci']);
const starting = startVm('web-1');
writeFileSync(join(state, 'host.yaml'), spec);
await run(process.execPath, [...vfleet, 'apply', join(state, 'host.yaml'), '--yes']);
const vm = await starting;
const libvirt = await connectLibvirt();
const daemon = spawn(process.execPath, [...vfleet, 'agent'], { stdio: 'inherit' });
const socketPath = agentSocketOf({ label: 'local', stateFolder: join(state, 'local') });
await until('the agent listens', () => existsSync(socketPath));
let found = await openAgent(socketPath);
// Its first answer, in software emulation, can take longer than a command waits for one.
await until('the agent answers', async () => (found ??= await openAgent(socketPath)) !== undefined);
const agent = found;
if (agent === undefined) throw new Error('the agent does not answer');
const { uuid } = labVms[0];
const vf = vfOf(pf0, 0);
const deviceFile = join(state, 'device.xml');
const [, bus, slot, port] = /:(..):(..)\.(.)$/.exec(vf) ?? [];
writeFileSync(
  deviceFile,
  `<interface type='hostdev' managed='yes'><mac address='${mac}'/><source><address type='pci' domain='0x0000' bus='0x${bus}' slot='0x${slot}' function='0x${port}'/></source><vlan><tag id='100'/></vlan><alias name='${alias}'/></interface>`,
);

/** Waits until the guest has taken the VF, and afterwards until it has let go and the VF is the host's again. */
const taken = async (address: string): Promise<void> => void (await vm.ask(`link ${address} pci igbvf`));
const returned = async (): Promise<void> => {
  await vm.ask('gone igbvf');
  await until('the VF is the host’s again', async () => {
    const { vfinfo_list: vfs = [] } = await readIpLink(interfaceOf(pf0));
    return existsSync(`/sys/bus/pci/drivers/igbvf/${vf}`) && vfs[0]?.address !== mac;
  });
};

interface Way {
  readonly attach: () => Promise<string>;
  readonly detach: () => Promise<unknown>;
}
const request = {
  vm: 'web-1',
  network: 'front',
  hold: 'live',
  spread: false,
  acceptedRisks: [],
} as const;
const ways: Readonly<Record<string, Way>> = {
  'libvirt, RPC': {
    attach: async () => {
      await libvirt.attachNic(uuid, { vf: { hostAddress: vf, mac, vlan: 100, alias } }, live);
      return mac;
    },
    detach: async () => libvirt.detachNic(uuid, alias, live, unplugTimeoutMs),
  },
  'vfleet, agent': {
    attach: async () => (await agent.attach({ ...request, acceptedRisks: [] })).lease.settings.mac ?? '',
    detach: async () => agent.detach({ vm: 'web-1' }),
  },
  'libvirt, virsh': {
    attach: async () => {
      await virsh('attach-device', 'web-1', deviceFile, '--live');
      return mac;
    },
    detach: async () => libvirt.detachNic(uuid, alias, live, unplugTimeoutMs),
  },
  'vfleet, command with agent': {
    attach: async () => {
      const text = await run(process.execPath, [
        ...vfleet,
        'attach',
        'web-1',
        '--network',
        'front',
        '--json',
      ]);
      return (JSON.parse(text) as { lease: { settings: { mac: string } } }).lease.settings.mac;
    },
    detach: async () => agent.detach({ vm: 'web-1' }),
  },
};

const times = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
// The first round warms up: guest, libvirt and agent do everything for the first time.
for (let round = 0; round <= Number(rounds); round++) {
  for (const [name, way] of Object.entries(ways)) {
    await sleep(restMs);
    const start = performance.now();
    const address = await way.attach();
    const tookMs = performance.now() - start;
    await taken(address);
    await way.detach();
    await returned();
    if (round > 0) times.get(name)?.push(Math.round(tookMs));
    console.error(`round ${round}, ${name}: ${Math.round(tookMs)} ms`);
  }
}
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const medians = Object.fromEntries([...times].map(([name, values]) => [name, median(values)]));
const ratio = (a: string, b: string): number => Number(((medians[a] ?? 0) / (medians[b] ?? 1)).toFixed(3));
console.log(
  JSON.stringify(
    {
      unit: 'ms',
      times: Object.fromEntries(times),
      medians,
      ratio: ratio('vfleet, agent', 'libvirt, RPC'),
      ratioOfCommands: ratio('vfleet, command with agent', 'libvirt, virsh'),
    },
    undefined,
    2,
  ),
);
libvirt.close();
daemon.kill('SIGTERM');
process.exit(0);
