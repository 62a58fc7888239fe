// Owns the joining of a simulated host's parts into the kernel port, and what tests can do to a host behind vfleet's back.

import { VfleetError } from '../base/errors.ts';
import type { Errno, Kernel } from '../kernel/kernel.ts';
import { arrive } from './arrivals.ts';
import { bounded } from './bounded.ts';
import { SimClock } from './clock.ts';
import type { SimFault } from './fault.ts';
import { loadModule } from './driver-binding.ts';
import { parseFaults } from './fault.ts';
import { FaultSet, socketFailure } from './fault-set.ts';
import { simFiles } from './files.ts';
import { holdVf, releaseVf } from './holding.ts';
import { lendVf, returnVf } from './lending.ts';
import type { SimBorrower } from './lending.ts';
import type { SimHolder } from './holding.ts';
import { SimHost } from './host.ts';
import type { SimStore } from './host.ts';
import { hostNetns } from './host-index.ts';
import { initialState } from './initial-state.ts';
import { answerEthtoolIoctl } from './netlink/ethtool.ts';
import { SimNetlinkSocket } from './netlink/socket.ts';
import type { SimProfile } from './profile.ts';
import { simProfileOf } from './profiles/profile-table.ts';
import type { SimProfileName } from './profiles/profile-table.ts';
import { finishCreation } from './sriov.ts';
import type { SimState } from './state.ts';
import { answerTool } from './tool.ts';
import { netnsOfNode } from './tree/proc-folder.ts';
import { rootFolder } from './tree/root.ts';
import { isMissing, walk } from './tree/walk.ts';

export interface SimKernelOptions {
  /** A name of the table, or a profile of one's own. */
  readonly profile: SimProfileName | SimProfile;
  /** The host as it is; absent: as it is after boot. It is changed in place. */
  readonly state?: SimState;
  readonly faults?: readonly SimFault[];
  readonly onChange?: (state: SimState) => void;
  /** How much faster the host's time runs than ours; absent: {@link defaultSpeed}. */
  readonly speed?: number;
  /** What a `kill` of the faults does instead of killing this process. The host answers nothing after it. */
  readonly onKill?: () => void;
}

/** A host in memory, and the strings by which it can be moved. */
export interface SimKernel extends Kernel {
  /** Plain JSON. To be read at will; change it with {@link SimKernel.change}. */
  readonly state: SimState;
  /** Changes the state behind vfleet's back. */
  change(work: (state: SimState) => void): void;
  /** Somebody takes a VF into use. Throws `host.invalid` when there is no such VF. */
  holdVf(pf: string, index: number, holder: SimHolder): void;
  /** Every use of a VF ends. */
  releaseVf(pf: string, index: number): void;
  /** A hypervisor gives a VF to a VM, by its PCI address. Throws `host.invalid` with the reason when it cannot. */
  lendVf(address: string, borrower: SimBorrower): void;
  /** A hypervisor takes a VF back. */
  returnVf(address: string): void;
  /** Time goes by at once: what waits for a moment is late then, who sleeps, sleeps on. */
  skipTime(durationMs: number): void;
  /** A PF is pulled out. */
  unplug(pf: string): void;
  /** The machine boots: VFs, settings and processes are gone, the machine's ID stays. */
  reboot(): void;
}

/** A minute of a real card takes 0.6 s. */
export const defaultSpeed = 100;

/** Makes a simulated host. Throws `host.invalid` for a profile or fault that there is not. */
export function createSimKernel(options: SimKernelOptions): SimKernel {
  const profile = typeof options.profile === 'string' ? simProfileOf(options.profile) : options.profile;
  return simKernelOn(profile, options.state ?? initialState(profile), {
    ...options,
    faults: parseFaults(options.faults ?? []),
  });
}

/** The same with what outlives the process. */
export function simKernelOn(
  profile: SimProfile,
  state: SimState,
  options: Pick<SimKernelOptions, 'faults' | 'onChange' | 'speed' | 'onKill'> & { store?: SimStore },
): SimKernel {
  const host = new SimHost({
    profile,
    state,
    clock: new SimClock(options.speed ?? defaultSpeed, originOf(state)),
    faults: new FaultSet(options.faults ?? []),
    store: options.store,
    onChange: options.onChange,
    onKill: options.onKill ?? (() => process.kill(process.pid, 'SIGKILL')),
    onArrival: arrive,
  });
  finishCreation(host);
  const root = rootFolder(host);
  return {
    files: simFiles(host),
    clock: host.clock,
    openNetlink(protocol, socket = {}) {
      host.enter();
      const { errno } = host.meetFaults(['open'], { path: socket.netns, attribute: protocol });
      if (errno !== undefined) throw socketFailure('open a netlink socket', errno);
      const netns = socket.netns === undefined ? hostNetns : netnsAt(socket.netns);
      if (netns !== hostNetns && !host.hasCapability('CAP_SYS_ADMIN')) {
        throw new VfleetError('permission.missing', `enter network namespace ${socket.netns}: EPERM`, {
          details: { operation: 'setns', errno: 'EPERM' },
        });
      }
      return new SimNetlinkSocket(host, protocol, netns);
    },
    ethtoolIoctl: async (ifName, request) => answerEthtoolIoctl(host, ifName, request),
    async loadModule(name, timeoutMs) {
      host.enter();
      const work = async (): Promise<Errno | undefined> => {
        const effects = await host.passFaults(['modprobe'], { attribute: name });
        const errno = effects.errno ?? loadModule(host, name);
        return errno === undefined ? undefined : { errno };
      };
      return bounded(host.clock, timeoutMs, work(), {
        message: `modprobe ${name} has not come back after ${timeoutMs / 1000} s`,
        operation: `modprobe ${name}`,
      });
    },
    runTool: async (program, args, timeoutMs) => answerTool(host, program, args, timeoutMs),
    get state() {
      return host.state;
    },
    change(work) {
      host.enter();
      work(host.state);
      host.commit();
    },
    holdVf: (pf, index, holder) => holdVf(host, pf, index, holder),
    releaseVf: (pf, index) => releaseVf(host, pf, index),
    lendVf: (address, borrower) => lendVf(host, address, borrower),
    returnVf: (address) => returnVf(host, address),
    skipTime: (durationMs) => host.clock.skip(durationMs),
    unplug(pf) {
      host.enter();
      host.unplug(pf);
    },
    reboot() {
      host.enter();
      const { machineId, faultCounts } = host.state;
      Object.assign(host.state, initialState(profile), { machineId, faultCounts });
      host.commit();
    },
  };

  function netnsAt(path: string): number {
    const found = walk(root, path, { follow: true });
    const netns = isMissing(found) ? undefined : netnsOfNode(found.node);
    if (netns !== undefined) return netns;
    throw new VfleetError('kernel.absent', `network namespace ${path} cannot be opened`);
  }
}

/** The host's time goes on where it was left as long as something waits for a time. */
function originOf(state: SimState): number {
  const nowMs = Date.now();
  const isWaiting =
    state.arrivals.length > 0 ||
    state.pfs.some(({ vfs }) => vfs.some(({ unreadyUntilMs = 0 }) => unreadyUntilMs > nowMs));
  return isWaiting ? Math.max(nowMs, state.clockMs) : nowMs;
}
