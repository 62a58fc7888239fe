import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Hypervisor, NewNic } from '../../src/hypervisor/hypervisor.ts';
import { connectLibvirt } from '../../src/hypervisor/libvirt/hypervisor.ts';
import { LibvirtClient } from '../../src/hypervisor/libvirt/libvirt-client.ts';
import type { DomainRef } from '../../src/hypervisor/libvirt/remote-protocol.ts';
import { procedures } from '../../src/hypervisor/libvirt/remote-protocol.ts';
import type { Libvirtd } from './libvirtd.fixture.ts';
import {
  bridge,
  define,
  domainXml,
  libvirtdIsThere,
  remove,
  startLibvirtd,
  startPaused,
} from './libvirtd.fixture.ts';

const both = { live: true, stored: true };
const live = { live: true, stored: false };
const stored = { live: false, stored: true };
const mac = '52:54:00:12:34:56';
const vfMac = '52:54:00:00:00:02';

function standby(alias: string, of = mac): NewNic {
  return { standby: { kind: 'bridge', bridge, mac: of, alias } };
}

describe.skipIf(!libvirtdIsThere)('interfaces on a real libvirtd', () => {
  let libvirtd: Libvirtd;
  let client: LibvirtClient;
  let hypervisor: Hypervisor;
  const made: DomainRef[] = [];

  beforeAll(async () => {
    libvirtd = await startLibvirtd();
    client = new LibvirtClient({ socketPath: libvirtd.socketPath });
    hypervisor = await connectLibvirt({ socketPath: libvirtd.socketPath });
  });

  afterEach(async () => {
    for (const dom of made.splice(0)) await remove(client, dom);
  });

  afterAll(async () => {
    hypervisor?.close();
    client?.close();
    await libvirtd?.stop();
  });

  async function stoppedVm(xml: string): Promise<string> {
    const dom = await define(client, xml);
    made.push(dom);
    return (await hypervisor.readVm(dom.name)).uuid;
  }

  async function runningVm(xml: string): Promise<string> {
    const uuid = await stoppedVm(xml);
    const [dom] = made.slice(-1);
    if (dom !== undefined) await startPaused(client, dom);
    return uuid;
  }

  test('are at the same guest address live and stored, and after a restart', async () => {
    const uuid = await runningVm(domainXml('same-place'));
    // Something that only the running VM has: libvirt, left alone, would now choose apart.
    await hypervisor.attachNic(uuid, standby('ua-only-live', '52:54:00:12:34:01'), live);
    await hypervisor.attachNic(uuid, standby('ua-both'), both);
    const vm = await hypervisor.readVm(uuid);
    const addressIn = (nics: typeof vm.nics) => nics.find(({ alias }) => alias === 'ua-both')?.guestAddress;
    expect(addressIn(vm.nics)).toBe('0000:02:00.0');
    expect(addressIn(vm.storedNics)).toBe('0000:02:00.0');
    const [dom] = made;
    if (dom === undefined) throw new Error('no domain');
    await client.call(procedures.domainDestroy, { dom });
    await startPaused(client, dom);
    const again = await hypervisor.readVm(uuid);
    expect(again.nics.map(({ alias, guestAddress }) => ({ alias, guestAddress }))).toEqual([
      { alias: 'ua-both', guestAddress: '0000:02:00.0' },
    ]);
  });

  test('are at the same guest address on a plain PCI bus as well', async () => {
    const uuid = await runningVm(domainXml('plain-pci', { machine: 'pc' }));
    await hypervisor.attachNic(uuid, standby('ua-only-live', '52:54:00:12:34:01'), live);
    await hypervisor.attachNic(uuid, standby('ua-both'), both);
    const vm = await hypervisor.readVm(uuid);
    const addressIn = (nics: typeof vm.nics) => nics.find(({ alias }) => alias === 'ua-both')?.guestAddress;
    expect(addressIn(vm.nics)).toMatch(/^0000:00:..\.0$/);
    expect(addressIn(vm.storedNics)).toBe(addressIn(vm.nics));
  });

  test('in a stored definition are what virsh shows', async () => {
    const uuid = await stoppedVm(domainXml('web-1'));
    await hypervisor.attachNic(uuid, standby('ua-standby', vfMac), stored);
    await hypervisor.attachNic(
      uuid,
      {
        vf: {
          hostAddress: '0000:3b:10.2',
          mac: vfMac,
          vlan: 100,
          alias: 'ua-vf',
          standbyAlias: 'ua-standby',
        },
      },
      stored,
    );
    const { nics, storedNics } = await hypervisor.readVm(uuid);
    expect(nics).toEqual([]);
    expect(storedNics).toMatchObject([
      {
        kind: 'bridge',
        bridge,
        mac: vfMac,
        alias: 'ua-standby',
        model: 'virtio',
        teaming: { role: 'persistent' },
      },
      {
        kind: 'hostdev',
        hostAddress: '0000:3b:10.2',
        mac: vfMac,
        vlan: 100,
        alias: 'ua-vf',
        teaming: { role: 'transient', partner: 'ua-standby' },
      },
    ]);
    const xml = await libvirtd.virsh('dumpxml', 'web-1', '--inactive');
    expect(xml).toContain("<interface type='hostdev' managed='yes'>");
    expect(xml).toContain("<address type='pci' domain='0x0000' bus='0x3b' slot='0x10' function='0x2'/>");
    expect(xml).toContain("<tag id='100'/>");
    expect(xml).toContain("<teaming type='transient' persistent='ua-standby'/>");
    const rows = (await libvirtd.virsh('domiflist', 'web-1'))
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    expect(rows).toEqual([
      ['-', 'bridge', bridge, 'virtio', vfMac],
      ['-', 'hostdev', '-', '-', vfMac],
    ]);
    // The pair has one MAC address: only the alias tells them apart.
    await hypervisor.detachNic(uuid, 'ua-vf', stored, 1000);
    expect((await hypervisor.readVm(uuid)).storedNics.map(({ alias }) => alias)).toEqual(['ua-standby']);
    await hypervisor.detachNic(uuid, 'ua-vf', both, 1000);
    await hypervisor.detachNic(uuid, 'ua-standby', stored, 1000);
    expect((await hypervisor.readVm(uuid)).storedNics).toEqual([]);
  });

  test('have no VLAN and no teaming that nobody asked for', async () => {
    const uuid = await stoppedVm(domainXml('plain'));
    await hypervisor.attachNic(
      uuid,
      { vf: { hostAddress: '0000:3b:10.2', mac: vfMac, alias: 'ua-vf' } },
      stored,
    );
    const xml = await libvirtd.virsh('dumpxml', 'plain', '--inactive');
    expect(xml).not.toContain('<vlan');
    expect(xml).not.toContain('<teaming');
  });

  test('on Open vSwitch carry its port and the VLAN', async () => {
    const uuid = await stoppedVm(domainXml('on-ovs'));
    await hypervisor.attachNic(
      uuid,
      { standby: { kind: 'openvswitch', bridge: 'ovsbr0', mac, vlan: 100, alias: 'ua-standby' } },
      stored,
    );
    expect((await hypervisor.readVm(uuid)).storedNics).toMatchObject([
      {
        kind: 'bridge',
        bridge: 'ovsbr0',
        vlan: 100,
        virtualPort: 'openvswitch',
        teaming: { role: 'persistent' },
      },
    ]);
  });

  test('that a guest keeps are a timeout, gone from the definition, and a second try is no error', async () => {
    const uuid = await runningVm(domainXml('keeps'));
    await hypervisor.attachNic(uuid, standby('ua-both'), both);
    for (const timeoutMs of [300, 8000]) {
      await expect(hypervisor.detachNic(uuid, 'ua-both', both, timeoutMs)).rejects.toMatchObject({
        code: 'hypervisor.timeout',
        message: expect.stringContaining('has not let go of ua-both'),
      });
    }
    const vm = await hypervisor.readVm(uuid);
    expect(vm.nics).toHaveLength(1);
    expect(vm.storedNics).toEqual([]);
    // It goes when the VM goes.
    const gone = hypervisor.detachNic(uuid, 'ua-both', live, 200_000);
    await libvirtd.virsh('destroy', 'keeps');
    await gone;
    expect((await hypervisor.readVm(uuid)).nics).toEqual([]);
  });

  test('that a guest lets go of are gone from the running VM when the call comes back', async () => {
    const usb = "<controller type='usb' model='qemu-xhci'/>";
    const uuid = await runningVm(domainXml('lets-go', { devices: usb }));
    // USB needs no word of the guest.
    const xml = `<interface type='bridge'><source bridge='${bridge}'/><model type='usb-net'/><alias name='ua-usb'/>
      <address type='usb' bus='0' port='1'/></interface>`;
    const dom = made[0];
    if (dom === undefined) throw new Error('no domain');
    await client.call(procedures.domainAttachDeviceFlags, { dom, xml, flags: 3 });
    expect((await hypervisor.readVm(uuid)).nics).toMatchObject([{ alias: 'ua-usb', model: 'usb-net' }]);
    const stop = new AbortController();
    const removed: unknown[] = [];
    const watching = (async () => {
      for await (const event of hypervisor.watch(stop.signal)) {
        if (event.kind !== 'device-removed') continue;
        removed.push(event);
        stop.abort();
      }
    })();
    await hypervisor.detachNic(uuid, 'ua-usb', both, 200_000);
    const vm = await hypervisor.readVm(uuid);
    expect([vm.nics, vm.storedNics]).toEqual([[], []]);
    await watching;
    expect(removed).toEqual([{ kind: 'device-removed', uuid, name: 'lets-go', alias: 'ua-usb' }]);
  });

  test('without a slot left are refused in one line with a hint, and nothing changes', async () => {
    const uuid = await runningVm(domainXml('full', { ports: 2 }));
    await hypervisor.attachNic(uuid, standby('ua-1', '52:54:00:12:34:01'), both);
    const before = await hypervisor.readVm(uuid);
    const failures: unknown[] = [];
    for (const number of [2, 3, 4]) {
      await hypervisor
        .attachNic(uuid, standby(`ua-${number}`, `52:54:00:12:34:0${number}`), both)
        .catch((thrown: unknown) => failures.push(thrown));
    }
    expect(failures.at(-1)).toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringMatching(/^libvirt: [^\n]*No more available PCI slots[^\n]*$/),
      hint: expect.stringContaining('pcie-root-port'),
    });
    const after = await hypervisor.readVm(uuid);
    expect(after.nics.map(({ alias }) => alias)).toEqual(after.storedNics.map(({ alias }) => alias));
    expect(after.nics.length).toBe(before.nics.length + 3 - failures.length);
  });

  test('with no slot that is free in both are refused before anything is plugged', async () => {
    const uuid = await runningVm(domainXml('apart', { ports: 2 }));
    await hypervisor.attachNic(uuid, standby('ua-live', '52:54:00:12:34:01'), live);
    await hypervisor.attachNic(uuid, standby('ua-stored-1', '52:54:00:12:34:02'), stored);
    await hypervisor.attachNic(uuid, standby('ua-stored-2', '52:54:00:12:34:03'), stored);
    const before = await hypervisor.readVm(uuid);
    await expect(hypervisor.attachNic(uuid, standby('ua-both'), both)).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringContaining('no PCI slot is free both'),
    });
    expect(await hypervisor.readVm(uuid)).toEqual(before);
  });

  test('that QEMU refuses are in neither scope', async () => {
    const uuid = await runningVm(domainXml('refused'));
    const before = await hypervisor.readVm(uuid);
    const vf = { hostAddress: '0000:3b:10.2', mac: vfMac, alias: 'ua-vf' };
    await expect(hypervisor.attachNic(uuid, { vf }, both)).rejects.toMatchObject({
      code: 'hypervisor.refused',
    });
    await expect(
      hypervisor.attachNic(uuid, { standby: { kind: 'bridge', bridge: 'nobr', mac, alias: 'ua-s' } }, both),
    ).rejects.toMatchObject({ code: 'hypervisor.refused', message: expect.stringContaining('nobr') });
    expect(await hypervisor.readVm(uuid)).toEqual(before);
  });

  test('with a hostile bridge name stay one name', async () => {
    const uuid = await stoppedVm(domainXml('hostile-bridge'));
    const name = `"/><hostdev a='`;
    await hypervisor.attachNic(
      uuid,
      { standby: { kind: 'bridge', bridge: name, mac, alias: 'ua-s' } },
      stored,
    );
    expect((await hypervisor.readVm(uuid)).storedNics).toMatchObject([{ kind: 'bridge', bridge: name }]);
  });

  test('attached by many at once all have a slot of their own, the same in both', async () => {
    const uuid = await runningVm(domainXml('many', { ports: 12 }));
    const numbers = Array.from({ length: 8 }, (_, index) => index + 1);
    await Promise.all(
      numbers.map((number) =>
        hypervisor.attachNic(uuid, standby(`ua-${number}`, `52:54:00:12:34:0${number}`), both),
      ),
    );
    const vm = await hypervisor.readVm(uuid);
    const places = (nics: typeof vm.nics) =>
      nics.map(({ alias, guestAddress }) => `${alias} ${guestAddress}`).sort();
    expect(places(vm.nics)).toEqual(places(vm.storedNics));
    expect(new Set(vm.nics.map(({ guestAddress }) => guestAddress)).size).toBe(8);
  });

  test('pinned: stored definition holds it and nothing else changes', async () => {
    const devices = "<graphics type='vnc' port='-1' passwd='secret'/><video><model type='none'/></video>";
    const uuid = await stoppedVm(domainXml('pinned', { devices }));
    const before = await libvirtd.virsh('dumpxml', 'pinned', '--inactive', '--security-info');
    await hypervisor.pin(
      uuid,
      { vcpuPins: { 0: [0], 1: [0, 1] }, emulatorPin: [1], memoryNodes: [0] },
      stored,
    );
    expect((await hypervisor.readVm(uuid)).storedPlacement).toEqual({
      vcpuCount: 2,
      memoryMb: 32,
      vcpuPins: { 0: [0], 1: [0, 1] },
      emulatorPin: [1],
      memoryNodes: [0],
      memoryMode: 'strict',
    });
    const after = await libvirtd.virsh('dumpxml', 'pinned', '--inactive', '--security-info');
    const isTuning = (line: string) => /cputune|numatune|vcpupin|emulatorpin|nodeset/.test(line);
    expect(
      after
        .split('\n')
        .filter((line) => !isTuning(line))
        .join('\n'),
    ).toBe(before);
    expect(after).toContain("passwd='secret'");
    await hypervisor.pin(uuid, { vcpuPins: { 1: [1] } }, stored);
    expect((await hypervisor.readVm(uuid)).storedPlacement).toMatchObject({
      vcpuPins: { 0: [0], 1: [1] },
      emulatorPin: [1],
      memoryNodes: [0],
    });
  });

  test('pinned: what others keep in the definition stays, whatever libvirt lets them', async () => {
    const deep = `${'<b>'.repeat(240)}${'</b>'.repeat(240)}`;
    const words = '<![CDATA[<!DOCTYPE html></metadata>]]><!-- <!DOCTYPE html> --><?page <!DOCTYPE html> ?>';
    // No prefix is declared, and no name has two colons, in XML with namespaces; libvirt takes and keeps both.
    const lax = '<undeclared:a undeclared:b="$&amp;"/><a:b:c/><xmlns/>';
    const settings = `<metadata o="1"><o:o xmlns:o="https://others.example">${words}${deep}${lax}</o:o></metadata>`;
    const uuid = await stoppedVm(domainXml('kept', { settings }));
    const metadata = async (): Promise<string> =>
      /<metadata[\s\S]*<\/metadata>/.exec(await libvirtd.virsh('dumpxml', 'kept'))?.[0] ?? '';
    const before = await metadata();
    expect(before).toContain('<![CDATA[<!DOCTYPE html></metadata>]]>');
    expect(before).toContain('<undeclared:a undeclared:b="$&amp;"/>');
    expect(await hypervisor.listVms()).toEqual([await hypervisor.readVm('kept')]);
    await hypervisor.pin(uuid, { vcpuPins: { 0: [0] } }, stored);
    expect((await hypervisor.readVm(uuid)).storedPlacement).toMatchObject({ vcpuPins: { 0: [0] } });
    expect(await metadata()).toBe(before);
  });

  test('pinned while it runs: both hold it; a vCPU that is not there changes nothing', async () => {
    const uuid = await runningVm(domainXml('pinned-live'));
    await hypervisor.pin(uuid, { vcpuPins: { 0: [0], 1: [1] }, emulatorPin: [0] }, both);
    const vm = await hypervisor.readVm(uuid);
    expect(vm.placement).toMatchObject({ vcpuPins: { 0: [0], 1: [1] }, emulatorPin: [0] });
    expect(vm.storedPlacement).toMatchObject({ vcpuPins: { 0: [0], 1: [1] }, emulatorPin: [0] });
    expect(await libvirtd.virsh('vcpupin', 'pinned-live', '--live')).toMatch(/0\s+0\n\s*1\s+1/);
    await expect(hypervisor.pin(uuid, { vcpuPins: { 0: [1], 7: [1] } }, both)).rejects.toMatchObject({
      code: 'hypervisor.refused',
    });
    // libvirt refuses the second vCPU: there is no such host CPU. The first gets its place back.
    await expect(hypervisor.pin(uuid, { vcpuPins: { 0: [1], 1: [9000] } }, both)).rejects.toMatchObject({
      code: 'hypervisor.refused',
    });
    const after = await hypervisor.readVm(uuid);
    expect(after.placement).toEqual(vm.placement);
    expect(after.storedPlacement).toEqual(vm.storedPlacement);
  });

  test('pinned with I/O threads: both hold it, virsh says the same, and a refusal puts all back', async () => {
    const settings =
      "<iothreads>3</iothreads><iothreadids><iothread id='5'/></iothreadids>" +
      "<cputune><iothreadpin iothread='5' cpuset='0'/></cputune>";
    const uuid = await runningVm(domainXml('io', { settings }));
    const before = await hypervisor.readVm(uuid);
    for (const placement of [before.placement, before.storedPlacement])
      expect(placement).toMatchObject({ ioThreads: [1, 2, 5], ioThreadPins: { 5: [0] } });
    await hypervisor.pin(uuid, { emulatorPin: [1], ioThreadPins: { 1: [1], 5: [1] } }, both);
    const vm = await hypervisor.readVm(uuid);
    for (const placement of [vm.placement, vm.storedPlacement])
      expect(placement).toMatchObject({ emulatorPin: [1], ioThreadPins: { 1: [1], 5: [1] } });
    const info = await libvirtd.virsh('iothreadinfo', 'io', '--live');
    const rows = info.match(/^ *\d+ +\S+/gm)?.map((row) => row.trim().replaceAll(/ +/g, ' '));
    expect(rows?.sort()).toEqual(['1 1', expect.stringMatching(/^2 0-/), '5 1']);
    await expect(
      hypervisor.pin(uuid, { vcpuPins: { 0: [0] }, ioThreadPins: { 1: [0], 5: [9000] } }, both),
    ).rejects.toMatchObject({ code: 'hypervisor.refused' });
    await expect(hypervisor.pin(uuid, { ioThreadPins: { 9: [0] } }, both)).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: 'the VM has no I/O thread 9',
    });
    const { vcpuPins, ...after } = (await hypervisor.readVm(uuid)).placement;
    expect(after).toEqual({ ...vm.placement, vcpuPins: undefined });
    expect(vcpuPins[0]?.length ?? Infinity).toBeGreaterThan(1);
    expect((await hypervisor.readVm(uuid)).storedPlacement).toEqual(vm.storedPlacement);
  });

  test('memory in parts is read where it is, moved as a whole, and kept while the VM runs', async () => {
    const settings =
      "<numatune><memory mode='strict' nodeset='0'/><memnode cellid='0' mode='strict' nodeset='1'/></numatune>" +
      "<cpu><numa><cell id='0' cpus='0-1' memory='32768'/></numa></cpu>";
    const uuid = await stoppedVm(domainXml('parts', { settings }));
    const parts = { memoryNodes: [1], memoryParts: [[1]], memoryMode: 'strict' };
    expect((await hypervisor.readVm(uuid)).storedPlacement).toMatchObject(parts);
    await hypervisor.pin(uuid, { memoryNodes: [0] }, stored);
    expect((await hypervisor.readVm(uuid)).storedPlacement).toMatchObject({
      memoryNodes: [0],
      memoryParts: [[0]],
    });
    const xml = await libvirtd.virsh('dumpxml', 'parts', '--inactive');
    expect(xml).toContain("<memnode cellid='0' mode='strict' nodeset='0'/>");
    const [dom] = made;
    if (dom !== undefined) await startPaused(client, dom);
    const before = await hypervisor.readVm(uuid);
    await expect(hypervisor.pin(uuid, { emulatorPin: [0], memoryNodes: [0] }, both)).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringContaining('parts'),
    });
    expect(await hypervisor.readVm(uuid)).toEqual(before);
  });

  test('memory of a running VM in a strict mode is refused before anything moves', async () => {
    const uuid = await stoppedVm(domainXml('strict'));
    await hypervisor.pin(uuid, { memoryNodes: [0] }, stored);
    const [dom] = made;
    if (dom !== undefined) await startPaused(client, dom);
    const before = await hypervisor.readVm(uuid);
    await expect(
      hypervisor.pin(uuid, { vcpuPins: { 0: [0] }, memoryNodes: [0] }, both),
    ).rejects.toMatchObject({ code: 'hypervisor.refused', message: expect.stringContaining('strict') });
    expect(await hypervisor.readVm(uuid)).toEqual(before);
  });
});
