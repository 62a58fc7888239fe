import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Hypervisor, VmEvent } from '../../src/hypervisor/hypervisor.ts';
import { connectLibvirt } from '../../src/hypervisor/libvirt/hypervisor.ts';
import { LibvirtClient } from '../../src/hypervisor/libvirt/libvirt-client.ts';
import { procedures } from '../../src/hypervisor/libvirt/remote-protocol.ts';
import { Vm } from '../../src/model/vm.ts';
import type { Libvirtd } from './libvirtd.fixture.ts';
import {
  define,
  domainXml,
  libvirtdIsThere,
  remove,
  startLibvirtd,
  startPaused,
} from './libvirtd.fixture.ts';

/** Waits until a condition holds; the test's own limit ends it otherwise. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Names that were made to break something; libvirt takes neither a slash nor a line break in one. */
const hostileNames = [
  '"><hostdev x=\'',
  // Just `..` libvirt 9 itself cannot undefine again.
  '..x',
  '-rf',
  '$(reboot)`reboot`;&',
  '<!DOCTYPE a>&amp;&lt;',
  'ünïcödé 漢字 🦆',
  '%s%n%00',
  '00000000-0000-0000-0000-000000000001',
  ' x ',
];

describe.skipIf(!libvirtdIsThere)('a connection to a real libvirtd', () => {
  let libvirtd: Libvirtd;
  let client: LibvirtClient;
  let hypervisor: Hypervisor;

  beforeAll(async () => {
    libvirtd = await startLibvirtd();
    client = new LibvirtClient({ socketPath: libvirtd.socketPath });
    hypervisor = await connectLibvirt({ socketPath: libvirtd.socketPath });
  });

  afterAll(async () => {
    hypervisor?.close();
    client?.close();
    await libvirtd?.stop();
  });

  test('lists what virsh lists, with hostile names as they are', async () => {
    const doms = await Promise.all(hostileNames.map((name) => define(client, domainXml(name))));
    const vms = await hypervisor.listVms();
    expect(vms.map(({ name }) => name).sort()).toEqual([...hostileNames].sort());
    expect(new Set(vms.map(({ uuid }) => uuid))).toEqual(
      new Set((await libvirtd.virsh('list', '--all', '--uuid')).trim().split('\n')),
    );
    expect(vms.map((vm) => Vm.parse(vm))).toEqual(vms);
    for (const name of hostileNames) {
      const vm = await hypervisor.readVm(name);
      expect(vm).toMatchObject({ name, state: 'stopped', persistent: true, nics: [] });
      await hypervisor.pin(vm.uuid, { emulatorPin: [0] }, { live: false, stored: true });
      expect(await hypervisor.readVm(vm.uuid)).toMatchObject({ name, storedPlacement: { emulatorPin: [0] } });
    }
    await Promise.all(doms.map((dom) => remove(client, dom)));
    expect(await hypervisor.listVms()).toEqual([]);
  });

  test('knows no VM of a name that none has, however strange', async () => {
    const names = [
      'no-such-vm',
      '',
      '../../x',
      '\0',
      'a\0b',
      '\ud800',
      'x'.repeat(300),
      'y'.repeat(6_000_000),
    ];
    for (const name of names) {
      await expect(hypervisor.readVm(name)).rejects.toMatchObject({
        code: 'vm.unknown',
        message: expect.stringMatching(/^.{1,300}$/),
      });
    }
  });

  test('tells states and definitions apart', async () => {
    const dom = await define(client, domainXml('states'));
    await startPaused(client, dom);
    expect(await hypervisor.readVm('states')).toMatchObject({ state: 'paused', persistent: true });
    await client.call(procedures.domainResume, { dom });
    expect(await hypervisor.readVm('states')).toMatchObject({ state: 'running' });
    await client.call(procedures.domainSuspend, { dom });
    // Without its definition it goes on, and is gone with its end.
    await client.call(procedures.domainUndefineFlags, { dom, flags: 0 });
    const [transient] = await hypervisor.listVms();
    expect(transient).toMatchObject({ name: 'states', persistent: false, storedNics: [] });
    expect(transient?.storedPlacement).toBeUndefined();
    await client.call(procedures.domainDestroy, { dom });
    await expect(hypervisor.readVm('states')).rejects.toMatchObject({ code: 'vm.unknown' });
  });

  test('a VM whose process is killed has crashed', async () => {
    const dom = await define(client, domainXml('crashes'));
    await startPaused(client, dom);
    const events: VmEvent[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of hypervisor.watch(stop.signal)) events.push(event);
    })();
    await libvirtd.inside('sh', '-c', 'kill -KILL $(cat /run/libvirt/qemu/crashes.pid)');
    // What was made before this test may still be spoken of, and that events may have been lost.
    const ends = () =>
      events.filter((event) => event.kind === 'lifecycle' && ['stopped', 'crashed'].includes(event.what));
    await until(() => ends().length > 0);
    expect(ends()[0]).toMatchObject({ name: 'crashes', what: 'crashed' });
    expect(await hypervisor.readVm('crashes')).toMatchObject({ state: 'crashed', nics: [] });
    stop.abort();
    await watching;
    await remove(client, dom);
  });

  test('hears everything that happens to a VM, in order', async () => {
    const stop = new AbortController();
    const events: VmEvent[] = [];
    const watching = (async () => {
      for await (const event of hypervisor.watch(stop.signal)) events.push(event);
    })();
    const dom = await define(client, domainXml('heard'));
    await startPaused(client, dom);
    await client.call(procedures.domainResume, { dom });
    await client.call(procedures.domainSuspend, { dom });
    await client.call(procedures.domainDestroy, { dom });
    await client.call(procedures.domainUndefineFlags, { dom, flags: 0 });
    // What was made before this test may still be spoken of.
    const what = () =>
      events.flatMap((event) => (event.kind === 'lifecycle' && event.name === 'heard' ? [event.what] : []));
    await until(() => what().includes('undefined'));
    stop.abort();
    await watching;
    const first = what();
    // A VM that is started paused is started and suspended in one.
    expect(first.filter((each, index) => each !== first[index - 1])).toEqual([
      'defined',
      'started',
      'suspended',
      'resumed',
      'suspended',
      'stopped',
      'undefined',
    ]);
  });

  test('comes back after the daemon was killed, says so, and hears again; VMs have gone on', async () => {
    const dom = await define(client, domainXml('survivor'));
    await startPaused(client, dom);
    const stop = new AbortController();
    const events: VmEvent[] = [];
    const watching = (async () => {
      for await (const event of hypervisor.watch(stop.signal)) events.push(event);
    })();
    await libvirtd.kill();
    await expect(hypervisor.listVms()).rejects.toMatchObject({ code: 'hypervisor.unreachable' });
    await libvirtd.start();
    await until(() => events.some(({ kind }) => kind === 'reconnected'));
    expect(await hypervisor.readVm('survivor')).toMatchObject({ state: 'paused' });
    // A daemon that is still taking the VM over says then that it does not run any more, and tells nobody of its end:
    // this is why `reconnected` comes again a little later.
    await libvirtd.virsh('destroy', 'survivor').catch(() => undefined);
    const again = () => events.filter(({ kind }) => kind === 'reconnected').length > 1;
    await until(
      () => again() || events.some((event) => event.kind === 'lifecycle' && event.what === 'stopped'),
    );
    expect((await hypervisor.readVm('survivor')).state).toMatch(/^(?:stopped|crashed)$/);
    stop.abort();
    await watching;
    await remove(client, dom);
  });

  test('refuses a URI that the daemon does not have', async () => {
    await expect(
      connectLibvirt({ socketPath: libvirtd.socketPath, uri: 'xyz:///system' }),
    ).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringMatching(/^libvirt: [^\n]+$/),
    });
  });

  test('takes many calls at once', async () => {
    const dom = await define(client, domainXml('busy'));
    const reads = Array.from({ length: 300 }, () => hypervisor.readVm('busy'));
    expect(new Set((await Promise.all(reads)).map(({ uuid }) => uuid)).size).toBe(1);
    await remove(client, dom);
  });

  test('gives libvirt’s own words for a definition that it does not take', async () => {
    await expect(define(client, '<domain/>')).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringContaining('(error '),
    });
  });
});

test('without a daemon says what is missing in one line', async () => {
  await expect(connectLibvirt({ socketPath: '/nonexistent/libvirt-sock' })).rejects.toMatchObject({
    code: 'hypervisor.unreachable',
    message: expect.stringMatching(/^[^\n]*\/nonexistent\/libvirt-sock: ENOENT[^\n]*$/),
    hint: expect.stringMatching(/^[^\n]+$/),
  });
});
