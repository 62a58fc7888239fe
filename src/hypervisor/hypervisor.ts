// Owns the port to a hypervisor: VMs, their devices, their places, and what happens to them.
// Two things implement it: libvirt (src/hypervisor/libvirt) and a simulated one (src/hypervisor/simulated).

import type { Pinning, Vm } from '../model/vm.ts';

/** What of a VM a change is meant for: the running one, its stored definition, or both in one call. */
export interface ChangeScope {
  readonly live: boolean;
  readonly stored: boolean;
}

/** A VF as a network interface of a VM. */
export interface VfNic {
  /** PCI address of the VF on the host. */
  readonly hostAddress: string;
  readonly mac: string;
  /** Tag that the hypervisor sets on the VF; absent: it sets none. */
  readonly vlan?: number;
  /** Name of the device that we choose, so that it can be found again: `ua-` and letters, digits, - and _. */
  readonly alias: string;
  /** Failover: alias of the standby. */
  readonly standbyAlias?: string;
}

/** The virtio interface of a failover pair that stays when the VF goes. */
export interface StandbyNic {
  readonly kind: 'bridge' | 'openvswitch';
  readonly bridge: string;
  readonly mac: string;
  /** Tag of its port; only Open vSwitch takes one. */
  readonly vlan?: number;
  readonly alias: string;
}

export type NewNic = { readonly vf: VfNic } | { readonly standby: StandbyNic };

export type VmEvent =
  /** A VM came, went, or changed its state. `undefined` is the end of a stored definition. */
  | {
      readonly kind: 'lifecycle';
      readonly uuid: string;
      readonly name: string;
      readonly what: 'defined' | 'undefined' | 'started' | 'suspended' | 'resumed' | 'stopped' | 'crashed';
    }
  | { readonly kind: 'device-removed'; readonly uuid: string; readonly name: string; readonly alias: string }
  /** Events may have been lost: look at everything again. The connection is back. */
  | { readonly kind: 'reconnected' };

/**
 * A connection to a hypervisor. Every call fails with `hypervisor.unreachable` when the connection is gone,
 * `hypervisor.timeout`, `hypervisor.malformed` for an answer that breaks the protocol, and `hypervisor.refused` with the
 * hypervisor's words.
 */
export interface Hypervisor {
  /** For messages: `libvirt (qemu:///system)`. */
  readonly label: string;
  /** Whose VMs these are: the same for all connections to one hypervisor. Undefined before it has answered for the first time. */
  readonly uri: string | undefined;
  /** All VMs, also those whose definition cannot be read or had: they have a `problem`. */
  listVms(): Promise<readonly Vm[]>;
  /**
   * By name or UUID. Throws `vm.unknown`, `hypervisor.malformed` for a VM whose definition cannot be read, and the
   * hypervisor's refusal where it does not give it.
   */
  readVm(nameOrUuid: string): Promise<Vm>;
  /** Whether everything of a VM that the scope names has an interface of this name. Throws `vm.unknown`. */
  hasNic(uuid: string, alias: string, scope: ChangeScope): Promise<boolean>;
  /** Throws `hypervisor.refused` and leaves the VM as it was, in both scopes. */
  attachNic(uuid: string, nic: NewNic, scope: ChangeScope): Promise<void>;
  /**
   * Takes an interface away and waits until it is gone from the running VM, as far as `scope` says; one that is not there,
   * and a VM that is not there, are a success. Throws `hypervisor.timeout` when the guest does not let go of it within
   * `timeoutMs`, and when the hypervisor itself does not answer or is busy: nobody knows then whether it is still to come.
   */
  detachNic(uuid: string, alias: string, scope: ChangeScope, timeoutMs: number): Promise<void>;
  pin(uuid: string, pinning: Pinning, scope: ChangeScope): Promise<void>;
  /** Events from now on, until the signal is aborted; a lost connection is made again. */
  watch(signal: AbortSignal): AsyncIterable<VmEvent>;
  close(): void;
}
