// Owns the difference between where a VM is and where it is to be, for a hypervisor and for people.

import type { Pinning, VmPlacement } from '../model/vm.ts';
import type { PinChange, ScopePlan } from './pinning-plan.ts';

/** What is to be changed of a placement. `keepsMemory`: its memory is left where it is. */
export function planChanges(
  placement: VmPlacement,
  wanted: Required<Pinning>,
  keepsMemory: boolean,
): ScopePlan {
  const changes: PinChange[] = [];
  const vcpus = Object.keys(wanted.vcpuPins)
    .map(Number)
    .filter((vcpu) => vcpu < placement.vcpuCount)
    .filter((vcpu) => !isSame(placement.vcpuPins[vcpu], wanted.vcpuPins[vcpu]))
    .sort((a, b) => a - b);
  for (const run of runsOf(vcpus, placement.vcpuPins))
    changes.push({
      what: 'vcpus',
      vcpus: run,
      before: run.map((vcpu) => placement.vcpuPins[vcpu]),
      after: run.map((vcpu) => wanted.vcpuPins[vcpu] ?? []),
    });
  const movesEmulator = !isSame(placement.emulatorPin, wanted.emulatorPin);
  if (movesEmulator)
    changes.push({ what: 'emulator', before: placement.emulatorPin, after: wanted.emulatorPin });
  const { ioThreadPins = {} } = placement;
  const ioThreads = (placement.ioThreads ?? []).filter(
    (thread) => !isSame(ioThreadPins[thread], wanted.ioThreadPins[thread]),
  );
  for (const run of runsOf(ioThreads, ioThreadPins))
    changes.push({
      what: 'ioThreads',
      ioThreads: run,
      before: run.map((thread) => ioThreadPins[thread]),
      after: run.map((thread) => wanted.ioThreadPins[thread] ?? []),
    });
  const movesMemory = !keepsMemory && !isSame(placement.memoryNodes, wanted.memoryNodes);
  if (movesMemory) changes.push({ what: 'memory', before: placement.memoryNodes, after: wanted.memoryNodes });
  const pinsOf = (all: Pins, numbers: readonly number[]): Pins =>
    Object.fromEntries(numbers.map((number) => [number, all[number] ?? []]));
  return {
    pinning: {
      ...(vcpus.length === 0 ? {} : { vcpuPins: pinsOf(wanted.vcpuPins, vcpus) }),
      ...(movesEmulator ? { emulatorPin: wanted.emulatorPin } : {}),
      ...(ioThreads.length === 0 ? {} : { ioThreadPins: pinsOf(wanted.ioThreadPins, ioThreads) }),
      ...(movesMemory ? { memoryNodes: wanted.memoryNodes } : {}),
    },
    changes,
  };
}

type Pins = Readonly<Record<string, readonly number[]>>;

/** Threads one after the other that are alike in whether they are pinned now. */
function runsOf(threads: readonly number[], pins: Pins): readonly (readonly number[])[] {
  const runs: number[][] = [];
  for (const thread of threads) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const isAlike = last !== undefined && (pins[last] === undefined) === (pins[thread] === undefined);
    if (run !== undefined && last === thread - 1 && isAlike) run.push(thread);
    else runs.push([thread]);
  }
  return runs;
}

/** The same set, in whatever order. */
export function isSame(a: readonly number[] | undefined, b: readonly number[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [set, other] = [new Set(a), new Set(b)];
  return set.size === other.size && [...set].every((number) => other.has(number));
}
