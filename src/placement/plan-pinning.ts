// Owns the placement of a VM near its VFs: vCPUs, emulator threads and memory on one NUMA node, off the cores of others.
// Pure: it decides, a hypervisor pins (src/cli/commands/pin.ts).

import { VfleetError } from '../base/errors.ts';
import type { CpuNode, HostCpus } from '../model/host-cpus.ts';
import { isActive } from '../model/vm.ts';
import type { Pinning, Vm } from '../model/vm.ts';
import {
  freeCoresOf,
  giveCpus,
  ioThreadsOf,
  keepCpus,
  storedPlacementOf,
  vcpuCountOf,
} from './given-cpus.ts';
import type { GivenCpus } from './given-cpus.ts';
import { chooseNode } from './near-node.ts';
import { listText } from './number-list.ts';
import { isSame, planChanges } from './pin-changes.ts';
import type { PinningPlan, PinningRequest } from './pinning-plan.ts';
import { listTakenCpus } from './taken-cpus.ts';
import type { TakenCpus } from './taken-cpus.ts';

/** A host can have hundreds of VMs that are not pinned: a line or two of them say what is to be said. */
const shownVms = 5;

/**
 * Plans where a VM is to be. A placement that is good is kept, so that a plan which was carried out plans nothing more.
 * Throws `pin.impossible` with the facts that make it so.
 */
export function planPinning(request: PinningRequest): PinningPlan {
  const { host, vm } = request;
  const { node: number, reasons } = chooseNode(request);
  checkParts(vm);
  const node = host.nodes.find((each) => each.node === number) ?? { node: number, cores: [] };
  const taken = listTakenCpus(host, request.vms, vm);
  const cpus =
    keepCpus(vm, node, taken.ownerByCpu) ??
    giveCpus(freeCoresOf(node, taken.ownerByCpu), vcpuCountOf(vm), host);
  const memory = checkMemory(request, node);
  if (cpus === undefined || memory.problem !== undefined)
    throw impossible(request, node, taken, memory.problem, cpus === undefined);
  const pinning: Required<Pinning> = {
    vcpuPins: Object.fromEntries(cpus.vcpus.map((cpu, vcpu) => [vcpu, [cpu]])),
    emulatorPin: cpus.emulator,
    ioThreadPins: Object.fromEntries(
      ioThreadsOf(vm).map((thread) => [thread, cpus.ioThreads[thread] ?? cpus.emulator]),
    ),
    memoryNodes: [number],
  };
  const { placement } = vm;
  const stored = storedPlacementOf(vm);
  const { memoryMode, memoryParts } = placement;
  const keepsMemory = memoryParts !== undefined || (memoryMode !== undefined && memoryMode !== 'restrictive');
  return {
    vm: vm.name,
    uuid: vm.uuid,
    node: number,
    pinning,
    ...(isActive(vm) ? { live: planChanges(placement, pinning, keepsMemory) } : {}),
    ...(stored === undefined ? {} : { stored: planChanges(stored, pinning, false) }),
    reasons: [
      ...reasons,
      ...describeCpus(host, node, cpus),
      ...describeIoThreads(pinning),
      ...describeTaken(node, taken),
      ...memory.reasons,
    ],
    notes: describeMemory(request, node, keepsMemory),
  };
}

function describeCpus(host: HostCpus, node: CpuNode, { vcpus, isShared }: GivenCpus): readonly string[] {
  const isolated = vcpus.filter((cpu) => host.isolated.includes(cpu));
  const siblings = node.cores.some((core) => core.length > 1);
  return [
    ...(isolated.length === 0
      ? []
      : [`${cpusText(isolated)} ${isolated.length === 1 ? 'is' : 'are'} isolated: nothing else runs there`]),
    ...(vcpus.includes(0) ? ['CPU 0 had to be taken: the kernel itself works there'] : []),
    isShared
      ? 'the emulator threads run on the CPUs of the vCPUs: no sibling of their cores is left over'
      : `the emulator threads have CPUs of their own${siblings ? ', left over of the cores' : ''}`,
  ];
}

function describeIoThreads({ emulatorPin, ioThreadPins }: Required<Pinning>): readonly string[] {
  const pins = Object.values(ioThreadPins);
  if (pins.length === 0 || pins.some((pin) => !isSame(pin, emulatorPin))) return [];
  return ['its I/O threads run with the emulator threads'];
}

function describeTaken(node: CpuNode, { ownerByCpu, floating, unknown }: TakenCpus): readonly string[] {
  const taken = takenText(node, ownerByCpu);
  const possibly = (why: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`${why}, and so possibly on the same CPUs: ${fewOf(names)}`];
  return [
    ...(taken === '' ? [] : [`taken on node ${node.node}: ${taken}`]),
    ...possibly('not pinned', floating),
    ...possibly('of a definition that cannot be read', unknown),
  ];
}

/** All names, or of many their number and the first few. */
function fewOf(names: readonly string[]): string {
  const { length } = names;
  if (length <= shownVms) return names.join(', ');
  return `${length} VMs, ${names.slice(0, shownVms).join(', ')} and ${length - shownVms} more`;
}

