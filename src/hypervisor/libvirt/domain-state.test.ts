import { describe, expect, test } from 'vitest';
import { VfleetError } from '../../base/errors.ts';
import { Vm } from '../../model/vm.ts';
import { formatUuid, parseUuid, unreadableVm, vmOf, vmStateOf } from './domain-state.ts';
import { vmEventOf } from './domain-events.ts';
import { liveXml } from './domain-xml.fixture.ts';

const uuid = '670aafad-6532-45b9-bbca-69bea8497faa';
const dom = { name: 'web-1', uuid: Buffer.from(uuid.replaceAll('-', ''), 'hex'), id: 7 };

describe('a VM', () => {
  test.each([
    [1, 1, 'running'],
    [2, 0, 'running'],
    [3, 1, 'paused'],
    [4, 1, 'stopping'],
    [7, 0, 'suspended'],
    [6, 1, 'paused'],
    [99, 0, 'running'],
  ])('with a process in state %d (%d) is %s', (state, reason, expected) => {
    expect(vmStateOf(7, { state, reason })).toBe(expected);
  });

  test.each([
    [5, 1, 'stopped'],
    [5, 3, 'crashed'],
    [6, 0, 'crashed'],
    [0, 0, 'stopped'],
  ])('without a process in state %d (%d) is %s', (state, reason, expected) => {
    expect(vmStateOf(-1, { state, reason })).toBe(expected);
  });

  test('has nothing of a definition that it does not have', () => {
    const state = { state: 1, reason: 1 };
    const transient = vmOf({ dom, state, persistent: false, liveXml, storedXml: undefined });
    expect(transient).toMatchObject({ uuid, state: 'running', persistent: false, storedNics: [] });
    expect(Vm.parse(transient)).toEqual(transient);
    expect(transient.nics).toHaveLength(5);
    expect(transient).not.toHaveProperty('storedPlacement');
    const stopped = { ...dom, id: -1 };
    const stored = vmOf({
      dom: stopped,
      state: { state: 5, reason: 0 },
      persistent: true,
      liveXml: undefined,
      storedXml: liveXml,
    });
    expect(stored).toMatchObject({ state: 'stopped', nics: [], placement: { vcpuCount: 4 } });
    expect(stored.storedNics).toHaveLength(5);
  });

  test('that stopped while it was read has no interfaces', () => {
    const gone = liveXml.replace(" id='7'", '');
    const vm = vmOf({
      dom,
      state: { state: 5, reason: 1 },
      persistent: true,
      liveXml: gone,
      storedXml: gone,
    });
    expect(vm).toMatchObject({ state: 'stopped', nics: [] });
  });

  test('whose definition cannot be read is there, with what stands in it that is nobody else’s', () => {
    const storedXml =
      "<domain><m:x/><mac address='52:54:00:AA:bb:01'/>52:54:00:aa:bb:01 fe80::1:2 0000:3b:10.2";
    const facts = { dom, state: { state: 1, reason: 1 }, persistent: true, liveXml, storedXml };
    expect(() => vmOf(facts)).toThrow(expect.objectContaining({ code: 'hypervisor.malformed' }));
    const vm = unreadableVm(facts, 'it cannot be read');
    expect(Vm.parse(vm)).toEqual(vm);
    const { nics: read } = vmOf({ ...facts, storedXml: undefined });
    const of = (nics: Vm['nics'], what: 'mac' | 'hostAddress') =>
      new Set(nics.flatMap((nic) => nic[what] ?? []));
    for (const what of ['mac', 'hostAddress'] as const) expect(of(vm.nics, what)).toEqual(of(read, what));
    expect(vm).toMatchObject({
      name: 'web-1',
      uuid,
      state: 'running',
      problem: 'it cannot be read',
      storedNics: [{ kind: 'unknown', mac: '52:54:00:aa:bb:01' }],
      placement: { vcpuPins: {} },
    });
    expect(unreadableVm({ ...facts, dom: { ...dom, id: -1 } }, '').state).toBe('stopped');
  });

  test('of which one definition is withheld has at least what the other one says', () => {
    const refusal = new VfleetError('hypervisor.refused', 'no');
    const facts = {
      dom,
      state: { state: 1, reason: 1 },
      persistent: true,
      liveXml,
      storedXml: undefined,
      refusal,
    };
    expect(() => vmOf(facts)).toThrow(refusal);
    const vm = unreadableVm(facts, 'no');
    expect(Vm.parse(vm)).toEqual(vm);
    expect(vm).toMatchObject({ withheld: true, storedNics: [] });
    expect(vm.nics).not.toEqual([]);
  });

  test('is known by a UUID in any case, and by nothing else that looks like one', () => {
    expect(parseUuid(uuid)?.toString('hex')).toBe(uuid.replaceAll('-', ''));
    expect(formatUuid(parseUuid(uuid.toUpperCase()) ?? Buffer.alloc(16))).toBe(uuid);
    for (const text of ['', 'web-1', uuid.slice(1), `${uuid} `, uuid.replaceAll('-', '')]) {
      expect(parseUuid(text)).toBeUndefined();
    }
  });
});

describe('an event', () => {
  test.each([
    [0, 0, 'defined'],
    [1, 0, 'undefined'],
    [2, 0, 'started'],
    [3, 0, 'suspended'],
    [4, 0, 'resumed'],
    [5, 0, 'stopped'],
    [5, 2, 'crashed'],
    [5, 5, 'crashed'],
    [6, 0, undefined],
    [7, 0, 'suspended'],
    [8, 0, 'crashed'],
    [77, 0, undefined],
  ])('%d (%d) is %s', (event, detail, what) => {
    expect(vmEventOf({ kind: 'lifecycle', dom, event, detail })).toEqual(
      what === undefined ? undefined : { kind: 'lifecycle', uuid, name: 'web-1', what },
    );
  });
});
