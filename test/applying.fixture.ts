// Owns a host under test with a real journal in a folder of its own: applying specs to it, looking at it, killing it.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAppliedSpecToReplace } from '../src/apply/applied-spec.ts';
import { applyPlan } from '../src/apply/apply-plan.ts';
import type { ApplyEvent, ChangingHost } from '../src/apply/apply-plan.ts';
import { recoverHost } from '../src/apply/recover.ts';
import type { Recovery } from '../src/apply/recover.ts';
import { readRevertTarget } from '../src/apply/revert.ts';
import { defaultTimeouts } from '../src/apply/timeouts.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import type { Kernel } from '../src/kernel/kernel.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { openFileLeases } from '../src/lease/file-leases.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import type { LeaseStore } from '../src/lease/lease-store.ts';
import type { Plan } from '../src/model/plan.ts';
import type { Snapshot } from '../src/model/snapshot.ts';
import { holdLeases } from '../src/planner/leases.ts';
import { planTarget } from '../src/planner/plan-target.ts';
import { refusePlan } from '../src/planner/refusal.ts';
import { parseSpec } from '../src/spec/parsed-spec.ts';
import { resolveSpec } from '../src/spec/resolution.ts';

export function newStateFolder(): string {
  return mkdtempSync(join(tmpdir(), 'vfleet-apply-'));
}

export interface TestHost extends ChangingHost {
  readonly events: ApplyEvent[];
  readonly leases: LeaseStore;
}

export function hostOn(kernel: Kernel, stateFolder = newStateFolder(), signal?: AbortSignal): TestHost {
  const events: ApplyEvent[] = [];
  const leases = openFileLeases(stateFolder);
  return {
    session: new KernelSession(kernel),
    stateFolder,
    timeouts: defaultTimeouts,
    report: (event) => events.push(event),
    signal,
    events,
    leases,
    readLeases: async () => listEveryLease(leases),
  };
}

/** What `vfleet apply` does, without lock and question. */
export async function applyText(
  host: TestHost,
  text: string,
  options: { allowDisruption?: boolean } = {},
): Promise<Plan> {
  const allowDisruption = options.allowDisruption === true;
  await recoverHost(host);
  const snapshot = await readSnapshot(host.session, { detail: 'full' });
  const leases = await listEveryLease(host.leases);
  const target = resolveSpec(parseSpec(text, 'host.yaml'), snapshot, leases);
  const plan = planTarget(snapshot, target, leases);
  const refusal = refusePlan(plan, { allowDisruption });
  if (refusal !== undefined) throw refusal;
  const after = { fileName: '/etc/vfleet/host.yaml', text, appliedAt: snapshot.takenAt };
  const spec = { before: readAppliedSpecToReplace(host.stateFolder), after };
  await applyPlan(host, { command: 'apply', snapshot, target, plan, leases, spec, allowDisruption });
  return plan;
}

/** What `vfleet revert` does, without lock and question. */
export async function revert(host: TestHost): Promise<Plan> {
  const { id, target: record, spec: after } = await readRevertTarget(host.stateFolder);
  const snapshot = await readSnapshot(host.session, { detail: 'full' });
  const leases = await listEveryLease(host.leases);
  const target = holdLeases(record, leases, snapshot);
  const plan = planTarget(snapshot, target, leases);
  const refusal = refusePlan(plan, { allowDisruption: false });
  if (refusal !== undefined) throw refusal;
  const spec = { before: readAppliedSpecToReplace(host.stateFolder), after };
  const request = { command: 'revert', reverts: id, snapshot, target, plan, leases, spec } as const;
  await applyPlan(host, { ...request, allowDisruption: false });
  return plan;
}

/** What can be configured, without what differs from one reading or one creation of a VF to the next. */
export async function configurationOf(kernel: Kernel): Promise<unknown> {
  const session = new KernelSession(kernel);
  try {
    return normalise(await readSnapshot(session, { detail: 'settings' }));
  } finally {
    session.close();
  }
}

function normalise(snapshot: Snapshot): unknown {
  return snapshot.pfs.map((pf) => ({
    address: pf.address,
    eswitchMode: pf.devlink?.eswitchMode,
    driversAutoprobe: pf.sriov.driversAutoprobe,
    netdevs: pf.netdevs.map(({ name, mtu, up }) => ({ name, mtu, up })),
    vfs: pf.vfs.map(({ index, address, driver, settings, holders }) => ({
      index,
      address,
      driver,
      settings,
      holders: holders.map(({ kind, name }) => ({ kind, name })),
    })),
  }));
}

/** `vfleet recover` by a new process on the same host. */
export async function recover(kernel: Kernel, stateFolder: string): Promise<Recovery> {
  const host = hostOn(kernel, stateFolder);
  try {
    return await recoverHost(host);
  } finally {
    host.session.close();
  }
}
