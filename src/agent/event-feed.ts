// Owns the agent's events on their way from whoever noticed something to the log and to clients that listen.
// Keeps none: who comes later asks for the state instead.

import type { Clock } from '../kernel/kernel.ts';
import { messageOf } from '../base/errors.ts';
import type { AgentEvent } from './agent-answers.ts';

export class EventFeed {
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: AgentEvent) => void>();
  readonly #failures = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** RFC 3339, as in the events. */
  now(): string {
    return new Date(this.#clock.nowMs()).toISOString();
  }

  /** Tells everybody. A listener must not throw. */
  tell(event: Omit<AgentEvent, 'at'>): void {
    const full: AgentEvent = { at: this.now(), ...event };
    for (const listener of this.#listeners) listener(full);
  }

  /** Tells that something failed, once for as long as it fails in the same way. */
  tellFailure(what: string, error: unknown): void {
    const why = messageOf(error);
    if (this.#failures.get(what) === why) return;
    this.#failures.set(what, why);
    this.tell({ kind: 'failed', text: `${what}: ${why}` });
  }

  /** Something works, so that its next failure is told again. */
  forgetFailure(what: string): void {
    this.#failures.delete(what);
  }

  /** Calls back for each event from now on, until the returned function is called. */
  subscribe(listener: (event: AgentEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
