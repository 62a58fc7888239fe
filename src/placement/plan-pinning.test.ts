import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import type { HostCpus } from '../model/host-cpus.ts';
import type { Pinning, Vm, VmPlacement } from '../model/vm.ts';
import { isActive } from '../model/vm.ts';
import type { PinningPlan, PinningRequest } from './pinning-plan.ts';
import { planPinning } from './plan-pinning.ts';

/** Nodes of as many cores, threads numbered as Intel's firmware does: all first threads, then all second ones. */
function hostOf(
  nodes: number,
  coresPerNode: number,
  threads: number,
  isolated: readonly number[] = [],
): HostCpus {
  const coreCount = nodes * coresPerNode;
  return {
    nodes: Array.from({ length: nodes }, (_, node) => ({
      node,
      cores: Array.from({ length: coresPerNode }, (__, core) =>
        Array.from({ length: threads }, (___, thread) => thread * coreCount + node * coresPerNode + core),
      ),
      availableMb: 65_536,
    })),
    isolated,
  };
}

function vmOf(name: string, changes: Partial<Vm> = {}): Vm {
  return {
    name,
    uuid: `uuid-of-${name}`,
    state: 'running',
    persistent: true,
    nics: [],
    storedNics: [],
    placement: { vcpuCount: 4, memoryMb: 4096, vcpuPins: {} },
    ...changes,
  };
}

function pinnedVm(name: string, cpus: readonly number[]): Vm {
  const vcpuPins = Object.fromEntries(cpus.map((cpu, vcpu) => [vcpu, [cpu]]));
  return vmOf(name, { placement: { vcpuCount: cpus.length, memoryMb: 1024, vcpuPins } });
}

const onNodeOne = [{ address: '0000:98:01.0', node: 1 }];

function request(changes: Partial<PinningRequest> = {}): PinningRequest {
  return { host: hostOf(2, 8, 2), vm: vmOf('web-1'), vms: [], vfs: onNodeOne, ...changes };
}

/** What a hypervisor has after it carried out the plan. */
function applied(vm: Vm, plan: PinningPlan): Vm {
  const put = (placement: VmPlacement, wanted: Pinning | undefined): VmPlacement => ({
    ...placement,
    vcpuPins: {
      ...placement.vcpuPins,
      ...Object.fromEntries(Object.entries(wanted?.vcpuPins ?? {}).map(([vcpu, cpus]) => [vcpu, [...cpus]])),
    },
    ...(wanted?.emulatorPin === undefined ? {} : { emulatorPin: [...wanted.emulatorPin] }),
    ioThreadPins: {
      ...placement.ioThreadPins,
      ...Object.fromEntries(
        Object.entries(wanted?.ioThreadPins ?? {}).map(([thread, cpus]) => [thread, [...cpus]]),
      ),
    },
    ...(wanted?.memoryNodes === undefined ? {} : { memoryNodes: [...wanted.memoryNodes] }),
  });
  const stored = vm.storedPlacement ?? vm.placement;
  return {
    ...vm,
    ...(vm.persistent ? { storedPlacement: put(stored, plan.stored?.pinning) } : {}),
    placement: put(vm.placement, isActive(vm) ? plan.live?.pinning : plan.stored?.pinning),
  };
}

