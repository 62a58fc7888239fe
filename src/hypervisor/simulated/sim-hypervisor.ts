// Owns a simulated hypervisor behind the port: VMs in a file or in memory, acting on the host as libvirt does, with faults.
// Knows nothing of leases.

import { VfleetError } from '../../base/errors.ts';
import { present } from '../../base/present.ts';
import { isActive } from '../../model/vm.ts';
import type { Pinning, Vm, VmNic } from '../../model/vm.ts';
import type { ChangeScope, Hypervisor, VmEvent } from '../hypervisor.ts';
import {
  addNic,
  listedVm,
  plugStored,
  readableVmOf,
  refused,
  unplug,
  unplugAll,
  vmOf,
} from './sim-devices.ts';
import type { LendingHost } from './sim-devices.ts';
import { meetFaults } from './sim-vm-fault.ts';
import type { SimVmEffects, SimVmFault } from './sim-vm-fault.ts';
import { addEvent, fileStore, memoryStore, newSimVms } from './sim-vms.ts';
import type { SimVmEvent, SimVms, SimVmStore } from './sim-vms.ts';

export interface SimHypervisorOptions {
  /** File of the VMs; absent: in memory, beginning with `vms`. */
  readonly stateFile?: string;
  /** Changed in place; absent: the usual three VMs. */
  readonly vms?: SimVms;
  /** The host whose VFs are given to VMs; absent: only the hypervisor's own records change. */
  readonly host?: LendingHost;
  readonly faults?: readonly SimVmFault[];
  /** What a `kill` of the faults does instead of killing this process; the hypervisor answers nothing after it. */
  readonly onKill?: () => void;
}

/** What people and guests do to VMs behind vfleet's back. Each throws `vm.unknown` or `hypervisor.refused`. */
export interface SimHypervisor extends Hypervisor {
  /** To be read at will. */
  readonly state: SimVms;
  define(vm: Vm): Promise<void>;
  start(name: string): Promise<void>;
  /** The guest powers off, it crashes, or somebody pulls its plug: the devices of the running VM go back to the host. */
  stop(name: string): Promise<void>;
  crash(name: string): Promise<void>;
  destroy(name: string): Promise<void>;
  /** The stored definition goes; a VM that does not run goes with it. */
  undefine(name: string): Promise<void>;
}

/** Opens a simulated hypervisor. */
export function openSimHypervisor(options: SimHypervisorOptions = {}): SimHypervisor {
  const { host, faults = [] } = options;
  const store: SimVmStore =
    options.stateFile === undefined ? memoryStore(options.vms ?? newSimVms()) : fileStore(options.stateFile);
  let isDead = false;

  async function die(): Promise<never> {
    isDead = true;
    (options.onKill ?? (() => process.kill(process.pid, 'SIGKILL')))();
    return new Promise(() => undefined);
  }

  async function meet(operations: readonly SimVmFault['operation'][], vm?: string): Promise<SimVmEffects> {
    if (isDead) return die();
    if (faults.length === 0) return {};
    const effects = await store.change(({ faultCounts, vms }) => {
      const name = vms.find(({ uuid }) => uuid === vm)?.name ?? vm;
      return meetFaults(faults, faultCounts, operations, name);
    });
    if (effects.kill === 'before') return die();
    if (effects.unreachable === true) throw gone();
    if (effects.refusal !== undefined) throw refused(effects.refusal);
    return effects;
  }

  /** One call that changes something, with what can happen to it. */
  async function change(
    operation: 'attach' | 'detach' | 'pin',
    uuid: string,
    work: (vms: SimVms, vm: Vm) => void,
    onHang: () => VfleetError,
  ): Promise<void> {
    const effects = await meet([operation, 'change'], uuid);
    if (effects.hang === true) throw onHang();
    await store.change((vms) => work(vms, readableVmOf(vms, uuid)));
    if (effects.kill === 'after') return die();
    if (effects.lost === true) throw gone();
  }

  const late = (): VfleetError =>
    new VfleetError('hypervisor.timeout', 'the simulated hypervisor has not answered');

  async function end(name: string, state: Vm['state'], what: 'stopped' | 'crashed'): Promise<void> {
    await store.change((vms) => {
      const vm = vmOf(vms, name);
      if (!isActive(vm)) throw refused('domain is not running');
      unplugAll(vm, host);
      vm.state = state;
      addEvent(vms, { kind: 'lifecycle', uuid: vm.uuid, name: vm.name, what });
      if (!vm.persistent) vms.vms = vms.vms.filter((other) => other !== vm);
    });
  }

  return {
    label: 'the simulated hypervisor',
    uri: 'sim:///',
    get state() {
      return store.read();
    },
    async listVms() {
      await meet(['list']);
      return structuredClone(store.read().vms).map(listedVm);
    },
    async readVm(nameOrUuid) {
      await meet(['read'], nameOrUuid);
      return structuredClone(readableVmOf(store.read(), nameOrUuid));
    },
    async hasNic(uuid, alias, scope) {
      await meet(['read'], uuid);
      const { nics, storedNics } = readableVmOf(store.read(), uuid);
      const isIn = (all: readonly VmNic[]): boolean => all.some((nic) => nic.alias === alias);
      return (!scope.live || isIn(nics)) && (!scope.stored || isIn(storedNics));
    },
    attachNic: async (uuid, nic, scope) =>
      change('attach', uuid, (vms, vm) => addNic(vms, vm, nic, scope, host), late),
    detachNic: async (uuid, alias, scope, timeoutMs) =>
      change(
        'detach',
        uuid,
        (vms, vm) => {
          if (scope.stored) vm.storedNics = vm.storedNics.filter((nic) => nic.alias !== alias);
          if (scope.live && unplug(vm, alias, host))
            addEvent(vms, { kind: 'device-removed', uuid: vm.uuid, name: vm.name, alias });
        },
        () =>
          new VfleetError(
            'hypervisor.timeout',
            `the guest has not let go of ${alias} within ${timeoutMs / 1000} s`,
          ),
      ).catch((error: unknown) => {
        if (!(error instanceof VfleetError) || error.code !== 'vm.unknown') throw error;
      }),
    pin: async (uuid, pinning, scope) => change('pin', uuid, (_, vm) => pinVm(vm, pinning, scope), late),
    watch: (signal) => watchVms(store, signal),
    close: () => undefined,

    async define(vm) {
      await store.change((vms) => {
        if (vms.vms.some(({ name, uuid }) => name === vm.name || uuid === vm.uuid))
          throw refused(`there is a domain ${JSON.stringify(vm.name)} already`);
        vms.vms.push(structuredClone(vm));
        addEvent(vms, { kind: 'lifecycle', uuid: vm.uuid, name: vm.name, what: 'defined' });
      });
    },
    async start(name) {
      await store.change((vms) => {
        const vm = vmOf(vms, name);
        if (isActive(vm)) throw refused('domain is already running');
        plugStored(vms, vm, host);
        vm.state = 'running';
        if (vm.storedPlacement !== undefined) vm.placement = vm.storedPlacement;
        addEvent(vms, { kind: 'lifecycle', uuid: vm.uuid, name: vm.name, what: 'started' });
      });
    },
    stop: async (name) => end(name, 'stopped', 'stopped'),
    crash: async (name) => end(name, 'crashed', 'crashed'),
    destroy: async (name) => end(name, 'stopped', 'stopped'),
    async undefine(name) {
      await store.change((vms) => {
        const vm = vmOf(vms, name);
        if (!vm.persistent) throw refused('there is no stored definition');
        vm.persistent = false;
        vm.storedNics = [];
        addEvent(vms, { kind: 'lifecycle', uuid: vm.uuid, name: vm.name, what: 'undefined' });
        if (!isActive(vm)) vms.vms = vms.vms.filter((other) => other !== vm);
      });
    },
  };
}

