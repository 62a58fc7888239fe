import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockHost } from '../../apply/host-lock.ts';
import { VfleetError } from '../../base/errors.ts';
import type { PfAddress } from '../../base/identifiers.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import { newSimVms, newVm } from '../../hypervisor/simulated/sim-vms.ts';
import { openSimHypervisor } from '../../hypervisor/simulated/sim-hypervisor.ts';
import type { SimVmFault } from '../../hypervisor/simulated/sim-vm-fault.ts';
import { KernelSession } from '../../kernel/session.ts';
import { listVirtfns, numVfsPath } from '../../kernel/sysfs/sriov.ts';
import type { Vm } from '../../model/vm.ts';
import { createSimKernel } from '../../sim/sim-kernel.ts';
import type { CliContext } from '../context.ts';
import { plainTerminal } from '../render/testing/plain-terminal.ts';
import type { PinOptions } from './pin.ts';
import { pinCommand } from './pinning.ts';

/** A card on node 1, and one of its VFs. */
const pf = '0000:98:00.0' as PfAddress;
const kernel = createSimKernel({ profile: 'mixed-numa' });
let vfAddress = '';
let stateFolder = '';

beforeEach(async () => {
  stateFolder = mkdtempSync(join(tmpdir(), 'vfleet-pin-'));
  await kernel.files.write(numVfsPath(pf), '2', 600_000);
  [vfAddress = ''] = listVirtfns(kernel.files, pf).values();
});
afterEach(() => rmSync(stateFolder, { recursive: true }));

/** A VM that runs with a VF of node 1. */
function vmWithVf(name: string, changes: Partial<Vm> = {}): Vm {
  const nic = { kind: 'hostdev', hostAddress: vfAddress };
  return { ...newVm(name, 1), nics: [nic], ...changes };
}

interface Run {
  readonly out: string[];
  readonly notes: string[];
  readonly hypervisor: ReturnType<typeof openSimHypervisor>;
}

/** Runs the command, with an answer to its question. */
async function pin(
  vms: readonly Vm[],
  options: Partial<PinOptions> = {},
  more: {
    name?: string;
    answer?: boolean | ((run: Run) => Promise<boolean>);
    faults?: readonly SimVmFault[];
    wrap?: (inner: Hypervisor) => Hypervisor;
  } = {},
): Promise<Run> {
  const hypervisor = openSimHypervisor({ vms: newSimVms(vms), faults: more.faults ?? [] });
  const run: Run = { out: [], notes: [], hypervisor };
  const { answer, wrap = (inner) => inner } = more;
  const context: CliContext = {
    terminal: {
      ...plainTerminal(100),
      print: (line) => run.out.push(line),
      note: (line) => run.notes.push(line),
      confirm:
        answer === undefined ? undefined : async () => (typeof answer === 'boolean' ? answer : answer(run)),
    },
    signal: new AbortController().signal,
    openHost: async () => ({ kind: 'live', label: 'sim', session: new KernelSession(kernel), stateFolder }),
    openHypervisor: async () => wrap(hypervisor),
    setExitStatus: () => undefined,
    version: '0',
    program: ['node', 'vfleet'],
  };
  await pinCommand(context, more.name ?? vms[0]?.name ?? '', { wait: 0, ...options });
  return run;
}

