// Owns one of many processes that give VFs of one simulated host to VMs and take them back, by the functions that commands
// use, until one of them is killed between two changes. Bundled and started by scripts/stress.mjs; a line of JSON on
// standard output says what it saw.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AssigningHost } from '../../src/assign/assigning-host.ts';
import { attachVf } from '../../src/assign/attach.ts';
import { detachVfs } from '../../src/assign/detach.ts';
import { recoverLeases } from '../../src/assign/recover.ts';
import { vfAliasOf } from '../../src/assign/vm-nic.ts';
import { VfleetError } from '../../src/base/errors.ts';
import type { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import { openSimHypervisor } from '../../src/hypervisor/simulated/sim-hypervisor.ts';
import { newSimVms, newVm } from '../../src/hypervisor/simulated/sim-vms.ts';
import type { SimVms } from '../../src/hypervisor/simulated/sim-vms.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { decodeMessages } from '../../src/kernel/netlink/message.ts';
import { RTM_SETLINK } from '../../src/kernel/rtnetlink/link.ts';
import { KernelSession } from '../../src/kernel/session.ts';
import { leaseFolder } from '../../src/lease/file-leases.ts';
import { listEveryLease } from '../../src/lease/lease-store.ts';
import type { LeaseStore } from '../../src/lease/lease-store.ts';
import { listNames } from '../../src/lease/record-file.ts';
import { openSimKernel } from '../../src/sim/open-sim-kernel.ts';
import type { SimState } from '../../src/sim/state.ts';
import { readSnapshot } from '../../src/inventory/snapshot.ts';
import { resolveOffer } from '../../src/spec/offer.ts';
import { parseSpec } from '../../src/spec/parsed-spec.ts';
import { applyText, hostOn } from '../applying.fixture.ts';
import { openProcess, problemsOf, request } from '../assigning.fixture.ts';
import { randomFrom } from './random.ts';

const [folder = '', vfCountText = '7', seedText = '1', mode = 'work'] = process.argv.slice(2);
const vfCount = Number(vfCountText);
const random = randomFrom(Number(seedText));
/** Few VFs are those of an 82576; many are those of an E810. */
const [profile, pf] = vfCount <= 7 ? (['igb', '0000:01:00.0'] as const) : (['ice', '0000:17:00.0'] as const);
/** More VMs than VFs, unless those would be very many. */
const vmCount = Math.min(vfCount + 9, 64);
const spec = `
apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, qos: 3, maxTxRateMbps: 100 }
pfs:
  - match: { address: "${pf}" }
    networks: [storage]
    up: true
    vfs: { count: ${vfCount}, default: { driver: ${profile === 'igb' ? 'igbvf' : 'vfio-pci'} } }
`;
const stateFile = join(folder, 'kernel.json');
const vmsFile = join(folder, 'vms.json');
const startFile = join(folder, 'start.json');
const stateFolder = join(folder, 'state');
mkdirSync(stateFolder, { recursive: true });

const counts = { rounds: 0, taken: 0, busy: 0, recovered: 0, late: 0 };
function say(): void {
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] = 0;
}
function violation(what: string): void {
  process.stdout.write(`${JSON.stringify({ violation: `${what}, process ${process.pid}` })}\n`);
}

async function prepare(): Promise<void> {
  const kernel = await openSimKernel(profile, { stateFile });
  const applying = hostOn(kernel, join(folder, 'applying'));
  await applyText(applying, spec);
  applying.session.close();
  const vms = newSimVms(Array.from({ length: vmCount }, (_, at) => newVm(`vm "><${at}`, at + 1, 'running')));
  writeFileSync(vmsFile, JSON.stringify(vms));
  writeFileSync(startFile, JSON.stringify({ state: kernel.state, vms }));
}

/** A host whose process ends before or after its next change but `left`, each as likely. */
function dyingHost(host: AssigningHost, kernel: Kernel, left: number): AssigningHost {
  let remaining = left;
  async function change<T>(work: () => Promise<T>): Promise<T> {
    remaining -= 1;
    const isLast = remaining === 0;
    if (isLast && random() < 0.5) process.kill(process.pid, 'SIGKILL');
    const result = await work();
    if (isLast) process.kill(process.pid, 'SIGKILL');
    return result;
  }
  const leases: LeaseStore = {
    ...host.leases,
    create: async (lease) => change(async () => host.leases.create(lease)),
    deleteIfGeneration: async (key, generation) =>
      change(async () => host.leases.deleteIfGeneration(key, generation)),
  };
  const { hypervisor } = host;
  const session = new KernelSession({
    ...kernel,
    files: {
      ...kernel.files,
      write: async (path, text, timeoutMs) => change(async () => kernel.files.write(path, text, timeoutMs)),
    },
    openNetlink(protocol, options) {
      const socket = kernel.openNetlink(protocol, options);
      return {
        async send(datagram) {
          const isChange = decodeMessages(datagram).some(({ type }) => type === RTM_SETLINK);
          return isChange ? change(async () => socket.send(datagram)) : socket.send(datagram);
        },
        receive: async (receiveOptions) => socket.receive(receiveOptions),
        joinGroup: (group) => socket.joinGroup(group),
        close: () => socket.close(),
      };
    },
  });
  return {
    ...host,
    session,
    leases,
    hypervisor:
      hypervisor === undefined
        ? undefined
        : {
            ...hypervisor,
            attachNic: async (...args) => change(async () => hypervisor.attachNic(...args)),
            detachNic: async (...args) => change(async () => hypervisor.detachNic(...args)),
          },
  };
}

