import type { AgentEvent } from './agent-answers.ts';
import { EventFeed } from './event-feed.ts';

/** A feed on vitest's time, and what was told in it so far. */
export function recordedFeed(): { readonly feed: EventFeed; readonly events: readonly AgentEvent[] } {
  const events: AgentEvent[] = [];
  const feed = new EventFeed({
    nowMs: () => Date.now(),
    sleep: async () => undefined,
    startTimer: setTimeout,
  });
  feed.subscribe((event) => events.push(event));
  return { feed, events };
}
