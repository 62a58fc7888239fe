// Owns what each request to the agent means: the running parts behind the list of services.

import type { AssigningHost } from '../assign/assigning-host.ts';
import { VfleetError } from '../base/errors.ts';
import { present } from '../base/present.ts';
import { readSnapshot } from '../inventory/snapshot.ts';
import { listQuarantines } from '../lease/quarantine.ts';
import type { Vm } from '../model/vm.ts';
import type { AgentServices } from './agent-services.ts';
import type { Assigner } from './assigner.ts';
import type { DriftWatch } from './drift-watch.ts';
import type { EventFeed } from './event-feed.ts';
import type { LeaseWatch } from './lease-watch.ts';
import type { ReleaseWork } from './release-work.ts';

export interface ServiceParts {
  readonly host: AssigningHost;
  readonly options: { readonly label: string; readonly version: string; readonly enforce: boolean };
  readonly startedAt: string;
  readonly isHypervisorReachable: () => boolean | undefined;
  readonly feed: EventFeed;
  readonly assigner: Assigner;
  readonly release: ReleaseWork;
  readonly leaseWatch: LeaseWatch;
  readonly drift: DriftWatch;
}

/** The services of an agent that runs. */
export function createServices(parts: ServiceParts): AgentServices {
  const { host, options, assigner, release, leaseWatch, drift, feed } = parts;
  const { hypervisor, stateFolder, session } = host;

  async function listVms(): Promise<Vm[]> {
    if (hypervisor === undefined)
      throw new VfleetError('hypervisor.unreachable', `${options.label} has no hypervisor`);
    return [...(await hypervisor.listVms())];
  }

  /** Who is answered finds the leases, and the events about them, as the answer says. */
  async function watched<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await drift.during(work);
    } finally {
      drift.poke();
      await leaseWatch.look();
    }
  }

  return {
    readStatus: async () => ({
      apiVersion: 'vfleet/v1',
      kind: 'AgentStatus',
      version: options.version,
      pid: process.pid,
      startedAt: parts.startedAt,
      host: options.label,
      stateFolder,
      ...(hypervisor === undefined
        ? {}
        : { hypervisor: present({ label: hypervisor.label, reachable: parts.isHypervisorReachable() }) }),
      leases: leaseWatch.leases.length,
      quarantined: listQuarantines(stateFolder).length,
      corrupt: leaseWatch.corrupt.length,
      hanging: release.hanging.map(({ lease: { key, owner, network }, since, doing }) =>
        present({ key, vm: owner.name, network, since, doing }),
      ),
      drift: drift.report.state,
      enforce: options.enforce,
    }),
    readHost: async () => readSnapshot(session, { detail: 'full' }),
    listLeases: async () => {
      const { leases, corrupt } = await host.leases.list();
      return { leases: [...leases], quarantined: [...listQuarantines(stateFolder)], corrupt: [...corrupt] };
    },
    listVms: async () => ({ vms: await listVms() }),
    readDrift: async () => drift.report,
    attach: async (request, asker) => watched(async () => assigner.attach(request, asker)),
    explain: async (request) => ({ candidates: [...(await assigner.explain(request))] }),
    detach: async (request, asker) => watched(async () => assigner.detach(request, asker)),
    recover: async ({ waitMs }, asker) => watched(async () => release.recoverAll(waitMs, asker)),
    subscribe: (onEvent) => feed.subscribe(onEvent),
  };
}
