// Owns the essential course of a VF through a VM in the lab: given live, felt in the guest, taken back clean; kept in a stored
// definition; come back from a VM that is destroyed behind vfleet's back. Run with each libvirt that vfleet is to work with.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Attachment } from '../../src/model/attachment.ts';
import type { Lease, Quarantine } from '../../src/model/lease.ts';
import { applySpec, startVfleet, vfleetOk } from './command.ts';
import type { VfleetProcess } from './command.ts';
import {
  interfaceOf,
  makeFolder,
  pf0,
  pictureOf,
  readIpLink,
  readSettledLink,
  resetLab,
  run,
  until,
  vfOf,
} from './lab-host.ts';
import type { IpVf } from './lab-host.ts';
import type { LabVmName } from './nested/domain.ts';
import { destroyVms, listPassedThrough, startVm, storeDefinition, virsh } from './nested/lab-vm.ts';
import type { LabVm } from './nested/lab-vm.ts';
import { stopLibvirt } from './nested/libvirtd.ts';
import type { LibvirtDaemon } from './nested/libvirtd.ts';

/** Software emulation inside software emulation. */
export const slow = 1_200_000;

/** VFs 0 and 1 are peers of the VMs, one on each network; 2 and 3 are the pool. */
const spec = `  - match: { address: '${pf0}' }
    up: true
    networks: [front, storage]
    vfs:
      count: 4
      default: { driver: kernel, spoofCheck: true }
      0: { vlan: 100 }
      1: { vlan: 200 }
networks:
  - { name: front, vlan: 100, qos: 3, maxTxRateMbps: 400, trust: true }
  - { name: storage, vlan: 200, spoofCheck: false }
`;
export const onFront = '192.0.2.100';
export const onStorage = '192.0.2.200';
const inVm = '192.0.2.1';
const bridge = 'vmbr0';

/** A VF of the host in a network namespace of its own, with an address. */
async function addPeer(index: number, address: string): Promise<void> {
  const netns = `peer${index}`;
  const name = interfaceOf(vfOf(pf0, index));
  await run('ip', ['netns', 'add', netns]);
  await run('ip', ['link', 'set', 'dev', name, 'netns', netns]);
  await run('ip', ['-n', netns, 'addr', 'add', `${address}/24`, 'dev', name]);
  await run('ip', ['-n', netns, 'link', 'set', 'dev', name, 'up']);
  await readSettledLink(name, netns);
}

/** What the PF says of a VF, as `ip` shows it. */
export async function readVf(index: number): Promise<IpVf> {
  const { vfinfo_list: vfs = [] } = await readIpLink(interfaceOf(pf0));
  const vf = vfs[index];
  if (vf === undefined) throw new Error(`ip shows no VF ${index}`);
  return vf;
}

/** A VF without an address is given a random one by its driver, another each time. */
function withoutVfAddresses(picture: unknown): unknown {
  return JSON.parse(
    JSON.stringify(picture, (_, value: unknown) =>
      typeof value === 'object' && value !== null && 'vf' in value && 'address' in value
        ? { ...value, address: '' }
        : value,
    ),
  );
}

/** Whether a guest's ping is answered; it may take so long to be, the first time in a guest above all. */
export async function pings(vm: LabVm, address: string, longestSeconds = 120): Promise<boolean> {
  return (await vm.tryAsk(`ping -c 2 -W ${longestSeconds} ${address}`)).status === 0;
}

/** So long nobody answers a guest where nobody shall. */
export const silenceSeconds = 15;

/** Brings the guest's VF up with an address, and waits for its link: before, nothing is sent. Its interface. */
export async function connectVf(vm: LabVm, mac: string): Promise<string> {
  const name = await vm.ask(`link ${mac} pci igbvf`);
  await vm.ask(`ifconfig ${name} ${inVm} netmask 255.255.255.0 up`);
  const carrier = `/sys/class/net/${name}/carrier`;
  await vm.ask(`while read -r carrier <${carrier}; [ "$carrier" != 1 ]; do pause 1; done`);
  return name;
}

/** A host with two networks and a VM, and what vfleet and the kernel say of it. */
export class AttachCourse {
  readonly state = makeFolder();
  readonly #leaseFolder = join(this.state, 'local', 'leases');
  readonly #vmName: LabVmName;
  readonly #daemon: LibvirtDaemon | undefined;
  #vm: LabVm | undefined;
  /** As {@link readAll} has it while nobody has a VF. */
  free: unknown;
  #first: Lease | undefined;

  constructor(vmName: LabVmName, daemon?: LibvirtDaemon) {
    this.#vmName = vmName;
    this.#daemon = daemon;
  }

