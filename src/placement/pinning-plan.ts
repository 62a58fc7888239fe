// Owns what a placement is asked with, and what it answers: where a VM is to run, what changes for that, and why.
// Shapes only.

import type { HostCpus } from '../model/host-cpus.ts';
import type { Pinning, Vm } from '../model/vm.ts';

/** A VF of the VM. */
export interface VmVf {
  readonly address: string;
  /** Absent: the firmware names none. */
  readonly node?: number;
}

export interface PinningRequest {
  readonly host: HostCpus;
  readonly vm: Vm;
  /** All VMs of the host; the one that is placed may be among them. */
  readonly vms: readonly Vm[];
  readonly vfs: readonly VmVf[];
  /** MiB that the running VM has on each node now; absent: not known, or it does not run. */
  readonly memoryMbByNode?: ReadonlyMap<number, number>;
}

/** A change for people to look at. Sets of CPU and node numbers; before `undefined`: anywhere. */
export type PinChange =
  | {
      readonly what: 'vcpus';
      /** Numbers of the vCPUs, rising; the other two lists have an entry for each. */
      readonly vcpus: readonly number[];
      readonly before: readonly (readonly number[] | undefined)[];
      readonly after: readonly (readonly number[])[];
    }
  | {
      readonly what: 'ioThreads';
      /** Numbers of the I/O threads, rising; the other two lists have an entry for each. */
      readonly ioThreads: readonly number[];
      readonly before: readonly (readonly number[] | undefined)[];
      readonly after: readonly (readonly number[])[];
    }
  | {
      readonly what: 'emulator' | 'memory';
      readonly before: readonly number[] | undefined;
      readonly after: readonly number[];
    };

/** What changes for the running VM, or for its stored definition. */
export interface ScopePlan {
  readonly pinning: Pinning;
  /** Empty: it is as it should be. */
  readonly changes: readonly PinChange[];
}

export interface PinningPlan {
  readonly vm: string;
  readonly uuid: string;
  readonly node: number;
  /** Where the VM is to be when all of it is done. */
  readonly pinning: Required<Pinning>;
  /** Absent: it does not run. */
  readonly live?: ScopePlan;
  /** Absent: it has no stored definition. */
  readonly stored?: ScopePlan;
  /** Why there, and what it costs. */
  readonly reasons: readonly string[];
  /** What this does not change, and what would. */
  readonly notes: readonly string[];
}
