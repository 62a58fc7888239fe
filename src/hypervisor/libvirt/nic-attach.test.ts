import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Daemon } from './daemon.fixture.ts';
import { refuse, reply, startDaemon } from './daemon.fixture.ts';
import { formatUuid } from './domain-state.ts';
import { LibvirtClient } from './libvirt-client.ts';
import type { Message } from './message.ts';
import { attachNic } from './nic-attach.ts';
import { detachNic } from './nic-detach.ts';
import { procedures } from './remote-protocol.ts';
import { decodeXdr } from './xdr.ts';

const dom = { name: 'odd', uuid: Buffer.alloc(16, 3), id: 5 };
const uuid = formatUuid(dom.uuid);
const both = { live: true, stored: true };
const live = { live: true, stored: false };
const nic = { standby: { kind: 'bridge', bridge: 'br0', mac: '52:54:00:12:34:56', alias: 'ua-1' } } as const;

/** A VM on a machine whose slots vfleet does not know: each of its two definitions gives out addresses by itself. */
class OddMachine {
  readonly live: string[] = [];
  readonly stored: string[] = [];
  readonly asked: string[] = [];
  /** Bus that the next device gets, where it names none. */
  nextLiveBus = 7;
  nextStoredBus = 3;
  takenStoredBus = -1;
  unplugs = 0;
  /** How often the guest has to be asked. */
  unplugsNeeded = 1;
  /** Words with which an unplug is refused, and what happens then. */
  refusal: string | undefined;
  afterRefusal: () => void = () => {};

  hear(call: Message, socket: Socket): boolean {
    const { procedure } = call.header;
    if (procedure === procedures.domainLookupByUuid.number) {
      reply(socket, call, procedures.domainLookupByUuid, { dom });
    } else if (procedure === procedures.domainIsPersistent.number) {
      reply(socket, call, procedures.domainIsPersistent, { persistent: 1 });
    } else if (procedure === procedures.domainGetXmlDesc.number) {
      const { flags } = decodeXdr(procedures.domainGetXmlDesc.args, call.payload);
      const devices = (flags === 0 ? this.live : this.stored).join('');
      const xml = `<domain${flags === 0 ? " id='5'" : ''}><devices>${devices}</devices></domain>`;
      reply(socket, call, procedures.domainGetXmlDesc, { xml });
    } else if (procedure === procedures.domainAttachDeviceFlags.number) this.#attach(call, socket);
    else if (procedure === procedures.domainDetachDeviceAlias.number) this.#detach(call, socket);
    else return false;
    return true;
  }

  #attach(call: Message, socket: Socket): void {
    const { xml, flags } = decodeXdr(procedures.domainAttachDeviceFlags.args, call.payload);
    this.asked.push(`attach ${flags}`);
    if (xml.includes(`bus="0x0${this.takenStoredBus}"`)) {
      return refuse(socket, call, 27, 'XML error: Attempted double use of PCI Address 0000:07:00.0');
    }
    if (flags & 1) this.live.push(placed(xml, this.nextLiveBus));
    if (flags & 2) this.stored.push(placed(xml, this.nextStoredBus));
    reply(socket, call, procedures.domainAttachDeviceFlags, undefined);
  }

  #detach(call: Message, socket: Socket): void {
    const { flags, alias } = decodeXdr(procedures.domainDetachDeviceAlias.args, call.payload);
    this.asked.push(`detach ${flags} ${alias}`);
    if (this.refusal !== undefined) {
      refuse(socket, call, 38, this.refusal);
      return this.afterRefusal();
    }
    if (flags === 2) this.stored.pop();
    else {
      this.unplugs += 1;
      if (this.unplugs >= this.unplugsNeeded) this.live.pop();
      else return refuse(socket, call, 1, 'Device ua-1 is already in the process of unplug');
    }
    reply(socket, call, procedures.domainDetachDeviceAlias, undefined);
  }
}

function placed(xml: string, bus: number): string {
  const given = xml.includes('bus="0x');
  return given
    ? xml
    : xml.replace('</interface>', `<address type='pci' bus='0x0${bus}' slot='0'/></interface>`);
}