/** `CPU 8 by db-1, CPUs 4-7 by web-2`, by name. */
function takenText({ cores }: CpuNode, ownerByCpu: ReadonlyMap<number, string>): string {
  const byOwner = new Map<string, number[]>();
  for (const cpu of cores.flat()) {
    const owner = ownerByCpu.get(cpu);
    if (owner !== undefined) byOwner.set(owner, [...(byOwner.get(owner) ?? []), cpu]);
  }
  return [...byOwner]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([owner, cpus]) => `${cpusText(cpus)} by ${owner}`)
    .join(', ');
}

function cpusText(cpus: readonly number[]): string {
  return `${cpus.length === 1 ? 'CPU' : 'CPUs'} ${listText(cpus)}`;
}

/** Throws for a VM that is meant to be on several nodes: its own NUMA nodes have their memory on different ones. */
function checkParts(vm: Vm): void {
  for (const placement of [vm.placement, storedPlacementOf(vm)]) {
    const [first, ...others] = placement?.memoryParts ?? [];
    const other = others.find((part) => !isSame(part, first));
    if (first === undefined || other === undefined) continue;
    throw new VfleetError(
      'pin.impossible',
      `parts of the memory of ${vm.name} are bound to different nodes, ${listText(first)} and ${listText(other)}`,
      { hint: 'if it may be on one node, bind all of them to it first: <memnode> in its definition' },
    );
  }
}

/** Whether the node has room for the memory: what is free, and what the running VM has there already. */
function checkMemory(
  { host, vm, memoryMbByNode }: PinningRequest,
  { node, availableMb, hugepagesFreeMb = 0 }: CpuNode,
): { reasons: readonly string[]; problem?: string } {
  const neededMb = Math.max(vm.placement.memoryMb, storedPlacementOf(vm)?.memoryMb ?? 0);
  if (availableMb === undefined) return { reasons: [`how much memory of node ${node} is free is not known`] };
  // Where memory that a VM has already is not known, its own may be what fills the node.
  if (isActive(vm) && memoryMbByNode === undefined)
    return host.nodes.length === 1
      ? { reasons: [] }
      : { reasons: ['where its memory is now is not known: whether it fits on the node was not checked'] };
  const ownMb = memoryMbByNode?.get(node) ?? 0;
  // It is not said which of the two a VM is backed by: what neither has room for cannot be.
  if (Math.max(availableMb, hugepagesFreeMb) + ownMb >= neededMb) return { reasons: [] };
  const own = ownMb === 0 ? '' : ` besides the ${Math.floor(ownMb)} that it has there`;
  const huge = hugepagesFreeMb === 0 ? '' : ` and ${Math.floor(hugepagesFreeMb)} in huge pages`;
  const problem = `node ${node} has ${Math.floor(availableMb)} MiB free${huge}${own}, ${vm.name} has ${Math.ceil(neededMb)} MiB`;
  return { reasons: [], problem };
}

/** What is said of memory that a running VM has already: the kernel moves no page that a VF may write to. */
function describeMemory(
  { vm, memoryMbByNode }: PinningRequest,
  { node }: CpuNode,
  keepsMemory: boolean,
): readonly string[] {
  if (!isActive(vm)) return [];
  const elsewhere = [...(memoryMbByNode ?? [])].filter(([each, mb]) => each !== node && mb >= 1);
  const amount = elsewhere.map(([each, mb]) => `${Math.round(mb)} MiB on node ${each}`).join(' and ');
  const isThere =
    memoryMbByNode === undefined ? isSame(vm.placement.memoryNodes, [node]) : elsewhere.length === 0;
  if (isThere) return [];
  const what = amount === '' ? 'memory that the running VM has already' : `${amount} of the running VM`;
  const { memoryMode, memoryParts } = vm.placement;
  const kept =
    memoryParts === undefined ? `its memory mode is ${memoryMode}` : 'its parts are bound by themselves';
  return [
    `${what} stays where it is${keepsMemory ? ` (${kept})` : ''}: it moves when the VM is started again or migrated`,
  ];
}

function impossible(
  { vm }: PinningRequest,
  node: CpuNode,
  { ownerByCpu }: TakenCpus,
  memoryProblem: string | undefined,
  lacksCpus: boolean,
): VfleetError {
  const free = freeCoresOf(node, ownerByCpu);
  const threads = free.flat().length;
  const cores = `${free.length} free ${free.length === 1 ? 'core' : 'cores'}`;
  const amount = threads === free.length ? cores : `${cores} with ${threads} threads`;
  const cpuProblem = `node ${node.node} has ${amount}, ${vm.name} has ${vcpuCountOf(vm)} vCPUs`;
  const problems = [
    ...(lacksCpus ? [cpuProblem] : []),
    ...(memoryProblem === undefined ? [] : [memoryProblem]),
  ];
  const taken = takenText(node, ownerByCpu);
  return new VfleetError('pin.impossible', problems[0] ?? cpuProblem, {
    ...(lacksCpus && taken !== '' ? { hint: `taken there: ${taken}` } : {}),
    details: { problems },
  });
}