/** The message of a refusal. */
function refusalOf(given: PinningRequest): VfleetError {
  try {
    planPinning(given);
  } catch (error) {
    if (error instanceof VfleetError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a placement', () => {
  it('is on the node of the VF, on whole cores, and its changes say from where to where', () => {
    const plan = planPinning(request());
    expect(plan).toMatchObject({
      node: 1,
      pinning: { vcpuPins: { 0: [8], 1: [24], 2: [9], 3: [25] }, memoryNodes: [1] },
      reasons: [
        'its VF 0000:98:01.0 is on node 1',
        'the emulator threads run on the CPUs of the vCPUs: no sibling of their cores is left over',
        'where its memory is now is not known: whether it fits on the node was not checked',
      ],
    });
    const free = undefined;
    expect(plan.live?.changes).toEqual([
      { what: 'vcpus', vcpus: [0, 1, 2, 3], before: [free, free, free, free], after: [[8], [24], [9], [25]] },
      { what: 'emulator', before: undefined, after: [8, 9, 24, 25] },
      { what: 'memory', before: undefined, after: [1] },
    ]);
    expect(plan.stored?.changes).toEqual(plan.live?.changes);
  });

  it('names VMs of which nobody knows where they run', () => {
    const unknown = vmOf('odd-1', { problem: 'it cannot be read', state: 'stopped' });
    expect(planPinning(request({ vms: [unknown, vmOf('free-1')] })).reasons).toEqual(
      expect.arrayContaining([
        'not pinned, and so possibly on the same CPUs: free-1',
        'of a definition that cannot be read, and so possibly on the same CPUs: odd-1',
      ]),
    );
  });

  it('counts VMs of which nobody knows where they run when they are many, and names the first few', () => {
    const vms = Array.from({ length: 200 }, (_, at) => vmOf(`free-${String(at).padStart(3, '0')}`));
    const { reasons } = planPinning(request({ vms }));
    expect(reasons.find((reason) => reason.startsWith('not pinned'))).toBe(
      'not pinned, and so possibly on the same CPUs: 200 VMs, free-000, free-001, free-002, free-003, free-004 and 195 more',
    );
    const five = planPinning(request({ vms: vms.slice(0, 5) })).reasons;
    expect(five.find((reason) => reason.startsWith('not pinned'))).toMatch(/: free-000, .*, free-004$/);
  });

  it('leaves cores of others alone, with their siblings, running or stored', () => {
    const stopped = vmOf('db-1', {
      state: 'stopped',
      storedPlacement: { vcpuCount: 1, memoryMb: 1, vcpuPins: { 0: [9] }, emulatorPin: [10] },
    });
    const plan = planPinning(request({ vms: [pinnedVm('web-2', [24]), stopped, vmOf('free-1')] }));
    expect(plan.pinning.vcpuPins).toEqual({ 0: [11], 1: [27], 2: [12], 3: [28] });
    expect(plan.reasons).toContain('taken on node 1: CPUs 9-10 by db-1, CPU 24 by web-2');
    expect(plan.reasons).toContain('not pinned, and so possibly on the same CPUs: free-1');
  });

  it('counts a set of all CPUs as no pin', () => {
    const all = Array.from({ length: 32 }, (_, cpu) => cpu);
    const other = vmOf('web-2', { placement: { vcpuCount: 1, memoryMb: 1, vcpuPins: { 0: all } } });
    expect(planPinning(request({ vms: [other] })).pinning.vcpuPins[0]).toEqual([8]);
  });

  it('leaves cores of the I/O threads of others alone, and moves its own with the emulator', () => {
    const other = vmOf('web-2', {
      placement: { vcpuCount: 1, memoryMb: 1, vcpuPins: {}, ioThreads: [1], ioThreadPins: { 1: [8] } },
    });
    const placement = {
      vcpuCount: 4,
      memoryMb: 1,
      vcpuPins: {},
      ioThreads: [1, 3],
      ioThreadPins: { 3: [0] },
    };
    const plan = planPinning(request({ vm: vmOf('web-1', { placement }), vms: [other] }));
    expect(plan.pinning).toMatchObject({
      vcpuPins: { 0: [9], 1: [25], 2: [10], 3: [26] },
      emulatorPin: [9, 10, 25, 26],
      ioThreadPins: { 1: [9, 10, 25, 26], 3: [9, 10, 25, 26] },
    });
    expect(plan.reasons).toContain('taken on node 1: CPU 8 by web-2');
    expect(plan.reasons).toContain('its I/O threads run with the emulator threads');
    expect(plan.live?.changes).toContainEqual({
      what: 'ioThreads',
      ioThreads: [1],
      before: [undefined],
      after: [[9, 10, 25, 26]],
    });
    expect(plan.live?.pinning.ioThreadPins).toEqual(plan.pinning.ioThreadPins);
  });

  it('keeps I/O threads that are on free cores of the node, with a placement that is good', () => {
    const placement = {
      vcpuCount: 1,
      memoryMb: 1,
      vcpuPins: { 0: [12] },
      emulatorPin: [13],
      memoryNodes: [1],
      ioThreads: [1, 2],
      ioThreadPins: { 1: [14, 30], 2: [0] },
    };
    const plan = planPinning(request({ vm: vmOf('web-1', { placement, persistent: false }) }));
    expect(plan.live?.pinning).toEqual({ ioThreadPins: { 2: [13] } });
  });

  it('takes isolated CPUs first and the core of CPU 0 last', () => {
    const vfs = [{ address: '0000:17:01.0', node: 0 }];
    const host = hostOf(2, 4, 1, [2, 3]);
    const plan = planPinning(request({ host, vfs, vm: pinnedVm('web-1', [0, 0, 0]) }));
    expect(plan.pinning.vcpuPins).toEqual({ 0: [2], 1: [3], 2: [1] });
    expect(plan.reasons).toContain('CPUs 2-3 are isolated: nothing else runs there');
    const all = planPinning(request({ host, vfs }));
    expect(all.pinning.vcpuPins[3]).toEqual([0]);
    expect(all.reasons).toContain('CPU 0 had to be taken: the kernel itself works there');
  });

  it('gives siblings that are left over to the emulator', () => {
    const vm = vmOf('web-1', { placement: { vcpuCount: 3, memoryMb: 1, vcpuPins: {} } });
    const plan = planPinning(request({ vm }));
    expect(plan.pinning).toMatchObject({ vcpuPins: { 0: [8], 1: [24], 2: [9] }, emulatorPin: [25] });
    expect(plan.reasons).toContain('the emulator threads have CPUs of their own, left over of the cores');
  });

  it('keeps a placement that is good, and gives the stored definition the same', () => {
    const vm = vmOf('web-1', {
      placement: {
        vcpuCount: 2,
        memoryMb: 1,
        vcpuPins: { 0: [12], 1: [13] },
        emulatorPin: [14],
        memoryNodes: [1],
        memoryMode: 'strict',
      },
      storedPlacement: { vcpuCount: 2, memoryMb: 1, vcpuPins: {} },
    });
    const plan = planPinning(request({ vm }));
    expect(plan.live?.changes).toEqual([]);
    expect(plan.stored?.pinning).toEqual({
      vcpuPins: { 0: [12], 1: [13] },
      emulatorPin: [14],
      memoryNodes: [1],
    });
    const crowded = planPinning(request({ vm, vms: [pinnedVm('web-2', [28])] }));
    expect(crowded.live?.pinning.vcpuPins).toBeDefined();
  });

  it('is on the node of most VFs, the lowest of equals, and says what that costs', () => {
    const [a, b, c] = [
      { address: '0000:17:01.0', node: 0 },
      { address: '0000:98:01.0', node: 1 },
      { address: '0000:98:01.1', node: 1 },
    ] as const;
    const most = planPinning(request({ vfs: [a, b, c] }));
    expect(most.node).toBe(1);
    expect(most.reasons.slice(0, 2)).toEqual([
      'its VFs 0000:98:01.0, 0000:98:01.1 are on node 1',
      'VF 0000:17:01.0 is on node 0: what it sends and receives crosses between the nodes',
    ]);
    expect(planPinning(request({ vfs: [b, a] })).node).toBe(0);
  });

  it('leaves memory of a running VM where its mode keeps it, and says what moves it', () => {
    const placement = {
      vcpuCount: 1,
      memoryMb: 512,
      vcpuPins: {},
      memoryNodes: [0],
      memoryMode: 'strict' as const,
    };
    const plan = planPinning(
      request({ vm: vmOf('web-1', { placement }), memoryMbByNode: new Map([[0, 512]]) }),
    );
    expect(plan.live?.pinning.memoryNodes).toBeUndefined();
    expect(plan.stored?.pinning.memoryNodes).toEqual([1]);
    expect(plan.notes).toEqual([
      '512 MiB on node 0 of the running VM stays where it is (its memory mode is strict): ' +
        'it moves when the VM is started again or migrated',
    ]);
  });

  it('moves memory in parts with the stored definition, and says that the running VM keeps it', () => {
    const placement = { vcpuCount: 1, memoryMb: 1, vcpuPins: {}, memoryNodes: [0], memoryParts: [[0], [0]] };
    const plan = planPinning(request({ vm: vmOf('web-1', { placement }) }));
    expect(plan.live?.pinning.memoryNodes).toBeUndefined();
    expect(plan.stored?.pinning.memoryNodes).toEqual([1]);
    expect(plan.notes[0]).toContain('(its parts are bound by themselves)');
  });

  it('plans one scope for a VM that has but one', () => {
    const stopped = planPinning(request({ vm: vmOf('web-1', { state: 'stopped' }) }));
    expect([stopped.live, stopped.stored?.changes.length]).toEqual([undefined, 3]);
    const transient = planPinning(request({ vm: vmOf('web-1', { persistent: false }) }));
    expect([transient.stored, transient.live?.changes.length]).toEqual([undefined, 3]);
  });
});

describe('a placement is impossible', () => {
  it('with too few free cores', () => {
    const host = hostOf(2, 4, 1);
    const error = refusalOf(request({ host, vms: [pinnedVm('web-2', [7])] }));
    expect(error.code).toBe('pin.impossible');
    expect(error.message).toBe('node 1 has 3 free cores, web-1 has 4 vCPUs');
    expect(error.hint).toBe('taken there: CPU 7 by web-2');
    const threads = refusalOf(request({ host: hostOf(2, 1, 2) }));
    expect(threads.message).toBe('node 1 has 1 free core with 2 threads, web-1 has 4 vCPUs');
  });

  it('with too little memory, beside what the VM has there already', () => {
    const { nodes } = hostOf(2, 8, 1);
    const host = { isolated: [], nodes: nodes.map((node) => ({ ...node, availableMb: 3000 })) };
    const vm = vmOf('web-1', { state: 'stopped' });
    expect(refusalOf(request({ host, vm })).message).toBe('node 1 has 3000 MiB free, web-1 has 4096 MiB');
    const huge = (mb: number) => ({
      isolated: [],
      nodes: nodes.map((node) => ({ ...node, availableMb: 3000, hugepagesFreeMb: mb })),
    });
    expect(planPinning(request({ host: huge(4096), vm })).node).toBe(1);
    expect(refusalOf(request({ host: huge(2048), vm })).message).toBe(
      'node 1 has 3000 MiB free and 2048 in huge pages, web-1 has 4096 MiB',
    );
    const there = (mb: number): PinningRequest => request({ host, memoryMbByNode: new Map([[1, mb]]) });
    expect(planPinning(there(1096)).node).toBe(1);
    expect(refusalOf(there(1000)).message).toBe(
      'node 1 has 3000 MiB free besides the 1000 that it has there, web-1 has 4096 MiB',
    );
  });

  it('for a VM whose parts are meant to be on different nodes', () => {
    const placement = {
      vcpuCount: 1,
      memoryMb: 1,
      vcpuPins: {},
      memoryNodes: [0, 1],
      memoryParts: [[0], [1]],
    };
    const error = refusalOf(request({ vm: vmOf('web-1', { placement }) }));
    expect(error).toMatchObject({ code: 'pin.impossible', hint: expect.stringContaining('memnode') });
    expect(error.message).toBe('parts of the memory of web-1 are bound to different nodes, 0 and 1');
    const stopped = vmOf('web-1', { state: 'stopped', storedPlacement: placement });
    expect(refusalOf(request({ vm: stopped })).code).toBe('pin.impossible');
  });

  it('without a VF, on a node without CPUs, or where no node is known', () => {
    expect(refusalOf(request({ vfs: [] })).message).toContain('web-1 has no VF');
    expect(refusalOf(request({ vfs: [{ address: '0000:98:01.0' }] })).message).toContain('0000:98:01.0');
    const bare = { ...hostOf(2, 8, 1), nodes: [...hostOf(2, 8, 1).nodes, { node: 2, cores: [] }] };
    const vfs = [{ address: '0000:98:01.0', node: 2 }];
    expect(refusalOf(request({ host: bare, vfs })).message).toContain('node 2 has 0 free cores');
  });

  it('but not for want of a node where there is only one', () => {
    expect(planPinning(request({ host: hostOf(1, 8, 1), vfs: [{ address: '0000:01:10.0' }] })).node).toBe(0);
  });
});

/** Hosts and VMs of all kinds; pins may overlap, be sets, or name CPUs that are not there. */
const anyRequest: fc.Arbitrary<PinningRequest> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 3 }),
    cores: fc.integer({ min: 1, max: 6 }),
    threads: fc.integer({ min: 1, max: 4 }),
    isolated: fc.uniqueArray(fc.nat(40), { maxLength: 6 }),
    vfNodes: fc.array(fc.nat(2), { minLength: 1, maxLength: 3 }),
    vm: fc.record({
      vcpuCount: fc.integer({ min: 1, max: 8 }),
      storedCount: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
      running: fc.boolean(),
      persistent: fc.boolean(),
      pins: fc.array(fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 3 }), { maxLength: 8 }),
      ioThreads: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
      ioThreadPin: fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 3 }),
      memoryMode: fc.constantFrom(undefined, 'strict' as const, 'restrictive' as const),
    }),
    others: fc.array(fc.array(fc.uniqueArray(fc.nat(40), { maxLength: 3 }), { maxLength: 3 }), {
      maxLength: 4,
    }),
  })
  .map(({ nodes, cores, threads, isolated, vfNodes, vm, others }) => {
    const host = hostOf(nodes, cores, threads, isolated);
    const { pins, memoryMode, vcpuCount, storedCount, ioThreads, ioThreadPin } = vm;
    const placement: VmPlacement = {
      vcpuCount,
      memoryMb: 1024,
      vcpuPins: Object.fromEntries(pins.slice(0, vcpuCount).map((set, vcpu) => [vcpu, set])),
      ...(memoryMode === undefined ? {} : { memoryMode, memoryNodes: [0] }),
      ioThreads,
      ioThreadPins: Object.fromEntries(ioThreads.slice(0, 2).map((thread) => [thread, ioThreadPin])),
    };
    const [first] = ioThreads;
    return {
      host,
      vfs: vfNodes.map((node, at) => ({ address: `0000:17:01.${at}`, node: node % nodes })),
      vm: vmOf('web-1', {
        state: vm.running ? 'running' : 'stopped',
        persistent: vm.persistent || !vm.running,
        placement,
        ...(storedCount === undefined
          ? {}
          : {
              storedPlacement: {
                ...placement,
                vcpuCount: storedCount,
                ...(first === undefined
                  ? {}
                  : { ioThreads: [first], ioThreadPins: { [first]: ioThreadPin } }),
              },
            }),
      }),
      vms: others.map((sets, at) =>
        vmOf(`other-${at}`, {
          placement: {
            vcpuCount: Math.max(1, sets.length),
            memoryMb: 1,
            vcpuPins: Object.fromEntries(sets.slice(1).map((set, vcpu) => [vcpu, set])),
            ioThreads: [1],
            ioThreadPins: Object.fromEntries(sets.slice(0, 1).map((set) => [1, set])),
          },
        }),
      ),
    };
  });

