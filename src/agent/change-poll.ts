// Owns noticing what no event tells: VFs that come and go, drivers that are bound, settings of VFs while their PF is down,
// another applied spec. Each by the cheapest look there is, and the less often the more it costs.
//
// The kernel announces changed settings of VFs as RTM_NEWLINK of the PF, but only while the PF is up
// (net/core/rtnetlink.c do_setlink, net/core/dev.c netdev_state_change). Bindings are announced to udev alone.

import { performance } from 'node:perf_hooks';
import { appliedSpecStamp } from '../apply/applied-spec.ts';
import type { PfAddress } from '../base/identifiers.ts';
import { splitPfAddress } from '../base/identifiers.ts';
import { readUplink } from '../inventory/uplink.ts';
import type { FileTree } from '../kernel/kernel.ts';
import type { KernelSession } from '../kernel/session.ts';
import { devicePath } from '../kernel/sysfs/device.ts';
import { pause } from './pause.ts';

/** Between two looks at bindings: what changes is told within a second. */
const shortestMs = 500;
/** A look takes at most this part of the time; 1/400 is 0.25 % of a core. */
const costFactor = 400;
/** A host whose look takes 10 ms is looked at this often at least. */
const longestBindingMs = 4_000;
/** The kernel keeps RTNL, which all of networking waits for, while it lists VFs (0.13 to 0.26 ms for each). */
const longestSettingsMs = 60_000;

export interface ChangePollOptions {
  readonly session: KernelSession;
  readonly stateFolder: string;
  readonly signal: AbortSignal;
  /** PFs that the applied spec names; none when there is no spec. */
  readonly pfs: () => readonly { readonly address: PfAddress; readonly isUp: boolean }[];
  readonly onChange: () => void;
}

/** Looks until the signal is aborted. One timer for both looks: each waking of an idle process costs 0.1 ms. */
export async function followUnannounced(options: ChangePollOptions): Promise<void> {
  const { signal, onChange } = options;
  const bindings = new Look(longestBindingMs, async () => bindingsNow(options));
  const settings = new Look(longestSettingsMs, async () => settingsNow(options));
  while (!signal.aborted) {
    const hasChanged = [await bindings.isOther(), await settings.isOther()];
    if (hasChanged.includes(true)) onChange();
    await pause(shortestMs, signal);
  }
}

/** Looks again as often as its cost allows. */
class Look {
  readonly #longestMs: number;
  readonly #read: () => Promise<string>;
  #before: string | undefined;
  #nextMs = 0;

  constructor(longestMs: number, read: () => Promise<string>) {
    this.#longestMs = longestMs;
    this.#read = read;
  }

  /** Whether something is other than at the look before; false when it is not time yet. */
  async isOther(): Promise<boolean> {
    const startedMs = performance.now();
    if (startedMs < this.#nextMs) return false;
    let now: string;
    try {
      now = await this.#read();
    } catch (error) {
      // What cannot be read has changed; the comparison that follows tells why.
      now = String(error);
    }
    const endedMs = performance.now();
    const pauseMs = Math.min((endedMs - startedMs) * costFactor, this.#longestMs);
    // A pause that is hardly longer than the shortest one must not become twice as long.
    this.#nextMs = endedMs + Math.max(0, pauseMs - shortestMs / 2);
    const isOther = this.#before !== undefined && now !== this.#before;
    this.#before = now;
    return isOther;
  }
}

/** Which spec is applied, which VFs there are, and which driver has which device, as one text. */
function bindingsNow({ session, stateFolder, pfs }: ChangePollOptions): string {
  const { files } = session;
  const parts = [appliedSpecStamp(stateFolder)];
  const buses = new Set<string>();
  for (const { address } of pfs()) {
    buses.add(splitPfAddress(address).bus);
    parts.push(files.list(devicePath(address)).join(' '));
  }
  for (const bus of buses) parts.push(...driversOf(files, bus));
  return parts.join('\n');
}

/** One folder per driver, with a link per device that it has; reading it waits for nobody. */
function driversOf(files: FileTree, bus: string): string[] {
  const folder = `/sys/bus/${bus}/drivers`;
  return files.list(folder).map((driver) => files.list(`${folder}/${driver}`).join(' '));
}

/** Settings of VFs whose PF is down, as one text. */
async function settingsNow({ session, pfs }: ChangePollOptions): Promise<string> {
  const parts: string[] = [];
  for (const { address, isUp } of pfs()) {
    if (isUp) continue;
    const { link } = await readUplink(session, address, { vfs: true });
    parts.push(JSON.stringify((link.vfs ?? []).map(({ settings }) => settings)));
  }
  return parts.join('\n');
}
