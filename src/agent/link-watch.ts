// Owns following the links of PFs and VFs: events of other interfaces, of which a host of containers has thousands, are
// passed over.

import type { FileTree } from '../kernel/kernel.ts';
import { watchLinks } from '../kernel/rtnetlink/link-events.ts';
import type { LinkEvent } from '../kernel/rtnetlink/link-events.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { EventFeed } from './event-feed.ts';
import { pause } from './pause.ts';

/** Links that cannot be followed are tried again after this. */
const retryMs = 1_000;
const following = 'following links';

export interface LinkWatchOptions {
  readonly session: KernelSession;
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  /** Interfaces of PFs and VFs that the last comparison saw. */
  readonly names: () => ReadonlySet<string>;
  readonly onChange: () => void;
}

/** Calls back for each event that is about a PF or VF, until the signal is aborted. */
export async function followLinks(options: LinkWatchOptions): Promise<void> {
  const { session, feed, signal, names, onChange } = options;
  while (!signal.aborted) {
    const watch = watchLinks(() => session.kernel.openNetlink('route'));
    const stop = (): void => watch.close();
    signal.addEventListener('abort', stop);
    try {
      for await (const event of watch) {
        feed.forgetFailure(following);
        if (isMeant(event, names(), session.files)) onChange();
      }
    } catch (error) {
      feed.tellFailure(following, error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    await pause(retryMs, signal);
  }
}

/** A new name counts when a device stands behind it: bridges, tunnels and the like have none. */
function isMeant(event: LinkEvent, names: ReadonlySet<string>, files: FileTree): boolean {
  if (event.kind === 'resync') return true;
  if (event.kind === 'gone') return names.has(event.name);
  const { name, attributes } = event.link;
  if (names.has(name) || attributes.parentDeviceName !== undefined) return true;
  return files.readLink(`/sys/class/net/${name}/device`) !== undefined;
}
