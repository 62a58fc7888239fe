import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VmEvent } from '../hypervisor.ts';
import type { LendingHost } from './sim-devices.ts';
import { openSimHypervisor } from './sim-hypervisor.ts';
import { newSimVms, newVm } from './sim-vms.ts';

const address = '0000:01:10.0';
const vf = { hostAddress: address, mac: '52:54:00:00:00:01', alias: 'ua-vf', vlan: 7 };
const live = { live: true, stored: false };
const stored = { live: false, stored: true };
const both = { live: true, stored: true };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfleet-vms-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A host whose VFs are lent, and to whom. */
function lendingHost(): LendingHost & { readonly lent: Map<string, string> } {
  const lent = new Map<string, string>();
  return {
    lent,
    lendVf(of, { vm }) {
      if (lent.has(of)) throw new Error(`PCI device ${of} is in use`);
      lent.set(of, vm);
    },
    returnVf: (of) => void lent.delete(of),
  };
}

const isRefused = (words: string): unknown =>
  expect.objectContaining({ code: 'hypervisor.refused', message: expect.stringContaining(words) });

describe('a simulated hypervisor', () => {
  it('begins with VMs that run and one that does not', async () => {
    const vms = await openSimHypervisor().listVms();
    expect(vms.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'web-1 running',
      'web-2 running',
      'db-1 stopped',
    ]);
  });

  it('finds VMs by name and by UUID, and not by anything else', async () => {
    const hypervisor = openSimHypervisor();
    const { uuid } = await hypervisor.readVm('web-2');
    expect((await hypervisor.readVm(uuid.toUpperCase())).name).toBe('web-2');
    for (const name of ['', 'web', '../../x', '__proto__'])
      await expect(hypervisor.readVm(name)).rejects.toThrow(expect.objectContaining({ code: 'vm.unknown' }));
  });

  it('is seen the same by all processes that have its file', async () => {
    const stateFile = join(folder, 'vms.json');
    const [one, other] = [openSimHypervisor({ stateFile }), openSimHypervisor({ stateFile })];
    const { uuid } = await one.readVm('web-1');
    const aliases = Array.from({ length: 8 }, (_, at) => `ua-${at}`);
    await Promise.all(
      aliases.map(async (alias, at) =>
        (at % 2 === 0 ? one : other).attachNic(
          uuid,
          { standby: { kind: 'bridge', bridge: 'br0', mac: vf.mac, alias } },
          live,
        ),
      ),
    );
    const made = (await other.readVm(uuid)).nics.map(({ alias }) => alias);
    expect(made).toHaveLength(aliases.length);
    expect(new Set(made)).toEqual(new Set(aliases));
    await other.define(newVm('"><hostdev', 9));
    expect((await one.readVm('"><hostdev')).state).toBe('running');
  });

  it('says which file is none of its', async () => {
    const stateFile = join(folder, 'vms.json');
    writeFileSync(stateFile, '{"vms":');
    await expect(openSimHypervisor({ stateFile }).listVms()).rejects.toThrow(
      expect.objectContaining({ code: 'host.invalid', details: { file: stateFile } }),
    );
  });

  it('gives a VF to one VM at a time, and takes it back however the VM ends', async () => {
    const host = lendingHost();
    const hypervisor = openSimHypervisor({ host });
    const { uuid } = await hypervisor.readVm('web-1');
    const { uuid: second } = await hypervisor.readVm('web-2');
    for (const end of ['stop', 'crash', 'destroy'] as const) {
      await hypervisor.attachNic(uuid, { vf }, live);
      expect(host.lent.get(address)).toBe('web-1');
      await expect(hypervisor.attachNic(second, { vf }, live)).rejects.toThrow(isRefused('in use'));
      await hypervisor[end]('web-1');
      expect(host.lent.size).toBe(0);
      await hypervisor.start('web-1');
      expect((await hypervisor.readVm(uuid)).nics).toEqual([]);
    }
  });

  it('plugs in at the start what the stored definition names', async () => {
    const host = lendingHost();
    const hypervisor = openSimHypervisor({ host });
    const { uuid } = await hypervisor.readVm('db-1');
    await hypervisor.attachNic(uuid, { vf }, stored);
    expect(host.lent.size).toBe(0);
    await hypervisor.start('db-1');
    expect((await hypervisor.readVm(uuid)).nics).toMatchObject([
      { kind: 'hostdev', alias: 'ua-vf', vlan: 7 },
    ]);
    await hypervisor.detachNic(uuid, 'ua-vf', both, 1000);
    await hypervisor.detachNic(uuid, 'ua-vf', both, 1000);
    expect(await hypervisor.readVm(uuid)).toMatchObject({ nics: [], storedNics: [] });
    expect(host.lent.size).toBe(0);
    await hypervisor.stop('db-1');
    await hypervisor.undefine('db-1');
    await hypervisor.detachNic(uuid, 'ua-vf', both, 1000);
  });

  it('refuses what libvirt refuses, and leaves the VM as it was', async () => {
    const hypervisor = openSimHypervisor({ host: lendingHost() });
    const { uuid } = await hypervisor.readVm('web-1');
    const { uuid: stopped } = await hypervisor.readVm('db-1');
    const attempts = [
      hypervisor.attachNic(stopped, { vf }, live),
      hypervisor.attachNic(uuid, { vf: { ...vf, standbyAlias: 'ua-nobody' } }, live),
      hypervisor.attachNic(uuid, { vf }, { live: false, stored: false }),
      hypervisor.start('web-1'),
      hypervisor.stop('db-1'),
    ];
    for (const attempt of attempts)
      await expect(attempt).rejects.toThrow(isRefused('the simulated hypervisor says'));
    await hypervisor.attachNic(uuid, { vf }, both);
    await expect(hypervisor.attachNic(uuid, { vf }, live)).rejects.toThrow(
      isRefused('alias ua-vf is in use'),
    );
    expect((await hypervisor.readVm(uuid)).nics).toHaveLength(1);
  });

  it('pins what is named and leaves the rest', async () => {
    const hypervisor = openSimHypervisor();
    const { uuid } = await hypervisor.readVm('web-1');
    await hypervisor.pin(uuid, { vcpuPins: { '0': [2, 3] }, memoryNodes: [0] }, both);
    await hypervisor.pin(uuid, { emulatorPin: [1] }, live);
    const { placement, storedPlacement } = await hypervisor.readVm(uuid);
    expect(placement).toMatchObject({ vcpuPins: { '0': [2, 3] }, memoryNodes: [0], emulatorPin: [1] });
    expect(storedPlacement).toMatchObject({ vcpuPins: { '0': [2, 3] }, memoryNodes: [0] });
    expect(storedPlacement).not.toHaveProperty('emulatorPin');
  });

  it('tells what happens to VMs, also what other processes do', async () => {
    const stateFile = join(folder, 'vms.json');
    const [watcher, actor] = [openSimHypervisor({ stateFile }), openSimHypervisor({ stateFile })];
    const stop = new AbortController();
    const seen: VmEvent[] = [];
    const watching = (async () => {
      for await (const event of watcher.watch(stop.signal)) seen.push(event);
    })();
    await actor.crash('web-1');
    await actor.start('db-1');
    await actor.undefine('web-1');
    await expect.poll(() => seen.length).toBe(3);
    stop.abort();
    await watching;
    expect(seen).toMatchObject([
      { kind: 'lifecycle', name: 'web-1', what: 'crashed' },
      { kind: 'lifecycle', name: 'db-1', what: 'started' },
      { kind: 'lifecycle', name: 'web-1', what: 'undefined' },
    ]);
  });
});

