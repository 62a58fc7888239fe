// Owns who does the work of attach, detach, vms and recovery: the agent when it is there, this process otherwise.
// The screens see an Assigner and do not know which.

import { lateHypervisor } from '../agent/late-hypervisor.ts';
import { defaultTimeouts } from '../apply/timeouts.ts';
import { VfleetError } from '../base/errors.ts';
import type { AssigningHost } from '../assign/assigning-host.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import { openFileLeases } from '../lease/file-leases.ts';
import { listQuarantines } from '../lease/quarantine.ts';
import type {
  Attachment,
  AttachRequest,
  CandidateVerdict,
  DetachRequest,
  RecoverRequest,
  ReleaseList,
} from '../model/attachment.ts';
import type { CorruptLease, Lease, Quarantine } from '../model/lease.ts';
import type { Vm } from '../model/vm.ts';
import { findMatchingAgent } from './agent-client.ts';
import type { CliContext, LiveHost } from './context.ts';
import { checkRights } from './commands/rights.ts';
import { changeable, withHost } from './commands/reading.ts';
import { groundReader } from './offer.ts';
import { beginWaiting } from './render/waiting.ts';

/** A guest with the hotplug driver lets go within a second or two; one that boots cannot. */
const unplugTimeoutMs = 30_000;

/** Whose VFs are, and which nobody gets. */
export interface LeaseList {
  readonly leases: readonly Lease[];
  readonly quarantined: readonly Quarantine[];
  readonly corrupt: readonly CorruptLease[];
}

/** Gives VFs to VMs and takes them back. */
export interface Assigner {
  /** Of the hypervisor, for messages. */
  readonly label: string;
  /** By name or UUID. Throws `vm.unknown`. */
  readVm(nameOrUuid: string): Promise<Vm>;
  listVms(): Promise<readonly Vm[]>;
  listLeases(): Promise<LeaseList>;
  explain(request: AttachRequest): Promise<readonly CandidateVerdict[]>;
  attach(request: AttachRequest): Promise<Attachment>;
  detach(request: DetachRequest): Promise<ReleaseList>;
  /** Ends what is said about waiting; the result comes now. */
  quiet(): void;
}

export interface AssignerOptions {
  /** Takes the rights to change the host, where this process does the work. */
  readonly changes: boolean;
  /** What is said when it takes more than a moment. */
  readonly doing: string;
  /** False: this process does it. */
  readonly agent: boolean;
  /** Offer of this file, which only this process can read. */
  readonly spec?: string;
}

/** Opens host and hypervisor, or the agent, gives them to `work`, and closes them afterwards. */
export async function withAssigner(
  context: CliContext,
  options: AssignerOptions,
  work: (assigner: Assigner, host: LiveHost) => Promise<void>,
): Promise<void> {
  const { terminal } = context;
  await withHost(context, async (opened) => {
    const live = changeable(opened);
    const waiting = beginWaiting(options.doing, terminal);
    try {
      const begin = async (who: Omit<Assigner, 'quiet'>): Promise<void> =>
        work(Object.assign(who, { quiet: () => waiting.end() }), live);
      const agent =
        options.agent && options.spec === undefined ? await findMatchingAgent(context, live) : undefined;
      if (agent === undefined) await withDirect(context, live, options, waiting.say, begin);
      else await begin({ ...agent, label: agent.status.hypervisor?.label ?? 'the hypervisor' });
    } finally {
      waiting.end();
    }
  });
}

async function withDirect(
  context: CliContext,
  live: LiveHost,
  options: AssignerOptions,
  say: (what: string) => void,
  work: (assigner: Omit<Assigner, 'quiet'>) => Promise<void>,
): Promise<void> {
  if (options.changes) checkRights(live);
  // Whoever takes back what a plain QEMU had needs none.
  const hypervisor = lateHypervisor('libvirt', async () => context.openHypervisor(live));
  try {
    const host = assigningHost(context, live, hypervisor, say);
    const readGround = groundReader(live, options.spec);
    const { attachVf, explainAttach } = await import('../assign/attach.ts');
    const { detachVfs } = await import('../assign/detach.ts');
    await work({
      get label() {
        return hypervisor.label;
      },
      readVm: async (name) => hypervisor.readVm(name),
      listVms: async () => hypervisor.listVms(),
      listLeases: async () => readLeaseList(live.stateFolder),
      explain: async (request) => explainAttach(host, readGround, request),
      attach: async (request) => attachVf(host, readGround, request),
      detach: async (request) => detachVfs(host, request),
    });
  } finally {
    hypervisor.close();
  }
}

/** Reads the records of a host. Throws `file.unreadable`. */
export async function readLeaseList(stateFolder: string): Promise<LeaseList> {
  return { ...(await openFileLeases(stateFolder).list()), quarantined: listQuarantines(stateFolder) };
}

/** A host whose VFs this process gives and takes. */
export function assigningHost(
  context: CliContext,
  live: LiveHost,
  hypervisor: Hypervisor | undefined,
  report: (text: string) => void,
): AssigningHost {
  const { session, stateFolder } = live;
  return {
    session,
    stateFolder,
    leases: openFileLeases(stateFolder),
    hypervisor,
    timeouts: defaultTimeouts,
    unplugTimeoutMs,
    report,
    signal: context.signal,
  };
}

/** The hypervisor, or undefined when nobody answers at its socket: then nobody can say that a lease of its VMs ended. */
export async function hypervisorIfThere(
  context: CliContext,
  live: LiveHost,
): Promise<Hypervisor | undefined> {
  try {
    return await context.openHypervisor(live);
  } catch (error) {
    if (error instanceof VfleetError && error.code === 'hypervisor.unreachable') return undefined;
    throw error;
  }
}

/**
 * Looks at every lease, and gives back those whose owner has gone; the agent does it where there is one. Takes the lock of
 * the host itself, shared. Throws `lock.held`, and what the lease store throws.
 */
export async function recoverLeasesHere(context: CliContext, request: RecoverRequest): Promise<ReleaseList> {
  return withHost(context, async (opened) => {
    const live = changeable(opened);
    const host = assigningHost(context, live, undefined, () => undefined);
    const hasLeases = (await host.leases.list()).leases.length > 0;
    const agent = hasLeases ? await findMatchingAgent(context, live) : undefined;
    if (agent !== undefined) return agent.recover(request);
    const { recoverLeases } = await import('../assign/recover.ts');
    const waiting = beginWaiting('looking at leases', context.terminal);
    // Without a lease there is nothing to ask about, and what was never used need not be there.
    const hypervisor = hasLeases ? await hypervisorIfThere(context, live) : undefined;
    try {
      return await recoverLeases({ ...host, hypervisor, report: waiting.say }, request);
    } finally {
      hypervisor?.close();
      waiting.end();
    }
  });
}
