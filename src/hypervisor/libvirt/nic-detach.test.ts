import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Daemon } from './daemon.fixture.ts';
import { refuse, reply, startDaemon } from './daemon.fixture.ts';
import { formatUuid } from './domain-state.ts';
import { LibvirtClient } from './libvirt-client.ts';
import type { Message } from './message.ts';
import { detachNic } from './nic-detach.ts';
import { procedures } from './remote-protocol.ts';
import { decodeXdr } from './xdr.ts';

const dom = { name: 'web-1', uuid: Buffer.alloc(16, 1), id: 3 };
const uuid = formatUuid(dom.uuid);
const alias = 'ua-vfleet-1';
const live = { live: true, stored: false };
const stored = { live: false, stored: true };
const busy = 'Timed out during operation: cannot acquire state change lock (held by monitor=attach)';

/** What libvirt makes of an unplug that it is asked for. */
type Answer = 'done' | 'silence' | 'busy' | 'queue full' | 'no such device' | 'in other words';

/** A VM whose interface can come and go behind the back of whoever unplugs it. */
class Machine {
  isDefined = true;
  isRunning = true;
  hasLive = false;
  hasStored = false;
  answer: Answer = 'done';
  asked = 0;
  onAsk: () => void = () => {};

  hear(call: Message, socket: Socket): boolean {
    const { procedure } = call.header;
    if (procedure === procedures.domainLookupByUuid.number) {
      if (this.isDefined) reply(socket, call, procedures.domainLookupByUuid, { dom });
      else refuse(socket, call, 42, 'Domain not found');
    } else if (procedure === procedures.domainLookupByName.number) {
      refuse(socket, call, 42, 'Domain not found');
    } else if (procedure === procedures.domainIsPersistent.number) {
      reply(socket, call, procedures.domainIsPersistent, { persistent: 1 });
    } else if (procedure === procedures.domainGetXmlDesc.number) {
      const { flags } = decodeXdr(procedures.domainGetXmlDesc.args, call.payload);
      const nic = `<interface type='hostdev'><alias name='${alias}'/></interface>`;
      const devices = (flags === 0 && this.isRunning ? this.hasLive : this.hasStored) ? nic : '';
      const id = flags === 0 && this.isRunning ? " id='3'" : '';
      const xml = `<domain${id}><devices>${devices}</devices></domain>`;
      reply(socket, call, procedures.domainGetXmlDesc, { xml });
    } else if (procedure === procedures.domainDetachDeviceAlias.number) this.#detach(call, socket);
    else return false;
    return true;
  }

  #detach(call: Message, socket: Socket): void {
    const { flags } = decodeXdr(procedures.domainDetachDeviceAlias.args, call.payload);
    this.asked += 1;
    const { answer } = this;
    if (answer === 'done') {
      if (flags === 1) this.hasLive = false;
      else this.hasStored = false;
      reply(socket, call, procedures.domainDetachDeviceAlias, undefined);
    } else if (answer === 'busy') refuse(socket, call, 68, busy);
    else if (answer === 'queue full') refuse(socket, call, 9, 'cannot acquire lock due to max_queued limit');
    else if (answer === 'no such device')
      refuse(socket, call, 1, `internal error: no device found with alias ${alias}`);
    else if (answer === 'in other words')
      refuse(socket, call, 1, `Interner Fehler: kein Gerät mit Alias ${alias} gefunden`);
    this.onAsk();
  }
}

describe('an interface that is unplugged', () => {
  let daemon: Daemon;
  let client: LibvirtClient;
  let machine: Machine;

  beforeEach(async () => {
    machine = new Machine();
    daemon = await startDaemon();
    daemon.behave((call, socket) => machine.hear(call, socket));
    client = new LibvirtClient({ socketPath: daemon.socketPath });
  });

  afterEach(async () => {
    vi.useRealTimers();
    client.close();
    await daemon.stop();
  });

  /** Lets so much time go by, a second for each turn of what is on its way. */
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      for (let turns = 0; turns < 20; turns += 1) await turn();
      vi.advanceTimersByTime(1000);
    }
  }

  /** What a detach comes to when time is not waited for. */
  async function outcomeOf(detaching: Promise<void>, seconds: number): Promise<string> {
    let outcome = 'under way';
    void detaching.then(
      () => (outcome = 'gone'),
      (thrown: { code: string; details: { errno?: string } }) =>
        (outcome = [thrown.code, thrown.details.errno ?? []].flat().join(' ')),
    );
    await pass(seconds);
    return outcome;
  }

  function useFakeTime(): void {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  }

  test.each([
    ['busy', 'hypervisor.timeout VIR_ERR_OPERATION_TIMEOUT'],
    ['queue full', 'hypervisor.refused VIR_ERR_9'],
  ] as const)('and not seen is not gone while libvirt is too busy to begin: %s', async (answer, outcome) => {
    machine.answer = answer;
    for (const scope of [live, stored])
      expect(
        await detachNic(client, uuid, alias, scope, 1000).catch(
          (thrown: { code: string; details: { errno: string } }) => `${thrown.code} ${thrown.details.errno}`,
        ),
      ).toBe(outcome);
  });

  test('and not seen is not gone while libvirt answers nothing', async () => {
    useFakeTime();
    machine.answer = 'silence';
    expect(await outcomeOf(detachNic(client, uuid, alias, live, 1500), 60)).toBe('hypervisor.timeout');
    expect(await outcomeOf(detachNic(client, uuid, alias, stored, 1500), 700)).toBe('hypervisor.timeout');
  });

  test('and not seen is gone when libvirt answers at last', async () => {
    useFakeTime();
    machine.answer = 'silence';
    machine.onAsk = () => (machine.answer = 'no such device');
    expect(await outcomeOf(detachNic(client, uuid, alias, live, 120_000), 60)).toBe('gone');
    expect(machine.asked).toBe(2);
  });

  test('and not seen is gone when libvirt says so, in whatever language', async () => {
    machine.answer = 'in other words';
    for (const scope of [live, stored]) await detachNic(client, uuid, alias, scope, 5000);
    machine.hasLive = true;
    machine.hasStored = true;
    for (const scope of [live, stored])
      await expect(detachNic(client, uuid, alias, scope, 5000)).rejects.toMatchObject({
        code: 'hypervisor.refused',
        message: expect.stringContaining('Interner Fehler'),
      });
  });

  test('is waited for until libvirt has had its own time to answer', async () => {
    useFakeTime();
    machine.answer = 'silence';
    const detaching = detachNic(client, uuid, alias, live, 30_000);
    expect(await outcomeOf(detaching, 40)).toBe('under way');
    expect(await outcomeOf(detaching, 10)).toBe('hypervisor.timeout');
  });

  test('and was seen is gone when it is no longer seen, whatever libvirt answers', async () => {
    machine.hasLive = true;
    machine.answer = 'queue full';
    machine.onAsk = () => (machine.hasLive = false);
    await detachNic(client, uuid, alias, live, 1000);
    expect(machine.asked).toBe(1);
  });

  test.each(['silence', 'busy', 'queue full'] as const)(
    'goes with its VM, whatever libvirt answers: %s',
    async (answer) => {
      useFakeTime();
      machine.hasLive = true;
      machine.answer = answer;
      machine.onAsk = () => (machine.isRunning = false);
      expect(await outcomeOf(detachNic(client, uuid, alias, live, 1000), 60)).toBe('gone');
    },
  );

  test('of a VM that is no more is gone', async () => {
    machine.isDefined = false;
    await detachNic(client, uuid, alias, { live: true, stored: true }, 1000);
    expect(machine.asked).toBe(0);
  });
});
