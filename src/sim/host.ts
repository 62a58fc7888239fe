// Owns a simulated host at run time: its state, its time, its locks, its faults, and who wants to hear of changes.
// What a driver or the kernel does is in the files beside; how it is asked is in tree/ and netlink/.

import { VfleetError } from '../base/errors.ts';
import { capabilityNumbers } from '../kernel/proc/capabilities.ts';
import type { CapabilityName } from '../kernel/proc/capabilities.ts';
import { SimClock } from './clock.ts';
import { DeviceLocks } from './device-locks.ts';
import type { SimOperation } from './fault.ts';
import type { FaultContext, FaultEffects, FaultSet } from './fault-set.ts';
import { noEffects } from './fault-set.ts';
import { buildIndex } from './host-index.ts';
import type { HostIndex, SimLink } from './host-index.ts';
import type { SimPfProfile, SimProfile } from './profile.ts';
import type { SimArrival, SimPf, SimState } from './state.ts';

export type LinkEventKind = 'new' | 'del';

/** Where the state is kept between processes. */
export interface SimStore {
  /** The state when somebody else wrote it since our last look, otherwise undefined. */
  readChanged(): SimState | undefined;
  write(state: SimState): void;
}

export interface SimHostOptions {
  readonly profile: SimProfile;
  readonly state: SimState;
  readonly clock: SimClock;
  readonly faults: FaultSet;
  readonly store?: SimStore | undefined;
  readonly onChange?: ((state: SimState) => void) | undefined;
  readonly onKill: () => void;
  /** What happens when the time of arrivals has come (arrivals.ts). */
  readonly onArrival: (host: SimHost, arrivals: readonly SimArrival[]) => void;
}

/** How often somebody who waits for the state of the host looks, in our own time. */
const waitPollMs = 2;

export class SimHost {
  readonly profile: SimProfile;
  readonly clock: SimClock;
  readonly locks = new DeviceLocks();
  readonly linkListeners = new Set<(kind: LinkEventKind, link: SimLink) => void>();
  readonly #onArrival: (host: SimHost, arrivals: readonly SimArrival[]) => void;
  #state: SimState;
  #index: HostIndex | undefined;
  #generation = 0;
  #isDead = false;
  #alarm: { readonly atMs: number; stop(): void } | undefined;
  readonly #faults: FaultSet;
  readonly #store: SimStore | undefined;
  readonly #onChange: ((state: SimState) => void) | undefined;
  readonly #onKill: () => void;

  constructor(options: SimHostOptions) {
    this.profile = options.profile;
    this.clock = options.clock;
    this.#state = options.state;
    this.#faults = options.faults;
    this.#store = options.store;
    this.#onChange = options.onChange;
    this.#onKill = options.onKill;
    this.#onArrival = options.onArrival;
    this.#arm();
  }

  get state(): SimState {
    return this.#state;
  }

  /** Rises with every change: what was found on the host before one may have gone. */
  get generation(): number {
    return this.#generation;
  }