describe('a fault of a simulated hypervisor', () => {
  it('meets the calls that it names, as often as it says', async () => {
    const vms = newSimVms();
    const hypervisor = openSimHypervisor({
      vms,
      faults: [
        { operation: 'attach', vm: 'web-1', after: 1, times: 1, refusal: 'no' },
        { operation: 'detach', hang: true, times: 1 },
        { operation: 'list', unreachable: true },
        { operation: 'pin', lost: true },
      ],
    });
    const { uuid } = await hypervisor.readVm('web-1');
    const attach = async (alias: string): Promise<void> =>
      hypervisor.attachNic(uuid, { standby: { kind: 'bridge', bridge: 'br0', mac: vf.mac, alias } }, live);
    await attach('ua-1');
    await expect(attach('ua-2')).rejects.toThrow(isRefused('no'));
    await attach('ua-2');
    await expect(hypervisor.detachNic(uuid, 'ua-1', live, 50)).rejects.toThrow(
      expect.objectContaining({ code: 'hypervisor.timeout' }),
    );
    await hypervisor.detachNic(uuid, 'ua-1', live, 50);
    await expect(hypervisor.listVms()).rejects.toThrow(
      expect.objectContaining({ code: 'hypervisor.unreachable' }),
    );
    await expect(hypervisor.pin(uuid, { emulatorPin: [0] }, live)).rejects.toThrow(/does not answer/);
    const vm = await hypervisor.readVm(uuid);
    expect(vm.nics.map(({ alias }) => alias)).toEqual(['ua-2']);
    expect(vm.placement.emulatorPin).toEqual([0]);
  });

  it.each([
    ['before', 0],
    ['after', 1],
  ] as const)('kills the process %s a change', async (kill, nics) => {
    const vms = newSimVms();
    let deaths = 0;
    const onKill = (): void => void (deaths += 1);
    const hypervisor = openSimHypervisor({ vms, onKill, faults: [{ operation: 'change', kill }] });
    const { uuid } = await hypervisor.readVm('web-1');
    void hypervisor.attachNic(uuid, { vf }, live);
    await expect.poll(() => deaths).toBe(1);
    expect(vms.vms[0]?.nics).toHaveLength(nics);
  });
});
