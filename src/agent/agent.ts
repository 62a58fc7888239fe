// Owns the agent's life: one per host, everything followed, the API served, and a clean end.
// What is followed and done stands in the files beside this one.

import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openStateFolder } from '../apply/state-folder.ts';
import type { AssigningHost } from '../assign/assigning-host.ts';
import type { ReadGround } from '../assign/ground.ts';
import { VfleetError, messageOf } from '../base/errors.ts';
import { parsePfAddress } from '../base/identifiers.ts';
import { tryLockFile } from '../kernel/file-lock.ts';
import type { FileLock } from '../kernel/file-lock.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { listNetdevs } from '../kernel/sysfs/device.ts';
import type { Lease } from '../model/lease.ts';
import type { AgentEvent } from './agent-answers.ts';
import { createServices } from './agent-work.ts';
import { createApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { createAssigner } from './assigner.ts';
import { followUnannounced } from './change-poll.ts';
import type { Comparison } from './comparison.ts';
import { DriftWatch } from './drift-watch.ts';
import { Enforcement } from './enforcement.ts';
import { EventFeed } from './event-feed.ts';
import { LeaseWatch } from './lease-watch.ts';
import { followLinks } from './link-watch.ts';
import { observeHypervisor } from './observed-hypervisor.ts';
import { OwnerWatch } from './owner-watch.ts';
import { pause } from './pause.ts';
import { ReleaseWork } from './release-work.ts';
import { StandingGround } from './standing-ground.ts';
import { prepareSocketPath, readAgentGroupId, restrictSocket } from './socket-access.ts';
import { followVms } from './vm-watch.ts';

/** What the stop waits for: an attach or a release that was begun. Under the unit's TimeoutStopSec. */
const stopWaitMs = 60_000;
/** The service manager is told twice within its patience (sd_watchdog_enabled(3)). */
const watchdogShare = 2;

export interface AgentOptions {
  /** Its `signal` and `report` are not used: the agent sets its own. */
  readonly host: AssigningHost;
  /** What the applied spec offers now. Throws `offer.none`. */
  readonly readGround: ReadGround;
  /** As `--host` names it. */
  readonly label: string;
  readonly version: string;
  readonly socketPath: string;
  /** Put drift back. */
  readonly enforce: boolean;
  /** Asks for an end. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: AgentEvent) => void;
  /** Tells the service manager; undefined when there is none. */
  readonly notify?: ((message: string) => void) | undefined;
  /** How long the service manager waits for a sign of life; undefined: it wants none. */
  readonly watchdogMs?: number | undefined;
}

/**
 * Runs until the signal is aborted, and comes back when all is put away. Throws `lock.held` when this host has an agent,
 * or when somebody answers at the socket, and `file.unreadable` when the socket cannot be made.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const lock = lockAgent(options.host.stateFolder);
  try {
    await runLocked(options);
  } finally {
    lock.release();
  }
}

/** One agent per host; the kernel drops the lock of one that was killed. */
function lockAgent(stateFolder: string): FileLock {
  const path = join(openStateFolder(stateFolder), 'agent.lock');
  const answer = tryLockFile(path, `vfleet agent (pid ${process.pid}, since ${new Date().toISOString()})`);
  if ('release' in answer) return answer;
  throw new VfleetError('lock.held', `this host has an agent: ${answer.heldBy || 'another process'}`, {
    details: { file: path },
  });
}

async function runLocked(options: AgentOptions): Promise<void> {
  const { socketPath, signal, notify } = options;
  const startedAt = new Date().toISOString();
  const feed = new EventFeed(options.host.session.kernel.clock);
  feed.subscribe(options.onEvent);
  // Operations are told of the end only when they had time to come to one by themselves.
  const hurry = new AbortController();
  const observed =
    options.host.hypervisor === undefined ? undefined : observeHypervisor(options.host.hypervisor);
  const host: AssigningHost = {
    ...options.host,
    hypervisor: observed?.hypervisor,
    report: () => undefined,
    signal: hurry.signal,
  };
  const parts = createParts(options, host, feed);
  const { release, leaseWatch, drift } = parts;

  const groupId = readAgentGroupId();
  await prepareSocketPath(socketPath, groupId);
  const server = createApiServer({
    services: createServices({
      ...parts,
      host,
      options,
      startedAt,
      feed,
      isHypervisorReachable: () => observed?.isReachable(),
    }),
    access: { uid: process.geteuid?.() ?? 0, groupId },
    onFault: (what, error) => feed.tell({ kind: 'failed', text: `${what}: ${messageOf(error)}` }),
  });
  await listenAt(server, socketPath);
  try {
    restrictSocket(socketPath, groupId);
    await leaseWatch.look();
    const following = [
      leaseWatch.follow(),
      release.follow(),
      drift.follow(),
      followUnannounced({ ...parts.poll, signal }),
      followLinks({ ...parts.links, signal }),
      ...(host.hypervisor === undefined ? [] : [followVms({ ...parts.vms, hypervisor: host.hypervisor })]),
      keepAlive(options),
    ];
    // What was left behind while no agent ran.
    release.request();
    drift.poke();
    feed.tell({
      kind: 'started',
      text: `vfleet ${options.version} agent of ${options.label} at ${socketPath}`,
    });
    notify?.('READY=1');
    await aborted(signal);
    notify?.('STOPPING=1');
    feed.tell({ kind: 'stopping', text: 'asked to stop' });
    const late = setTimeout(() => hurry.abort(), stopWaitMs / 2);
    await server.close(stopWaitMs);
    await Promise.all([...following, parts.enforcement?.settle()]);
    clearTimeout(late);
  } finally {
    await server.close(0);
    removeSocket(socketPath);
  }
}

async function listenAt(server: ApiServer, path: string): Promise<void> {
  try {
    await server.listen(path);
  } catch (cause) {
    throw new VfleetError('file.unreadable', `socket ${path}: ${messageOf(cause)}`, {
      cause,
      details: { file: path },
    });
  }
}

/** Everything that follows something, joined: who notices what makes whom look. */
function createParts(options: AgentOptions, host: AssigningHost, feed: EventFeed) {
  const { signal } = options;
  const { session, stateFolder, leases } = host;
  const standing = new StandingGround(session.files, stateFolder);
  const assigner = createAssigner(host, {
    readGround: options.readGround,
    standingGround: () => standing.ground,
  });
  let last: Comparison | undefined;
  let names: ReadonlySet<string> = new Set();
  const release = new ReleaseWork({
    feed,
    signal,
    findSuspects: async () =>
      (await assigner.findSuspects()).map(({ lease, mend }) => ({
        lease,
        mend: async (report) => drift.during(async () => mend(report)),
      })),
    recoverAll: async (waitMs, asker) => drift.during(async () => assigner.recover(waitMs, asker)),
    leases: () => ({
      areThere: leaseWatch.leases.length > 0,
      areYoung: leaseWatch.leases.some((lease) => !assigner.isSettled(lease)),
    }),
  });
  const owners = new OwnerWatch({
    session,
    feed,
    signal,
    onEnd: ({ generation }) => release.request((lease) => lease.generation === generation),
  });
  const leaseWatch = new LeaseWatch({
    feed,
    signal,
    leases,
    onChange: (now) => {
      owners.update(now);
      release.reconsider();
      drift.poke();
    },
  });
  const enforcement = options.enforce
    ? new Enforcement({ host: { ...host, signal }, feed, signal, onDone: () => drift.poke() })
    : undefined;
  const drift: DriftWatch = new DriftWatch({
    host,
    feed,
    signal,
    onChange: () => standing.forget(),
    onCompared: (comparison) => standing.keep(comparison),
    onLook: (comparison, items) => {
      last = comparison;
      names = namesIn(comparison);
      enforcement?.consider(items);
    },
  });
  const look = (): void => drift.poke();
  return {
    assigner,
    release,
    leaseWatch,
    drift,
    enforcement,
    poll: { session, stateFolder, pfs: () => pfsOf(last), onChange: look },
    links: {
      session,
      feed,
      names: () => names,
      onChange: look,
      onCarrier: (name: string) => {
        for (const pf of new Set(leaseWatch.leases.map(({ key }) => key.pf))) {
          if (!isPortOf(session.files, pf, name)) continue;
          assigner.retryQuarantined(pf);
          release.request(({ key }) => key.pf === pf);
        }
      },
    },
    vms: {
      feed,
      signal,
      onChange: (uuid: string | undefined) => {
        const isMeant = ({ owner }: Lease): boolean =>
          uuid === undefined || (owner.kind === 'libvirt' && owner.uuid === uuid);
        assigner.doubt(isMeant);
        release.request(isMeant);
      },
    },
  };
}

function isPortOf(files: FileTree, pf: string, name: string): boolean {
  const address = parsePfAddress(pf);
  return address !== undefined && listNetdevs(files, address).includes(name);
}

function pfsOf(comparison: Comparison | undefined) {
  if (comparison === undefined) return [];
  const wanted = new Set(comparison.targets.map(({ address }) => address));
  return comparison.snapshot.pfs.flatMap((pf) => {
    const address = wanted.has(pf.address) ? parsePfAddress(pf.address) : undefined;
    const [uplink] = pf.netdevs;
    const downIndex = uplink?.up === false ? uplink.ifIndex : undefined;
    return address === undefined ? [] : [{ address, downIndex }];
  });
}

function namesIn(comparison: Comparison | undefined): ReadonlySet<string> {
  return new Set(
    (comparison?.snapshot.pfs ?? []).flatMap((pf) => [
      ...pf.netdevs.map(({ name }) => name),
      ...pf.vfs.flatMap(({ netdev }) => netdev ?? []),
    ]),
  );
}

/** Tells the service manager that the event loop turns. */
async function keepAlive({ notify, watchdogMs, signal }: AgentOptions): Promise<void> {
  if (notify === undefined || watchdogMs === undefined) return;
  while (!signal.aborted) {
    notify('WATCHDOG=1');
    await pause(watchdogMs / watchdogShare, signal);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody has tidied up; the next agent makes it anew.
  }
}