  get index(): HostIndex {
    return (this.#index ??= buildIndex(this.profile, this.#state));
  }

  /** Every call into the simulated kernel begins here: what others changed is seen, what was due has happened. */
  enter(): void {
    if (this.#isDead)
      throw new VfleetError('internal.bug', 'the process was killed by a fault of the simulated host');
    const changed = this.#store?.readChanged();
    if (changed !== undefined) {
      this.#state = changed;
      this.#forget();
      this.#arm();
    }
    this.#settle();
  }

  /** Something that the host does by itself after a time; the change goes on and is committed by the caller. */
  schedule(arrival: Omit<SimArrival, 'atMs'>, delayMs: number): void {
    this.#state.arrivals.push({ ...arrival, atMs: this.clock.nowMs() + delayMs });
    this.#arm();
  }

  /** Sets an alarm for the next arrival, for those who wait for events: anybody who asks is told the truth without. */
  #arm(): void {
    const nextMs = this.#state.arrivals.reduce((earliest, { atMs }) => Math.min(earliest, atMs), Infinity);
    if (nextMs === this.#alarm?.atMs) return;
    this.#alarm?.stop();
    this.#alarm = undefined;
    if (nextMs === Infinity) return;
    const delayMs = Math.max(0, nextMs - this.clock.nowMs());
    const onAlarm = (): void => {
      this.#alarm = undefined;
      if (this.#isDead) return;
      // By way of what others changed meanwhile, or their changes would be written over.
      this.enter();
      this.#arm();
    };
    this.#alarm = { atMs: nextMs, stop: this.clock.schedule(delayMs, onAlarm, { background: true }) };
  }

  /** A device has gone or lost its driver: what was to come does not come. */
  cancelArrivals(pf: string, vf?: number): void {
    this.#state.arrivals = this.#state.arrivals.filter(
      (arrival) => arrival.pf !== pf || (vf !== undefined && arrival.vf !== vf),
    );
  }

  #settle(): void {
    if (this.#isDead || this.#state.arrivals.length === 0) return;
    const nowMs = this.clock.nowMs();
    const due = this.#state.arrivals.filter(({ atMs }) => atMs <= nowMs);
    if (due.length === 0) return;
    this.#state.arrivals = this.#state.arrivals.filter(({ atMs }) => atMs > nowMs);
    this.#onArrival(this, due);
  }

  /** Every change ends here. */
  commit(): void {
    this.#forget();
    this.#state.clockMs = this.clock.nowMs();
    this.#store?.write(this.#state);
    this.#onChange?.(this.#state);
  }

  #forget(): void {
    this.#index = undefined;
    this.#generation += 1;
  }

  emitLink(kind: LinkEventKind, link: SimLink): void {
    for (const listener of this.linkListeners) listener(kind, link);
  }

  pf(address: string): { pf: SimPf; profile: SimPfProfile } | undefined {
    const fn = this.index.functions.get(address);
    return fn?.role === 'pf' ? fn : undefined;
  }

  hasCapability(name: CapabilityName): boolean {
    return ((BigInt(`0x${this.#state.capEff}`) >> BigInt(capabilityNumbers[name])) & 1n) === 1n;
  }

  /** Waits until something holds, for ever if need be. */
  async waitUntil(condition: () => boolean): Promise<void> {
    for (;;) {
      this.enter();
      if (condition()) return;
      await new Promise((resolve) => setTimeout(resolve, waitPollMs));
    }
  }

  /** Which faults a call meets. Unplugging is done here; the rest is the caller's. */
  meetFaults(operations: readonly SimOperation[], context: FaultContext): FaultEffects {
    if (this.#faults.isEmpty) return noEffects;
    const before = JSON.stringify(this.#state.faultCounts);
    const effects = this.#faults.meet(operations, context, this.#state.faultCounts);
    for (const address of effects.unplug) this.unplug(address);
    if (JSON.stringify(this.#state.faultCounts) !== before) this.commit();
    return effects;
  }

  /** Faults of a call that may wait: kills before, delays and hangs are done here. */
  async passFaults(operations: readonly SimOperation[], context: FaultContext): Promise<FaultEffects> {
    const effects = this.meetFaults(operations, context);
    if (effects.kill === 'before') await this.die();
    if (effects.delayMs > 0) await this.clock.sleep(effects.delayMs);
    if (effects.hang) await never();
    if (effects.delayMs > 0) this.enter();
    return effects;
  }

  /** The process ends here, like one that was sent SIGKILL. */
  async die(): Promise<never> {
    this.#onKill();
    this.#isDead = true;
    return never();
  }

  /** Pulls a PF out, with its VFs and all their interfaces. */
  unplug(address: string): void {
    const gone = this.#linksOf(address);
    this.#state.pfs = this.#state.pfs.filter((pf) => pf.address !== address);
    this.cancelArrivals(address);
    this.commit();
    for (const link of gone) this.emitLink('del', link);
  }

  #linksOf(address: string): SimLink[] {
    const all = [...this.index.links.values()].flatMap((links) => [...links.values()]);
    return all.filter((link) => 'pf' in link && link.pf.address === address);
  }
}

/** A call that does not come back. */
export async function never(): Promise<never> {
  return new Promise(() => undefined);
}