/** The plan; undefined where there is none. */
function planOf(given: PinningRequest): PinningPlan | undefined {
  try {
    return planPinning(given);
  } catch (error) {
    if (error instanceof VfleetError && error.code === 'pin.impossible') return undefined;
    throw error;
  }
}

describe('every placement', () => {
  it('gives no CPU twice, none of another VM or beside one on its core, and all on the node', () => {
    fc.assert(
      fc.property(anyRequest, (given) => {
        const plan = planOf(given);
        fc.pre(plan !== undefined);
        const { vcpuPins, emulatorPin, memoryNodes } = plan.pinning;
        const vcpus = Object.values(vcpuPins).flat();
        expect(new Set(vcpus).size).toBe(vcpus.length);
        expect(Object.values(vcpuPins).every((pin) => pin.length === 1)).toBe(true);
        const isOwn = emulatorPin.every((cpu) => !vcpus.includes(cpu));
        const isShared = emulatorPin.every((cpu) => vcpus.includes(cpu));
        expect([emulatorPin.length > 0, isOwn || isShared]).toEqual([true, true]);
        expect(memoryNodes).toEqual([plan.node]);
        const node = given.host.nodes.find((each) => each.node === plan.node);
        const used = [...vcpus, ...emulatorPin, ...Object.values(plan.pinning.ioThreadPins).flat()];
        const online = given.host.nodes.flatMap(({ cores }) => cores.flat());
        const taken = new Set(
          given.vms
            .flatMap(({ placement: { vcpuPins: pins, ioThreadPins } }) =>
              Object.values({ ...pins, io: ioThreadPins?.[1] ?? [] }),
            )
            .filter((set) => !online.every((cpu) => set.includes(cpu)))
            .flat(),
        );
        const allowed = (node?.cores ?? []).filter((core) => core.every((cpu) => !taken.has(cpu))).flat();
        expect(used.filter((cpu) => !allowed.includes(cpu))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves nothing to do once it is carried out', () => {
    fc.assert(
      fc.property(anyRequest, (given) => {
        const plan = planOf(given);
        fc.pre(plan !== undefined);
        const after = planOf({ ...given, vm: applied(given.vm, plan) });
        expect([after?.live?.changes ?? [], after?.stored?.changes ?? []]).toEqual([[], []]);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused only where the free cores of the node are too few', () => {
    fc.assert(
      fc.property(anyRequest, (given) => {
        fc.pre(planOf(given) === undefined);
        const error = refusalOf(given);
        const [, node, threads, cores, vcpus] =
          /^node (\d+) has \d+ free cores? with (\d+) threads, web-1 has \d+ vCPUs$|^node \d+ has (\d+) free cores?, web-1 has (\d+) vCPUs$/.exec(
            error.message,
          ) ?? [];
        expect(node !== undefined || cores !== undefined).toBe(true);
        expect(Number(threads ?? cores)).toBeLessThan(Number(vcpus ?? 9));
      }),
    );
  });
});
