// Owns which CPUs belong to other VMs: those that they are pinned to, running or stored.

import type { HostCpus } from '../model/host-cpus.ts';
import type { Vm, VmPlacement } from '../model/vm.ts';

export interface TakenCpus {
  /** Names of the VMs that have a CPU, the first of each by name. */
  readonly ownerByCpu: ReadonlyMap<number, string>;
  /** VMs that are pinned nowhere: they may run on any CPU that no other one is pinned to, or even there. */
  readonly floating: readonly string[];
  /** VMs whose pins are not known. */
  readonly unknown: readonly string[];
}

/** Reads the pins of all VMs but one. A set of all CPUs of the host is no pin. */
export function listTakenCpus(host: HostCpus, vms: readonly Vm[], except: Pick<Vm, 'uuid'>): TakenCpus {
  const online = host.nodes.flatMap(({ cores }) => cores.flat());
  const ownerByCpu = new Map<number, string>();
  const floating: string[] = [];
  const unknown: string[] = [];
  const others = vms.filter(({ uuid }) => uuid !== except.uuid);
  for (const vm of others.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const pinned = [vm.placement, vm.storedPlacement].flatMap((placement) =>
      placement === undefined ? [] : cpusOf(placement, online),
    );
    if (vm.problem !== undefined) unknown.push(vm.name);
    else if (pinned.length === 0) floating.push(vm.name);
    for (const cpu of pinned) if (!ownerByCpu.has(cpu)) ownerByCpu.set(cpu, vm.name);
  }
  return { ownerByCpu, floating, unknown };
}

function cpusOf(
  { vcpuPins, emulatorPin = [], ioThreadPins = {} }: VmPlacement,
  online: readonly number[],
): readonly number[] {
  const pins = [...Object.values(vcpuPins), emulatorPin, ...Object.values(ioThreadPins)];
  return pins.filter((pin) => !coversAll(pin, online)).flat();
}

function coversAll(pin: readonly number[], online: readonly number[]): boolean {
  if (pin.length < online.length) return false;
  const set = new Set(pin);
  return online.every((cpu) => set.has(cpu));
}