/** What must be so at every moment. */
async function look(hypervisor: Hypervisor, leases: LeaseStore): Promise<void> {
  const before = await usersOf(hypervisor);
  const leased = await listEveryLease(leases);
  const after = await usersOf(hypervisor);
  for (const [address, users] of before)
    if (new Set(users.map(({ vm }) => vm)).size > 1) violation(`two VMs have ${address}`);
  const addresses = leased.flatMap(({ address }) => address ?? []);
  if (new Set(addresses).size < addresses.length) violation('two leases of one VF');
  const macs = leased.flatMap(({ settings }) => settings.mac ?? []);
  if (new Set(macs).size < macs.length) violation('two leases with one MAC address');
  for (const [address, users] of before) {
    for (const { alias } of users) {
      // Seen before and after, so it was there all the time; its lease comes before it and goes after it.
      const stayed = after.get(address)?.some((user) => user.alias === alias) === true;
      if (stayed && !leased.some((lease) => vfAliasOf(lease) === alias))
        violation(`${address} is in a VM, and its lease was lost`);
    }
  }
}

async function usersOf(hypervisor: Hypervisor): Promise<Map<string, { vm: string; alias: string }[]>> {
  const users = new Map<string, { vm: string; alias: string }[]>();
  for (const { name, nics, storedNics } of await hypervisor.listVms()) {
    for (const { hostAddress, alias = '' } of [...nics, ...storedNics]) {
      if (hostAddress === undefined) continue;
      users.set(hostAddress, [...(users.get(hostAddress) ?? []), { vm: name, alias }]);
    }
  }
  return users;
}

/** What one among many hears without anything being wrong. */
const usual = new Set(['vf.unavailable', 'lease.none', 'lease.changed', 'lock.held', 'attach.undone']);

async function work(): Promise<void> {
  const kernel = await openSimKernel(profile, { stateFile });
  const hypervisor = openSimHypervisor({ stateFile: vmsFile, host: kernel });
  const world = { profile, state: kernel.state, vms: newSimVms([]), stateFolder, readGround };
  const whole: AssigningHost = { ...openProcess(world).host, hypervisor, session: new KernelSession(kernel) };
  // A process dies after some rounds, at any change.
  const host = dyingHost(whole, kernel, 1 + Math.floor(random() * 60));
  async function readGround() {
    const snapshot = await readSnapshot(whole.session, { detail: 'settings' });
    return { offer: resolveOffer(parseSpec(spec, 'host.yaml'), snapshot) };
  }
  const ground = await readGround();
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  while (!stop.signal.aborted) {
    counts.rounds += 1;
    const vm = `vm "><${Math.floor(random() * vmCount)}`;
    const dice = random();
    try {
      if (dice < 0.55) {
        const hold = random() < 0.3 ? 'stored' : 'live';
        await attachVf(host, async () => ground, request(vm, { hold }));
        counts.taken += 1;
      } else if (dice < 0.9) {
        for (const { result } of (await detachVfs(host, { vm })).releases) {
          if (result === 'quarantined') violation('a VF is in quarantine');
          else if (result === 'free') counts.late += 1;
          else counts.busy += 1;
        }
      } else if (dice < 0.95) {
        await hypervisor.destroy(vm);
        await hypervisor.start(vm);
      } else {
        const { releases } = await recoverLeases(host);
        counts.recovered += releases.filter(({ result }) => result === 'free').length;
      }
    } catch (error) {
      if (!(error instanceof VfleetError) || !isUsual(error)) violation(`unexpected: ${String(error)}`);
      counts.busy += 1;
    }
    await look(hypervisor, whole.leases);
    say();
  }
}

function isUsual({ code, message }: VfleetError): boolean {
  // Somebody pulled the VM's plug, or started it, at the same moment; in between it does not run.
  if (code === 'usage.invalid') return message.includes('does not run');
  if (code === 'hypervisor.refused') return /is (?:not|already) running|in use/.test(message);
  return usual.has(code);
}

/** The end: everything that was left behind is found, everything given goes back, and the host is as it was. */
async function recover(): Promise<void> {
  const kernel = await openSimKernel(profile, { stateFile });
  const hypervisor = openSimHypervisor({ stateFile: vmsFile, host: kernel });
  const start = JSON.parse(readFileSync(startFile, 'utf8')) as { state: SimState; vms: SimVms };
  const readGround = async () => ({ offer: { networks: [], pools: [] } });
  const common = { profile, stateFolder, readGround };
  const opened = openProcess({ ...common, state: kernel.state, vms: newSimVms([]) });
  const host = { ...opened.host, hypervisor, session: new KernelSession(kernel) };
  for (const release of (await recoverLeases(host)).releases) {
    counts.recovered += 1;
    if (release.result !== 'free') violation(`not recovered: ${JSON.stringify(release)}`);
  }
  const world = (): Parameters<typeof problemsOf>[0] => ({
    ...common,
    state: kernel.state,
    vms: hypervisor.state,
  });
  for (const problem of await problemsOf(world(), { ...common, ...start })) violation(problem);
  for (const { owner } of await listEveryLease(host.leases))
    await detachVfs(host, { vm: owner.name }).catch(() => undefined);
  for (const problem of await problemsOf(world(), { ...common, ...start }))
    violation(`at the end: ${problem}`);
  const left = listNames(leaseFolder(stateFolder)).filter((name) => !name.endsWith('.lock'));
  for (const name of left) violation(`left behind: ${name}`);
}

if (mode === 'prepare') await prepare();
else if (mode === 'recover') await recover();
else await work();
say();
process.exit(0);