describe('on a machine whose slots vfleet does not know', () => {
  let daemon: Daemon;
  let client: LibvirtClient;
  let machine: OddMachine;

  beforeEach(async () => {
    machine = new OddMachine();
    daemon = await startDaemon();
    daemon.behave((call, socket) => machine.hear(call, socket));
    client = new LibvirtClient({ socketPath: daemon.socketPath });
  });

  afterEach(async () => {
    client.close();
    await daemon.stop();
  });

  test('the stored definition gets the address of the running VM', async () => {
    await attachNic(client, uuid, nic, both);
    expect(machine.asked).toEqual(['attach 3', 'detach 2 ua-1', 'attach 2']);
    expect(machine.live).toHaveLength(1);
    expect(machine.stored).toEqual([expect.stringContaining('bus="0x07"')]);
  });

  test('nothing is mended where both are the same', async () => {
    machine.nextStoredBus = 7;
    await attachNic(client, uuid, nic, both);
    expect(machine.asked).toEqual(['attach 3']);
  });

  test('where that address is taken the interface is in neither, and the refusal says why', async () => {
    machine.takenStoredBus = 7;
    await expect(attachNic(client, uuid, nic, both)).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringMatching(/^the guest address 0000:07:00\.0 is not free .*double use/),
      hint: expect.stringContaining('start it again'),
    });
    expect([machine.live, machine.stored]).toEqual([[], []]);
  });

  test('a guest that is at it already is waited for, and asked again', async () => {
    await attachNic(client, uuid, nic, live);
    machine.unplugsNeeded = 2;
    await detachNic(client, uuid, 'ua-1', live, 30_000);
    expect(machine.asked.slice(1)).toEqual(['detach 1 ua-1', 'detach 1 ua-1']);
    expect(machine.live).toEqual([]);
  });

  test('a VM that ends while its guest is asked is a success, a refusal that stays is one', async () => {
    await attachNic(client, uuid, nic, live);
    machine.refusal = 'Unable to read from monitor: Connection reset by peer';
    await expect(detachNic(client, uuid, 'ua-1', live, 30_000)).rejects.toMatchObject({
      code: 'hypervisor.refused',
      message: expect.stringContaining('Unable to read from monitor'),
    });
    machine.afterRefusal = () => machine.live.pop();
    await detachNic(client, uuid, 'ua-1', live, 30_000);
    expect(machine.asked.filter((asked) => asked.startsWith('detach'))).toHaveLength(2);
  });

  test('an interface that is nowhere is asked for once: an attach may be under way that nobody sees yet', async () => {
    await detachNic(client, uuid, 'ua-none', both, 1000);
    expect(machine.asked).toEqual(['detach 2 ua-none', 'detach 1 ua-none']);
  });
});

describe('on a machine with PCI Express ports', () => {
  /** Two ports; the first attach finds `device` in one of them, and is refused. */
  async function attachBeside(device: string): Promise<{ asked: string[]; outcome: string }> {
    const daemon = await startDaemon();
    const client = new LibvirtClient({ socketPath: daemon.socketPath });
    const devices = [1, 2].map((index) => `<controller type='pci' index='${index}' model='pcie-root-port'/>`);
    const asked: string[] = [];
    daemon.behave((call, socket) => {
      const { procedure } = call.header;
      if (procedure === procedures.domainLookupByUuid.number)
        reply(socket, call, procedures.domainLookupByUuid, { dom });
      else if (procedure === procedures.domainGetXmlDesc.number) {
        const xml = `<domain id='5'><devices>${devices.join('')}</devices></domain>`;
        reply(socket, call, procedures.domainGetXmlDesc, { xml });
      } else if (procedure === procedures.domainAttachDeviceFlags.number) {
        const { xml } = decodeXdr(procedures.domainAttachDeviceFlags.args, call.payload);
        asked.push(/bus="(0x\d\d)"/.exec(xml)?.[1] ?? 'none');
        if (asked.length > 1) reply(socket, call, procedures.domainAttachDeviceFlags, undefined);
        else refuse(socket, call, 27, 'XML-Fehler: PCI-Adresse 0000:01:00.0 wird doppelt verwendet');
        devices.push(device);
      } else return false;
      return true;
    });
    try {
      const outcome = await attachNic(client, uuid, nic, both).then(
        () => 'plugged',
        (thrown: Error) => thrown.message,
      );
      return { asked, outcome };
    } finally {
      client.close();
      await daemon.stop();
    }
  }
  const place = `<address type='pci' bus='0x01' slot='0x00'/>`;

  test('another port is taken when somebody was quicker with one, in whatever language libvirt says so', async () => {
    expect(await attachBeside(`<disk>${place}</disk>`)).toEqual({
      asked: ['0x01', '0x02'],
      outcome: 'plugged',
    });
  });

  test('a refusal counts where the port is free, and where the interface itself is in it', async () => {
    for (const device of ['', `<interface type='bridge'><alias name='ua-1'/>${place}</interface>`])
      expect(await attachBeside(device)).toEqual({
        asked: ['0x01'],
        outcome: expect.stringContaining('doppelt'),
      });
  });
});