  get vm(): LabVm {
    if (this.#vm === undefined) throw new Error(`${this.#vmName} was not started`);
    return this.#vm;
  }

  /** What the VM was given first. */
  get first(): Lease {
    if (this.#first === undefined) throw new Error(`${this.#vmName} was given no VF`);
    return this.#first;
  }

  set first(lease: Lease) {
    this.#first = lease;
  }

  /** Starts the VM, and libvirt where none runs, and brings the host to where a VF can be given. */
  async start(): Promise<void> {
    await resetLab();
    await run('modprobe', ['-a', 'vfio-pci', 'tun']);
    [this.#vm] = await Promise.all([startVm(this.#vmName, this.#daemon), applySpec(this.state, spec)]);
    await addPeer(0, onFront);
    await addPeer(1, onStorage);
    this.free = await this.readAll();
  }

  async attach(network: string, ...options: readonly string[]): Promise<Lease> {
    return this.attachTo(this.#vmName, network, ...options);
  }

  async attachTo(name: LabVmName, network: string, ...options: readonly string[]): Promise<Lease> {
    const text = await vfleetOk(this.state, ['attach', name, '--network', network, '--json', ...options]);
    return (JSON.parse(text) as Attachment).lease;
  }

  async listLeases(): Promise<{ leases: Lease[]; quarantined: Quarantine[] }> {
    return JSON.parse(await vfleetOk(this.state, ['leases', '--json'])) as {
      leases: Lease[];
      quarantined: Quarantine[];
    };
  }

  /** Leases, quarantine, and everything that the kernel says of the card. */
  async readAll(): Promise<unknown> {
    return { ...(await this.listLeases()), picture: withoutVfAddresses(await pictureOf([pf0])) };
  }

  /** Whether there is the record of a lease, as a file. */
  hasRecord(): boolean {
    return (
      existsSync(this.#leaseFolder) && readdirSync(this.#leaseFolder).some((name) => name.endsWith('.json'))
    );
  }
}

/** The VM is given a VF of one network, uses it, and gives it back. */
export function itGivesAndTakesBack(course: AttachCourse): void {
  it(
    'is set as its network says, and the guest comes up with it',
    async () => {
      const lease = await course.attach('front');
      course.first = lease;
      expect(lease).toMatchObject({
        key: { pf: pf0, vf: 2 },
        owner: { kind: 'libvirt', name: course.vm.name },
      });
      const { mac = '' } = lease.settings;
      expect(await readVf(2)).toMatchObject({
        address: mac,
        vlan_list: [{ vlan: 100, qos: 3 }],
        spoofchk: true,
        trust: true,
        rate: { max_tx: 400 },
      });
      expect(await run('lspci', ['-k', '-s', vfOf(pf0, 2)])).toContain('Kernel driver in use: vfio-pci');
      expect(await listPassedThrough(course.vm.name)).toEqual([mac]);
      await connectVf(course.vm, mac);
    },
    slow,
  );

  it(
    'reaches a VF on the same VLAN, and none on another',
    async () => {
      expect(await pings(course.vm, onFront)).toBe(true);
      expect(await pings(course.vm, onStorage, silenceSeconds)).toBe(false);
      await run('ip', ['netns', 'exec', 'peer0', 'ping', '-c', '1', '-w', '120', inVm]);
    },
    slow,
  );

  it(
    'is taken from the running VM, and clean',
    async () => {
      await vfleetOk(course.state, ['detach', course.vm.name]);
      await course.vm.ask('gone igbvf');
      expect(await listPassedThrough(course.vm.name)).toEqual([]);
      expect(await course.readAll()).toEqual(course.free);
      expect((await readVf(2)).address).not.toBe(course.first.settings.mac);
    },
    slow,
  );
}

/** The passed-through interface in a definition, without the alias, which only a running VM has of libvirt's own. */
function passedThroughIn(xml: string): {
  readonly mac: string;
  readonly host: string;
  readonly guest: string;
} {
  const block = /<interface type='hostdev'[^>]*>.*?<\/interface>/s.exec(xml)?.[0] ?? '';
  const [host = '', guest = ''] = [...block.matchAll(/<address type='pci' ([^/]*)\/>/g)].map(
    ([, at = '']) => at,
  );
  return { mac: /<mac address='([^']+)'/.exec(block)?.[1] ?? '', host, guest };
}

/** A VM with a stored definition has the VF there, too, at the same place; and then in neither. */
export function itIsKeptInTheDefinition(course: AttachCourse): void {
  it(
    'is in the stored definition as in the running VM, and is taken from both',
    async () => {
      const { name } = course.vm;
      await storeDefinition(name);
      const { owner, settings } = await course.attach('front', '--persistent');
      expect(owner).toMatchObject({ kind: 'libvirt', name, hold: 'stored' });
      const { mac = '' } = settings;
      await course.vm.ask(`link ${mac} pci igbvf`);
      const stored = passedThroughIn(await virsh('dumpxml', name, '--inactive'));
      expect(stored.mac).toBe(mac);
      expect(passedThroughIn(await virsh('dumpxml', name))).toEqual(stored);

      await vfleetOk(course.state, ['detach', name]);
      await course.vm.ask('gone igbvf');
      expect(await listPassedThrough(name)).toEqual([]);
      expect(await virsh('dumpxml', name, '--inactive')).not.toContain("<interface type='hostdev'");
      expect(await course.readAll()).toEqual(course.free);
      await virsh('undefine', name);
    },
    slow,
  );
}

/** The VF as the half that goes when the VM is moved, beside a virtio interface that stays; on a bridge of its own. */
export function itIsAFailoverPair(course: AttachCourse): void {
  let mac = '';

  /** Makes a pair and waits until the guest has joined its halves. */
  async function pair(): Promise<void> {
    const { settings } = await course.attach('front', '--failover', `bridge=${bridge}`);
    mac = settings.mac ?? '';
    const vf = await course.vm.ask(`link ${mac} pci igbvf`);
    let interfaces: readonly string[] = [];
    // The guest finds its two devices side by side, and joins one after it has shown it.
    await until('the guest has joined both', async () => {
      interfaces = (await course.vm.ask('addresses')).split('\n').filter((line) => line.includes(mac));
      return interfaces.filter((line) => line.endsWith(' joined')).length === 2;
    });
    expect(interfaces).toHaveLength(3);
    expect(interfaces).toContain(`${vf} ${mac} joined`);
  }

  it(
    'is one half of a failover pair: the guest joins both',
    async () => {
      await run('ip', ['link', 'add', 'dev', bridge, 'type', 'bridge']);
      await run('ip', ['link', 'set', 'dev', bridge, 'up']);
      await pair();
      const xml = await virsh('dumpxml', course.vm.name);
      expect(xml).toContain("<teaming type='persistent'/>");
      expect(xml).toMatch(/<teaming type='transient' persistent='ua-[^']+'\/>/);
    },
    slow,
  );

  it(
    'leaves the other half in the VM when it is unplugged past vfleet, and is joined with it again',
    async () => {
      const { name } = course.vm;
      const before = mac;
      const xml = await virsh('dumpxml', name);
      const [, alias = ''] = /<interface type='hostdev'.*?<alias name='([^']+)'/s.exec(xml) ?? [];
      await virsh('detach-device-alias', name, alias, '--live');
      await course.vm.ask('gone igbvf');
      await until('the VM has no VF', async () => (await listPassedThrough(name)).length === 0);
      await vfleetOk(course.state, ['recover', '--wait', '60']);
      expect(await course.readAll()).toEqual(course.free);
      expect(await virsh('domiflist', name)).toContain(mac);

      await pair();
      expect(mac).toBe(before);
    },
    slow,
  );

  it(
    'is taken together with the other half',
    async () => {
      const { name } = course.vm;
      await vfleetOk(course.state, ['detach', name]);
      await course.vm.ask('gone igbvf');
      expect(await course.vm.ask('addresses')).not.toContain(mac);
      expect(await virsh('domiflist', name)).not.toContain(mac);
      expect(await course.readAll()).toEqual(course.free);
      await run('ip', ['link', 'del', 'dev', bridge]);
    },
    slow,
  );
}

/** What happens to a host that has an agent. */
export function describeWithAgent(course: AttachCourse, tests: () => void): void {
  describe('with the agent', () => {
    let agent: VfleetProcess;

    beforeAll(async () => {
      agent = startVfleet(course.state, ['agent']);
      await until('the agent listens', () => existsSync('/run/vfleet/agent.sock'));
    }, slow);

    afterAll(async () => {
      agent.child.kill('SIGTERM');
      await agent.ended;
    }, slow);

    tests();
  });
}

/** Last for a VM: it is gone then. For {@link describeWithAgent}. */
export function itComesBackFromADestroyedVm(course: AttachCourse): void {
  it(
    'comes back from a VM that is destroyed behind our back',
    async () => {
      const { settings } = await course.attach('front');
      await course.vm.ask(`link ${settings.mac} pci igbvf`);
      await course.vm.destroy();
      const destroyed = performance.now();
      await until('the VF is free', () => !course.hasRecord());
      console.log(`the VF was free ${Math.round(performance.now() - destroyed)} ms after the VM`);
      expect(await course.readAll()).toEqual(course.free);
    },
    slow,
  );
}

/** Ends VMs and libvirt, and brings the lab to where the next test begins. */
export async function endCourse(): Promise<void> {
  await destroyVms();
  await stopLibvirt();
  await resetLab();
}
