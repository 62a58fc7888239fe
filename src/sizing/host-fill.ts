// Owns one host while it is being filled: what is free, and the choice of node and PFs for the next machine.
// Greedy and deterministic: ties go to the lowest index. What it cannot place may still fit; see config-program.ts.

import type { Fitting, HostProblem, PfChoice, Spot, Uses } from './packing-problem.ts';
import type { VmDemand } from './vm-demand.ts';
import type { Seat } from './result.ts';

export class HostFill {
  readonly free: Float64Array;
  private readonly capacities: Float64Array;
  private readonly problem: HostProblem;
  private readonly vms: readonly VmDemand[];

  constructor(problem: HostProblem, vms: readonly VmDemand[]) {
    this.problem = problem;
    this.vms = vms;
    this.capacities = Float64Array.from(problem.resources, ({ capacity }) => capacity);
    this.free = Float64Array.from(this.capacities);
  }

  /** Empties the host. */
  clear(): void {
    this.free.set(this.capacities);
  }

  /** Takes what a seat takes, which must be free. */
  take(seat: Seat): void {
    const fitting = this.problem.fittings[seat.vmClass];
    const vm = this.vms[seat.vmClass];
    if (fitting === undefined || vm === undefined) return;
    const spot = fitting.spots.find(({ nodes }) => sameNodes(nodes, seat.nodes));
    if (spot !== undefined) this.use(spot.uses);
    for (const [at, group] of vm.groups.entries()) {
      for (const nic of group.nics) {
        for (const pf of seat.pfs[nic] ?? []) {
          const choice = fitting.choices[at]?.find((each) => each.pf === pf);
          if (choice !== undefined) this.use(choice.uses);
        }
      }
    }
  }

  /** Places one more machine of a class and takes what it needs; undefined, with nothing taken, when it finds no place. */
  place(vmClass: number): Seat | undefined {
    const fitting = this.problem.fittings[vmClass];
    const vm = this.vms[vmClass];
    if (fitting === undefined || vm === undefined) return undefined;
    const spots = this.openSpots(fitting);
    return (
      this.placeOnOneOf(spots, vmClass, vm, fitting, true) ??
      (this.problem.isStrict ? undefined : this.placeOnOneOf(spots, vmClass, vm, fitting, false))
    );
  }

  /** Spots that have room for vCPUs and memory, the one with most left over first. */
  private openSpots(fitting: Fitting): readonly Spot[] {
    const { spots } = fitting;
    const [only] = spots;
    if (spots.length === 1 && only !== undefined) return this.headroom(only.uses) >= 0 ? spots : [];
    return spots
      .map((spot) => ({ spot, room: this.headroom(spot.uses) }))
      .filter(({ room }) => room >= 0)
      .sort((a, b) => b.room - a.room)
      .map(({ spot }) => spot);
  }

  private placeOnOneOf(
    spots: readonly Spot[],
    vmClass: number,
    vm: VmDemand,
    fitting: Fitting,
    isNearOnly: boolean,
  ): Seat | undefined {
    for (const spot of spots) {
      const chosen = this.choosePfs(spot, vm, fitting, isNearOnly);
      if (chosen === undefined) continue;
      this.use(spot.uses);
      return seatOf(vmClass, vm, spot, chosen);
    }
    return undefined;
  }

  /** PFs for every NIC of a machine, taken; undefined, with nothing taken, when one of them finds none. */
  private choosePfs(
    spot: Spot,
    vm: VmDemand,
    fitting: Fitting,
    isNearOnly: boolean,
  ): readonly (readonly PfChoice[])[] | undefined {
    const perNic: (readonly PfChoice[])[] = Array.from({ length: vm.nicCount }, () => []);
    const taken: Uses[] = [];
    for (const at of fitting.order) {
      const group = vm.groups[at];
      const choices = fitting.choices[at];
      if (group === undefined || choices === undefined) return undefined;
      for (const nic of group.nics) {
        const vfs: PfChoice[] = [];
        for (let vf = 0; vf < group.vfsPerNic; vf += 1) {
          const [other] = vfs;
          const apart = (choice: PfChoice): boolean =>
            other === undefined ||
            (group.redundancy === 'cards' ? choice.card !== other.card : choice.port !== other.port);
          const best = this.bestChoice(choices, spot, apart, isNearOnly);
          if (best === undefined) {
            for (const uses of taken) this.giveBack(uses);
            return undefined;
          }
          this.use(best.uses);
          taken.push(best.uses);
          vfs.push(best);
        }
        perNic[nic] = vfs;
      }
    }
    return perNic;
  }

  /** The PF with the most room after one VF more, near ones before far ones. */
  private bestChoice(
    choices: readonly PfChoice[],
    spot: Spot,
    isAllowed: (choice: PfChoice) => boolean,
    isNearOnly: boolean,
  ): PfChoice | undefined {
    let best: PfChoice | undefined;
    let bestRoom = -1;
    let isBestNear = false;
    for (const choice of choices) {
      const near = isNear(choice, spot);
      if (!near && (isNearOnly || isBestNear)) continue;
      if (!isAllowed(choice)) continue;
      const room = this.headroom(choice.uses);
      if (room < 0 || (near === isBestNear && room <= bestRoom)) continue;
      best = choice;
      bestRoom = room;
      isBestNear = near;
    }
    return best;
  }

  /** The smallest share that is left of any resource after these uses; negative when one of them does not fit. */
  private headroom(uses: Uses): number {
    let least = 1;
    for (const [resource, amount] of uses) {
      const capacity = this.capacities[resource] ?? 0;
      const left = (this.free[resource] ?? 0) - amount;
      if (left < 0) return -1;
      if (capacity !== Infinity) least = Math.min(least, left / capacity);
    }
    return least;
  }

  private use(uses: Uses): void {
    for (const [resource, amount] of uses) this.free[resource] = (this.free[resource] ?? 0) - amount;
  }

  private giveBack(uses: Uses): void {
    for (const [resource, amount] of uses) this.free[resource] = (this.free[resource] ?? 0) + amount;
  }
}

/** Whether a PF is on a node of the spot, or its node is not known. */
export function isNear(choice: PfChoice, spot: Spot): boolean {
  return choice.node === undefined || spot.nodes.includes(choice.node);
}

/** The seat of a machine whose PFs are chosen; `chosen` has an entry for every NIC. */
export function seatOf(
  vmClass: number,
  vm: VmDemand,
  spot: Spot,
  chosen: readonly (readonly PfChoice[])[],
): Seat {
  let remoteVfs = 0;
  let remoteMbps = 0;
  for (const group of vm.groups) {
    for (const nic of group.nics) {
      for (const choice of chosen[nic] ?? []) {
        if (isNear(choice, spot)) continue;
        remoteVfs += 1;
        remoteMbps += group.portMbps;
      }
    }
  }
  const pfs = chosen.map((choices) => choices.map(({ pf }) => pf));
  return { vmClass, nodes: spot.nodes, pfs, remoteVfs, remoteMbps };
}

function sameNodes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((node, at) => node === b[at]);
}
