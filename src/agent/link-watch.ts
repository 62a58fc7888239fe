// Owns following the links of PFs and VFs, and what the host uses them for: events of other interfaces, of which a host of
// containers has thousands, are passed over. And noticing that a port has its carrier back.

import { isRepresentorPort } from '../inventory/uplink.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { watchLinks } from '../kernel/rtnetlink/link-events.ts';
import type { LinkEvent } from '../kernel/rtnetlink/link-events.ts';
import type { Link } from '../kernel/rtnetlink/link.ts';
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
  /** Told each time that an interface has a carrier again after it had none; those of representors are passed over. */
  readonly onCarrier: (name: string) => void;
}

/** What is remembered of a link. */
interface KnownLink {
  readonly name: string;
  /** Undefined: never told. */
  readonly hasCarrier: boolean | undefined;
}

/** Calls back for each event that is about a PF or VF, until the signal is aborted. */
export async function followLinks(options: LinkWatchOptions): Promise<void> {
  const { session, feed, signal, names, onChange, onCarrier } = options;
  // Outlives a socket: a carrier that came back while nothing was told is seen by the next full read.
  const links = new Map<number, KnownLink>();
  while (!signal.aborted) {
    const watch = watchLinks(() => session.kernel.openNetlink('route'), { addresses: true });
    const stop = (): void => watch.close();
    signal.addEventListener('abort', stop);
    try {
      for await (const event of watch) {
        feed.forgetFailure(following);
        for (const name of remember(event, links)) onCarrier(name);
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

/**
 * Keeps what is known of links by index: an address comes with the index alone. Answers the names of those whose carrier
 * has come back.
 */
function remember(event: LinkEvent, links: Map<number, KnownLink>): string[] {
  if (event.kind === 'link') return rememberLink(event.link, links) ? [event.link.name] : [];
  if (event.kind === 'gone') links.delete(event.ifIndex);
  if (event.kind !== 'resync') return [];
  const present = new Set<number>(event.links.map(({ ifIndex }) => ifIndex));
  for (const ifIndex of links.keys()) if (!present.has(ifIndex)) links.delete(ifIndex);
  return event.links.filter((link) => rememberLink(link, links)).map(({ name }) => name);
}

function rememberLink({ ifIndex, name, attributes }: Link, links: Map<number, KnownLink>): boolean {
  const before = links.get(ifIndex)?.hasCarrier;
  const hasCarrier = attributes.carrier === undefined ? before : attributes.carrier === 1;
  links.set(ifIndex, { name, hasCarrier });
  return before === false && hasCarrier === true && !isRepresentorPort(attributes.physPortName);
}

interface Known {
  /** Interfaces of PFs and VFs. */
  readonly names: ReadonlySet<string>;
  readonly links: ReadonlyMap<number, KnownLink>;
  readonly files: FileTree;
}

/**
 * A new name counts when a device stands behind it, or an interface of ours below it: bridges, tunnels and the like have
 * none. Link-local addresses come by themselves, and make nobody a user.
 */
function isMeant(event: LinkEvent, { names, links, files }: Known): boolean {
  if (event.kind === 'resync') return true;
  if (event.kind === 'gone') return names.has(event.name);
  if (event.kind === 'address')
    return event.scope !== 'link' && names.has(links.get(event.ifIndex)?.name ?? '');
  const { name, attributes } = event.link;
  if (names.has(name) || attributes.parentDeviceName !== undefined) return true;
  if (attributes.lowerLink !== undefined && names.has(links.get(attributes.lowerLink)?.name ?? ''))
    return true;
  return files.readLink(`/sys/class/net/${name}/device`) !== undefined;
}