describe('vfleet pin', () => {
  it('shows the change, from where to where, and makes none', async () => {
    const { out, hypervisor } = await pin([vmWithVf('web-1')]);
    await expect(`${out.join('\n')}\n`).toMatchFileSnapshot('../render/testing/pin-100.txt');
    expect((await hypervisor.readVm('web-1')).placement.vcpuPins).toEqual({});
  });

  it('makes the change live and stored after a yes, and has nothing to do afterwards', async () => {
    const { out, hypervisor } = await pin([vmWithVf('web-1')], { apply: true }, { answer: true });
    expect(out.at(-1)).toBe('Pinned, and read back.');
    const vm = await hypervisor.readVm('web-1');
    expect(vm.storedPlacement).toEqual(vm.placement);
    expect(vm.placement).toMatchObject({ vcpuPins: { 0: [8], 1: [24], 2: [9], 3: [25] }, memoryNodes: [1] });
    const again = await pin([vm], { apply: true });
    expect(again.out[0]).toBe('web-1 is well placed on NUMA node 1.');
  });

  it('changes nothing after a no, and without a terminal wants --yes', async () => {
    const { notes, hypervisor } = await pin([vmWithVf('web-1')], { apply: true }, { answer: false });
    expect(notes).toEqual(['nothing was changed']);
    expect((await hypervisor.readVm('web-1')).placement.vcpuPins).toEqual({});
    await expect(pin([vmWithVf('web-1')], { apply: true })).rejects.toMatchObject({
      code: 'confirmation.missing',
    });
    const yes = await pin([vmWithVf('web-1')], { apply: true, yes: true, json: true });
    expect(JSON.parse(yes.out.join('\n'))).toMatchObject({ result: 'applied', plan: { node: 1 } });
    await expect(pin([vmWithVf('web-1')], { yes: true })).rejects.toMatchObject({ code: 'usage.invalid' });
  });

  it('keeps nobody from work while it asks, and asks anew when CPUs have been given to another VM meanwhile', async () => {
    const [vm, other] = [vmWithVf('web-1'), newVm('web-2', 2)];
    let questions = 0;
    const run = await pin(
      [vm, other],
      { apply: true },
      {
        answer: async ({ hypervisor }) => {
          questions += 1;
          (await lockHost(stateFolder, { command: 'attach', waitMs: 0, mode: 'shared' })).release();
          if (questions > 1) return true;
          const lock = await lockHost(stateFolder, { command: 'pin', waitMs: 0 });
          await hypervisor.pin(other.uuid, { vcpuPins: { 0: [8] } }, { live: true, stored: false });
          lock.release();
          return true;
        },
      },
    );
    expect({ questions, notes: run.notes }).toEqual({
      questions: 2,
      notes: ['this host has changed meanwhile; the plan is now:'],
    });
    const { placement } = await run.hypervisor.readVm('web-1');
    expect(placement.vcpuPins).toEqual({ 0: [9], 1: [25], 2: [10], 3: [26] });
    expect(run.out.at(-1)).toBe('Pinned, and read back.');
  });

  it('takes the I/O threads along', async () => {
    const placement = { ...newVm('web-1', 1).placement, ioThreads: [1, 2], ioThreadPins: { 1: [0], 2: [1] } };
    const { out, hypervisor } = await pin([vmWithVf('web-1', { placement })], { apply: true, yes: true });
    expect(out.join('\n')).toMatch(/running VM +I\/O threads 1-2 +CPUs 0 1 +-> +CPUs 8-9,24-25/);
    const vm = await hypervisor.readVm('web-1');
    expect(vm.placement.ioThreadPins).toEqual({ 1: vm.placement.emulatorPin, 2: vm.placement.emulatorPin });
    expect((await pin([vm])).out[0]).toBe('web-1 is well placed on NUMA node 1.');
  });

  it('pins the stored definition of a VM that does not run', async () => {
    const nic = { kind: 'hostdev', hostAddress: vfAddress };
    const vm = vmWithVf('db-1', { state: 'stopped', nics: [], storedNics: [nic] });
    const { hypervisor } = await pin([vm], { apply: true, yes: true });
    expect((await hypervisor.readVm('db-1')).storedPlacement?.memoryNodes).toEqual([1]);
  });

  it('says which VM may be meant, or which there are', async () => {
    const vms = [vmWithVf('web-1'), newVm('db-1', 2)];
    await expect(pin(vms, { apply: true }, { name: 'wbe-1' })).rejects.toMatchObject({
      code: 'vm.unknown',
      hint: 'did you mean web-1?',
    });
    await expect(pin(vms, {}, { name: 'nope' })).rejects.toMatchObject({
      message: 'there is no VM "nope" at the simulated hypervisor',
      hint: 'it has "web-1" and "db-1"',
    });
  });

  it('refuses where it cannot be: no VF, a device that is no VF, an unknown VM, cores of others', async () => {
    await expect(pin([newVm('web-1', 1)])).rejects.toMatchObject({ code: 'pin.impossible' });
    const gpu = { kind: 'pci', hostAddress: '0000:98:00.0' };
    await expect(pin([{ ...newVm('web-1', 1), nics: [gpu] }])).rejects.toMatchObject({
      code: 'pin.impossible',
    });
    const vcpuPins = Object.fromEntries(Array.from({ length: 7 }, (_, core) => [core, [9 + core]]));
    const other = { ...newVm('web-2', 2), placement: { vcpuCount: 7, memoryMb: 1, vcpuPins } };
    await expect(pin([vmWithVf('web-1'), other])).rejects.toMatchObject({
      code: 'pin.impossible',
      message: 'node 1 has 1 free core with 2 threads, web-1 has 4 vCPUs',
    });
    await expect(pin([])).rejects.toMatchObject({ code: 'vm.unknown' });
  });

  it('does the rest where memory of a running VM cannot be bound', async () => {
    const withoutCgroup = (inner: Hypervisor): Hypervisor => ({
      ...inner,
      pin: async (uuid, pinning, scope) => {
        if (scope.live && pinning.memoryNodes !== undefined)
          throw new VfleetError('hypervisor.refused', 'no cpuset controller');
        await inner.pin(uuid, pinning, scope);
      },
    });
    const { notes, hypervisor } = await pin(
      [vmWithVf('web-1')],
      { apply: true, yes: true },
      { wrap: withoutCgroup },
    );
    expect(notes).toEqual(['memory of the running VM is not bound: no cpuset controller']);
    const { placement, storedPlacement } = await hypervisor.readVm('web-1');
    expect([placement.memoryNodes, storedPlacement?.memoryNodes]).toEqual([undefined, [1]]);
    expect(placement.vcpuPins).toEqual(storedPlacement?.vcpuPins);
  });

  it('says what the hypervisor refused, and what it did not keep', async () => {
    const refusing: SimVmFault = { operation: 'pin', refusal: 'no cgroup' };
    await expect(
      pin([vmWithVf('web-1')], { apply: true, yes: true }, { faults: [refusing] }),
    ).rejects.toMatchObject({ code: 'hypervisor.refused' });
    const forgetful = (inner: Hypervisor): Hypervisor => ({ ...inner, pin: async () => undefined });
    await expect(
      pin([vmWithVf('web-1')], { apply: true, yes: true }, { wrap: forgetful }),
    ).rejects.toMatchObject({ code: 'verify.mismatch' });
  });
});
