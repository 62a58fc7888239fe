// Owns following the links of PFs and VFs, and what the host uses them for: events of other interfaces, of which a host of
// containers has thousands, are passed over.

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
    const watch = watchLinks(() => session.kernel.openNetlink('route'), { addresses: true });
    const links = new Map<number, string>();
    const stop = (): void => watch.close();
    signal.addEventListener('abort', stop);
    try {
      for await (const event of watch) {
        feed.forgetFailure(following);
        remember(event, links);
        if (isMeant(event, { names: names(), links, files: session.files })) onChange();
      }
    } catch (error) {
      feed.tellFailure(following, error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    await pause(retryMs, signal);
  }
}

/** Keeps the names of links by index: an address comes with the index alone. */
function remember(event: LinkEvent, links: Map<number, string>): void {
  if (event.kind === 'link') links.set(event.link.ifIndex, event.link.name);
  else if (event.kind === 'gone') links.delete(event.ifIndex);
  else if (event.kind === 'resync') {
    links.clear();
    for (const { ifIndex, name } of event.links) links.set(ifIndex, name);
  }
}

interface Known {
  /** Interfaces of PFs and VFs. */
  readonly names: ReadonlySet<string>;
  readonly links: ReadonlyMap<number, string>;
  readonly files: FileTree;
}

/**
 * A new name counts when a device stands behind it, or an interface of ours below it: bridges, tunnels and the like have
 * none. Link-local addresses come by themselves, and make nobody a user.
 */
function isMeant(event: LinkEvent, { names, links, files }: Known): boolean {
  if (event.kind === 'resync') return true;
  if (event.kind === 'gone') return names.has(event.name);
  if (event.kind === 'address') return event.scope !== 'link' && names.has(links.get(event.ifIndex) ?? '');
  const { name, attributes } = event.link;
  if (names.has(name) || attributes.parentDeviceName !== undefined) return true;
  if (attributes.lowerLink !== undefined && names.has(links.get(attributes.lowerLink) ?? '')) return true;
  return files.readLink(`/sys/class/net/${name}/device`) !== undefined;
}