function gone(): VfleetError {
  return new VfleetError('hypervisor.unreachable', 'the simulated hypervisor does not answer');
}

function pinVm(vm: Vm, pinning: Pinning, scope: ChangeScope): void {
  if (scope.live && !isActive(vm)) throw refused('domain is not running');
  const apply = (placement: Vm['placement']): Vm['placement'] => ({
    ...placement,
    vcpuPins: { ...placement.vcpuPins, ...copyOf(pinning.vcpuPins ?? {}) },
    ...(pinning.emulatorPin === undefined ? {} : { emulatorPin: [...pinning.emulatorPin] }),
    ...(pinning.ioThreadPins === undefined
      ? {}
      : { ioThreadPins: { ...placement.ioThreadPins, ...copyOf(pinning.ioThreadPins) } }),
    ...(pinning.memoryNodes === undefined ? {} : boundTo(pinning.memoryNodes, placement)),
  });
  if (scope.stored) vm.storedPlacement = apply(vm.storedPlacement ?? vm.placement);
  if (scope.live || !isActive(vm)) vm.placement = apply(vm.placement);
}

function boundTo(
  nodes: readonly number[],
  { memoryParts }: Vm['placement'],
): Pick<Vm['placement'], 'memoryNodes' | 'memoryParts'> {
  const memoryNodes = [...nodes];
  return present({ memoryNodes, memoryParts: memoryParts?.map(() => [...nodes]) });
}

function copyOf(pins: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(pins).map(([vcpu, cpus]) => [vcpu, [...cpus]]));
}

async function* watchVms(store: SimVmStore, signal: AbortSignal): AsyncGenerator<VmEvent> {
  let next = store.read().nextEvent;
  let seen = store.stamp();
  while (!signal.aborted) {
    const stamp = store.stamp();
    if (stamp === seen) {
      await store.waitForNews(signal);
      continue;
    }
    seen = stamp;
    const { events, nextEvent } = store.read();
    const missed = (events[0]?.number ?? nextEvent) > next;
    if (missed) yield { kind: 'reconnected' };
    for (const event of events) if (event.number >= next) yield eventOf(event);
    next = nextEvent;
  }
}

function eventOf({ kind, uuid, name, what = 'stopped', alias = '' }: SimVmEvent): VmEvent {
  return kind === 'lifecycle' ? { kind, uuid, name, what } : { kind, uuid, name, alias };
}
