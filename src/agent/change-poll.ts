// Owns noticing what no event tells: VFs that come and go, drivers that are bound, settings of VFs while their PF is down,
// another applied spec. Each by the cheapest look there is, and the less often the more it costs.
//
// The kernel announces changed settings of VFs as RTM_NEWLINK of the PF, but only while the PF is up
// (net/core/rtnetlink.c do_setlink, net/core/dev.c netdev_state_change). Bindings are announced to udev alone.

import { appliedSpecStamp } from '../apply/applied-spec.ts';
import { messageOf } from '../base/errors.ts';
import type { PfAddress } from '../base/identifiers.ts';
import { splitPfAddress } from '../base/identifiers.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { KernelSession } from '../kernel/session.ts';
import { devicePath } from '../kernel/sysfs/device.ts';
import { pause } from './pause.ts';
import { VfSettingsPoll } from './vf-settings-poll.ts';

/** Between two looks at bindings: what changes is told within a second. */
const shortestMs = 500;
/** A look at bindings takes at most this part of the time; 1/400 is 0.25 % of a core. */
const costFactor = 400;
/** A host whose look takes 10 ms is looked at this often at least. */
const longestBindingMs = 4_000;
/** Looks that are due one after the other so soon are made together: each waking of an idle process costs 0.1 ms. */
const togetherMs = 5;

export interface FollowedPf {
  readonly address: PfAddress;
  /** Index of its own interface while that is down. */
  readonly downIndex: number | undefined;
}

export interface ChangePollOptions {
  readonly session: KernelSession;
  readonly stateFolder: string;
  readonly signal: AbortSignal;
  /** PFs that the applied spec names; none when there is no spec. */
  readonly pfs: () => readonly FollowedPf[];
  readonly onChange: () => void;
}

/** Looks until the signal is aborted. */
export async function followUnannounced(options: ChangePollOptions): Promise<void> {
  const { session, signal, pfs, onChange } = options;
  const own = new KernelSession(session.kernel);
  const settings = new VfSettingsPoll(own, () =>
    pfs().flatMap(({ address, downIndex }) =>
      downIndex === undefined ? [] : [{ address, ifIndex: downIndex }],
    ),
  );
  const looks: Look[] = [bindingsLook(options), async () => settings.look()];
  const dueMs = looks.map(() => 0);
  try {
    while (!signal.aborted) {
      const nowMs = performance.now();
      for (const [at, look] of looks.entries()) {
        if ((dueMs[at] ?? 0) > nowMs + togetherMs) continue;
        const { isOther, restMs } = await look();
        dueMs[at] = performance.now() + restMs;
        if (isOther) onChange();
      }
      await pause(Math.max(0, Math.min(...dueMs) - performance.now()), signal);
    }
  } finally {
    own.close();
  }
}

/** Whether something is other than at the look before, and how long to rest. */
type Look = () => Promise<{ readonly isOther: boolean; readonly restMs: number }>;

function bindingsLook(options: ChangePollOptions): Look {
  let before: string | undefined;
  return async () => {
    const startedMs = performance.now();
    let now: string;
    try {
      now = bindingsNow(options);
    } catch (error) {
      // What cannot be read has changed; the comparison that follows tells why.
      now = messageOf(error);
    }
    const costMs = (performance.now() - startedMs) * costFactor;
    const isOther = before !== undefined && now !== before;
    before = now;
    return { isOther, restMs: Math.min(Math.max(costMs, shortestMs), longestBindingMs) };
  };
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
