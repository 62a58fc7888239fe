import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Daemon } from './daemon.fixture.ts';
import { refuse, reply, startDaemon } from './daemon.fixture.ts';
import { Vm } from '../../model/vm.ts';
import { readDefinition } from './definition.ts';
import { listVms, readVm } from './domain-reader.ts';
import { LibvirtClient } from './libvirt-client.ts';
import { procedures } from './remote-protocol.ts';
import { decodeXdr } from './xdr.ts';

const dom = (name: string, byte: number) => ({ name, uuid: Buffer.alloc(16, byte), id: -1 });
const doms = [dom('odd', 1), dom('plain', 2)];

const noReason = 1;
const accessDenied = 88;
const noDomain = 42;

describe('VMs of which one has a definition that cannot be read', () => {
  let daemon: Daemon;
  let client: LibvirtClient;
  /** What libvirt answers to who asks for the definition of the odd one; undefined: a definition that nobody can read. */
  let refusal: number | undefined;

  beforeEach(async () => {
    refusal = undefined;
    daemon = await startDaemon();
    daemon.behave((call, socket) => {
      const { procedure } = call.header;
      if (procedure === procedures.connectGetAllDomainStats.number) {
        const records = doms.map((each) => ({ dom: each, params: [] }));
        reply(socket, call, procedures.connectGetAllDomainStats, { records });
      } else if (procedure === procedures.connectListAllDomains.number) {
        reply(socket, call, procedures.connectListAllDomains, { domains: doms, count: doms.length });
      } else if (procedure === procedures.domainLookupByName.number) {
        const [odd = dom('', 0)] = doms;
        reply(socket, call, procedures.domainLookupByName, { dom: odd });
      } else if (procedure === procedures.domainGetState.number) {
        reply(socket, call, procedures.domainGetState, { state: 5, reason: 0 });
      } else if (procedure === procedures.domainIsPersistent.number) {
        reply(socket, call, procedures.domainIsPersistent, { persistent: 1 });
      } else if (procedure === procedures.domainGetXmlDesc.number) {
        const { name } = decodeXdr(procedures.domainGetXmlDesc.args, call.payload).dom;
        const nic = "<interface type='bridge'><mac address='52:54:00:12:34:56'/></interface>";
        if (name === 'odd' && refusal !== undefined) {
          refuse(socket, call, refusal, 'it cannot be');
          return true;
        }
        const xml = `<domain><devices>${nic}</devices>${name === 'odd' ? '<broken:x/>' : ''}</domain>`;
        reply(socket, call, procedures.domainGetXmlDesc, { xml });
      } else return false;
      return true;
    });
    client = new LibvirtClient({ socketPath: daemon.socketPath });
  });

  afterEach(async () => {
    client.close();
    await daemon.stop();
  });

  test('are listed all the same, that one with the reason', async () => {
    const [odd, plain] = await listVms(client, readDefinition);
    expect(odd).toMatchObject({
      name: 'odd',
      state: 'stopped',
      persistent: true,
      problem: expect.stringContaining('the definition of "odd" is not XML'),
      storedNics: [{ kind: 'unknown', mac: '52:54:00:12:34:56' }],
    });
    expect(plain).toMatchObject({ name: 'plain', storedNics: [{ kind: 'bridge' }] });
    expect(plain).not.toHaveProperty('problem');
  });

  test.each([
    [noReason, 'hypervisor.refused'],
    [accessDenied, 'permission.missing'],
  ])('are listed when libvirt refuses to give it (error %d), with what libvirt says', async (error, code) => {
    refusal = error;
    const [odd, plain] = await listVms(client, readDefinition);
    expect(odd).toMatchObject({
      name: 'odd',
      state: 'stopped',
      problem: `the definition of "odd" is not to be had: libvirt: it cannot be (error ${error})`,
      withheld: true,
      nics: [],
      storedNics: [],
    });
    expect(Vm.parse(odd)).toEqual(odd);
    expect(plain).toMatchObject({ name: 'plain', storedNics: [{ kind: 'bridge' }] });
    expect(plain).not.toHaveProperty('problem');
    await expect(readVm(client, readDefinition, 'odd')).rejects.toMatchObject({
      code,
      message: odd?.problem,
    });
  });

  test('are listed without one that goes away before its definition is given', async () => {
    refusal = noDomain;
    expect((await listVms(client, readDefinition)).map(({ name }) => name)).toEqual(['plain']);
    await expect(readVm(client, readDefinition, 'odd')).rejects.toMatchObject({ code: 'vm.unknown' });
  });

  test('are not read one by one as if that one had nothing', async () => {
    await expect(readVm(client, readDefinition, 'odd')).rejects.toMatchObject({
      code: 'hypervisor.malformed',
    });
  });
});
