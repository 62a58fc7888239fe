// Owns putting drift back, through the ordinary apply with lock and journal: never at a VF that is in use or leased, never
// by a plan that disrupts anything, and ever more slowly when it does not hold.

import { performance } from 'node:perf_hooks';
import { applyPlan } from '../apply/apply-plan.ts';
import { readCutOff } from '../apply/cut-off.ts';
import { lockHost } from '../apply/host-lock.ts';
import type { AssigningHost } from '../assign/assigning-host.ts';
import { VfleetError, messageOf } from '../base/errors.ts';
import type { Plan } from '../model/plan.ts';
import type { PfTarget, Target } from '../model/target.ts';
import { planTarget } from '../planner/plan-target.ts';
import type { DriftItem } from './agent-answers.ts';
import { compareHost } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import type { EventFeed } from './event-feed.ts';

/** Drift that comes back within this time after it was put back is somebody's who fights. */
const quietMs = 60_000;
/** After the first time, then twice as long, and so on. */
const firstBackoffMs = 5_000;
const lastBackoffMs = 600_000;
/** Somebody else is changing the host: the next look tries again. */
const busyBackoffMs = 1_000;

export interface EnforcementOptions {
  readonly host: AssigningHost;
  readonly feed: EventFeed;
  /** Aborted when the agent stops: what was begun is undone. */
  readonly signal: AbortSignal;
  /** Look again soon. */
  readonly onDone: () => void;
}

/** What may be put back, and why the rest may not. */
export interface Allowed {
  readonly target: Target;
  readonly plan: Plan;
  readonly heldBack: readonly string[];
}

/** Puts drift back when it is told of some. */
export class Enforcement {
  readonly #options: EnforcementOptions;
  #isWorking = false;
  #rounds = 0;
  #lastDoneMs = -quietMs;
  #nextMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #told = '';

  constructor(options: EnforcementOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  /** There is drift, confirmed. Does nothing while it works, or waits. */
  consider(items: readonly DriftItem[]): void {
    if (items.length === 0) {
      this.#told = '';
      return;
    }
    const { signal } = this.#options;
    if (this.#isWorking || signal.aborted) return;
    const nowMs = performance.now();
    if (this.#rounds > 0 && nowMs - this.#lastDoneMs > Math.max(quietMs, 2 * backoffMs(this.#rounds))) {
      this.#rounds = 0;
    }
    if (nowMs >= this.#nextMs) {
      void this.#work();
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#options.onDone(), this.#nextMs - nowMs);
  }

  /** Waits for the work under way. */
  async settle(): Promise<void> {
    while (this.#isWorking) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async #work(): Promise<void> {
    const { feed, onDone } = this.#options;
    this.#isWorking = true;
    try {
      const done = await this.#putBack();
      if (done > 0) {
        feed.tell({ kind: 'enforced', text: `${done} difference${done === 1 ? '' : 's'} put back` });
        this.#slowDown();
      }
      feed.forgetFailure(enforcing);
    } catch (error) {
      if (error instanceof VfleetError && error.code === 'lock.held') {
        this.#nextMs = performance.now() + busyBackoffMs;
      } else if (!this.#options.signal.aborted) {
        feed.tellFailure(enforcing, error);
        this.#slowDown();
      }
    } finally {
      this.#isWorking = false;
      onDone();
    }
  }

  /** Makes the next round wait when the last one was not long ago. */
  #slowDown(): void {
    const nowMs = performance.now();
    const isFight = nowMs - this.#lastDoneMs < Math.max(quietMs, 2 * backoffMs(this.#rounds));
    this.#rounds = isFight ? this.#rounds + 1 : 0;
    this.#lastDoneMs = nowMs;
    const waitMs = isFight ? backoffMs(this.#rounds) : 0;
    this.#nextMs = nowMs + waitMs;
    if (waitMs > 0) {
      this.#options.feed.tell({
        kind: 'enforce-held-back',
        text: `it does not hold: somebody else changes this host; the next try is in ${waitMs / 1000} s at the earliest`,
      });
    }
  }

  /** How many differences were put back. */
  async #putBack(): Promise<number> {
    const { host, signal } = this.#options;
    const lock = await lockHost(host.stateFolder, { command: 'agent --enforce', waitMs: 0 });
    try {
      if ((await readCutOff(host.stateFolder)) !== undefined) {
        this.#holdBack(['an apply was cut off; run `vfleet recover`']);
        return 0;
      }
      const comparison = await compareHost(host);
      if (comparison === undefined) return 0;
      const { snapshot, leases } = comparison;
      const { target, plan, heldBack } = restrict(comparison);
      this.#holdBack(heldBack);
      await applyPlan(
        {
          session: host.session,
          stateFolder: host.stateFolder,
          timeouts: host.timeouts,
          report: () => undefined,
          readLeases: async () => (await host.leases.list()).leases,
          signal,
        },
        {
          command: 'enforce',
          snapshot,
          target,
          plan,
          leases,
          allowDisruption: false,
        },
      );
      return plan.changes.length;
    } finally {
      lock.release();
    }
  }

  #holdBack(reasons: readonly string[]): void {
    const text = reasons.join('; ');
    if (text === this.#told) return;
    this.#told = text;
    if (text !== '') this.#options.feed.tell({ kind: 'enforce-held-back', text: `not put back: ${text}` });
  }
}

const enforcing = 'putting drift back';

function backoffMs(rounds: number): number {
  return rounds === 0 ? 0 : Math.min(firstBackoffMs * 2 ** (rounds - 1), lastBackoffMs);
}

/** Leaves out VFs that are in use or leased, and whole PFs where anything would be disrupted or made anew under a lease. */
function restrict({ snapshot, targets, leases, corrupt }: Comparison): Allowed {
  const heldBack: string[] = [];
  const pfs: PfTarget[] = [];
  for (const target of targets) {
    const leased = new Set(
      [...leases, ...corrupt].filter(({ key }) => key.pf === target.address).map(({ key }) => key.vf),
    );
    const used = new Set(
      (snapshot.pfs.find(({ address }) => address === target.address)?.vfs ?? [])
        .filter(({ holders }) => holders.length > 0)
        .map(({ index }) => index),
    );
    const free = { ...target, vfs: target.vfs.filter(({ index }) => !leased.has(index) && !used.has(index)) };
    try {
      const whole = planTarget(snapshot, { pfs: [target] }, leases);
      // Without the leases: the planner would put leased VFs right as well.
      const plan = planTarget(snapshot, { pfs: [free] });
      const why = reasonAgainst(plan, leased.size > 0);
      if (why !== undefined) {
        heldBack.push(`${target.address}: ${why}`);
        continue;
      }
      const left = whole.changes.length - plan.changes.length;
      if (left > 0)
        heldBack.push(
          `${target.address}: ${left} difference${left === 1 ? '' : 's'} of VFs that are leased or in use`,
        );
      if (plan.steps.length > 0) pfs.push(free);
    } catch (error) {
      heldBack.push(messageOf(error));
    }
  }
  const target = { pfs };
  return { target, plan: planTarget(snapshot, target), heldBack };
}

function reasonAgainst(plan: Plan, hasLeases: boolean): string | undefined {
  const [disruption] = plan.disruptions;
  if (disruption !== undefined) return `VF ${disruption.vf} is in use: ${disruption.why}`;
  const remakesVfs = plan.steps.some(({ kind }) => kind === 'num-vfs' || kind === 'eswitch-mode');
  return remakesVfs && hasLeases ? 'VFs would be made anew, and some are leased' : undefined;
}
