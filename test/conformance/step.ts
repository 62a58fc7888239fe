// Owns what a conformance case can do to a host: raw requests to the kernel layer, and specs through apply.
// Runs on any Kernel; must not know which one it is.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyPlan } from '../../src/apply/apply-plan.ts';
import type { ApplyRequest, ChangingHost } from '../../src/apply/apply-plan.ts';
import { readRevertTarget } from '../../src/apply/revert.ts';
import { defaultTimeouts } from '../../src/apply/timeouts.ts';
import type { PciAddress, VfIndex } from '../../src/base/identifiers.ts';
import { readSnapshot } from '../../src/inventory/snapshot.ts';
import { readUplink } from '../../src/inventory/uplink.ts';
import { textOf } from '../../src/kernel/file-text.ts';
import { readEswitchMode, setEswitchMode } from '../../src/kernel/genetlink/devlink.ts';
import { isErrno } from '../../src/kernel/kernel.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { readLink, setLink, setVfSettings } from '../../src/kernel/rtnetlink/link.ts';
import type { VfSettingsRequest } from '../../src/kernel/rtnetlink/vf-settings.ts';
import { KernelSession } from '../../src/kernel/session.ts';
import { bindDriver, unbindDriver } from '../../src/kernel/sysfs/driver-binding.ts';
import { listVfioNodes } from '../../src/kernel/sysfs/iommu.ts';
import { listVirtfns } from '../../src/kernel/sysfs/sriov.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { Target } from '../../src/model/target.ts';
import { planTarget } from '../../src/planner/plan-target.ts';
import { refusePlan } from '../../src/planner/refusal.ts';
import { renderSpec } from '../../src/spec/adoption.ts';
import { parseSpec } from '../../src/spec/parsed-spec.ts';
import { resolveSpec } from '../../src/spec/resolution.ts';
import { observeConfigSpaces, observeFailure, observePf, observeMac, observeVfs } from './observation.ts';

/** The PF that the cases work on; both hosts have an Intel 82576 there, with another one at 0000:02:00.0. */
export const conformancePf = '0000:01:00.0' as PciAddress;

/** A step; its answer is plain data. Paths hold no name that differs between hosts. */
export type ConformanceStep =
  /** The whole way of `vfleet apply --yes`: plan, refusal, journal, verification, undo. */
  | { readonly does: 'apply'; readonly spec: string }
  | { readonly does: 'plan'; readonly spec: string }
  | { readonly does: 'revert' }
  /** Plans what `vfleet adopt` writes: must be empty. */
  | { readonly does: 'plan-adopted' }
  | { readonly does: 'write'; readonly path: string; readonly text: string }
  | { readonly does: 'read'; readonly path: string }
  | { readonly does: 'list'; readonly path: string }
  /** One RTM_SETLINK with settings of VFs. */
  | { readonly does: 'set-vfs'; readonly vfs: readonly VfSettingsRequest[] }
  | { readonly does: 'set-link'; readonly mtu?: number; readonly up?: boolean }
  | { readonly does: 'wait-for-carrier' }
  | { readonly does: 'read-missing-link' }
  | { readonly does: 'bind'; readonly vf: number; readonly driver: string }
  | { readonly does: 'unbind'; readonly vf: number }
  | { readonly does: 'vfio-node'; readonly vf: number }
  | { readonly does: 'eswitch'; readonly mode?: 'legacy' | 'switchdev' }
  | { readonly does: 'look'; readonly at: 'vfs' | 'pf' | 'config-spaces' };

/** A host on which cases run, one after another. */
export interface ConformanceHost {
  readonly session: KernelSession;
  readonly changing: ChangingHost;
}

const writeTimeoutMs = 120_000;
/** The lab is emulated; on the simulated host it is over a hundred times as soon. */
const carrierTimeoutMs = 300_000;
const pollMs = 50;

/** Opens a host for the cases, with an empty folder for journals. */
export function openConformanceHost(kernel: Kernel): ConformanceHost {
  const session = new KernelSession(kernel);
  const stateFolder = mkdtempSync(join(tmpdir(), 'vfleet-conformance-'));
  return {
    session,
    changing: { session, stateFolder, timeouts: defaultTimeouts, report: () => undefined },
  };
}

/** Brings the PF to where every case begins: no VFs, driver probe on, interface down with MTU 1500. */
export async function resetPf({ session }: ConformanceHost): Promise<void> {
  const folder = `/sys/bus/pci/devices/${conformancePf}`;
  if (listVirtfns(session.files, conformancePf).size > 0) await write(session, `${folder}/sriov_numvfs`, '0');
  await write(session, `${folder}/sriov_drivers_autoprobe`, '1');
  const { ifIndex } = await readUplink(session, conformancePf);
  await setLink(session.route, ifIndex, { up: false, mtu: 1500 });
}

/** Runs a step and answers what came of it; a failure is an answer, too. */
export async function runStep(host: ConformanceHost, step: ConformanceStep): Promise<unknown> {
  try {
    return (await perform(host, step)) ?? 'ok';
  } catch (error) {
    return observeFailure(error);
  }
}

async function perform(host: ConformanceHost, step: ConformanceStep): Promise<unknown> {
  const { session } = host;
  const { files } = session;
  switch (step.does) {
    case 'apply':
      return applySpec(host, step.spec);
    case 'plan':
      return describePlan((await planSpec(host, step.spec)).plan);
    case 'revert':
      return revert(host);
    case 'plan-adopted':
      return describePlan((await planSpec(host, renderSpec(await snapshotOf(host)))).plan);
    case 'write':
      return write(session, step.path, step.text);
    case 'read': {
      const answer = files.readBytes(step.path);
      return isErrno(answer) ? answer : textOf(answer).trimEnd();
    }
    case 'list':
      return files.list(step.path);
    case 'set-vfs':
      return setVfSettings(session.route, (await readUplink(session, conformancePf)).ifIndex, step.vfs);
    case 'set-link': {
      const { ifIndex } = await readUplink(session, conformancePf);
      return setLink(session.route, ifIndex, { mtu: step.mtu, up: step.up });
    }
    case 'wait-for-carrier':
      return waitForCarrier(session);
    case 'read-missing-link':
      return readLink(session.route, 0x7fff_fff0);
    case 'bind':
      return bindDriver(files, addressOf(session, step.vf), step.driver, defaultTimeouts.driverMs);
    case 'unbind':
      return (
        (await unbindDriver(files, addressOf(session, step.vf), defaultTimeouts.driverMs)) ?? 'no driver'
      );
    case 'vfio-node': {
      const [group = ''] = listVfioNodes(files, addressOf(session, step.vf));
      return files.identity(group) === undefined ? 'is not there' : 'is there';
    }
    case 'eswitch': {
      const handle = { bus: 'pci', device: conformancePf };
      if (step.mode !== undefined) return setEswitchMode(session.generic, handle, step.mode);
      return (await readEswitchMode(session.generic, handle)) ?? 'has none';
    }
    case 'look':
      return look(host, step.at);
  }
}

async function look(host: ConformanceHost, at: 'vfs' | 'pf' | 'config-spaces'): Promise<unknown> {
  const { files } = host.session;
  if (at === 'config-spaces') return observeConfigSpaces(files, conformancePf);
  const snapshot = await snapshotOf(host);
  const [pf] = snapshot.pfs;
  if (pf === undefined) return 'is not there';
  return at === 'vfs' ? observeVfs(files, pf) : observePf(files, pf, snapshot.unread);
}

/** The PF of the cases alone: the lab is slow, and hosts differ in what else they have. */
async function snapshotOf({ session }: ConformanceHost): Promise<Snapshot> {
  return readSnapshot(session, { detail: 'full', pfs: [conformancePf] });
}

async function planSpec(
  host: ConformanceHost,
  spec: string,
): Promise<{ snapshot: Snapshot; target: Target; plan: Plan }> {
  const snapshot = await snapshotOf(host);
  const target = resolveSpec(parseSpec(spec, 'case.yaml'), snapshot);
  return { snapshot, target, plan: planTarget(snapshot, target) };
}

async function applySpec(host: ConformanceHost, spec: string): Promise<unknown> {
  return execute(host, { command: 'apply', ...(await planSpec(host, spec)), allowDisruption: false });
}

async function revert(host: ConformanceHost): Promise<unknown> {
  const { id, target } = await readRevertTarget(host.changing.stateFolder);
  const snapshot = await snapshotOf(host);
  const plan = planTarget(snapshot, target);
  return execute(host, { command: 'revert', reverts: id, snapshot, target, plan, allowDisruption: false });
}

async function execute(host: ConformanceHost, request: ApplyRequest): Promise<unknown> {
  const refusal = refusePlan(request.plan, { allowDisruption: false });
  if (refusal !== undefined) throw refusal;
  await applyPlan(host.changing, request);
  return describePlan(request.plan);
}

/** What a plan changes, without the addresses that VF drivers made up. */
function describePlan(plan: Plan): unknown {
  return {
    changes: plan.changes.map(({ vf, attribute, before, after }) =>
      [
        vf === undefined ? 'PF' : `VF ${vf}`,
        `${attribute}:`,
        observeValue(before),
        '->',
        observeValue(after),
      ].join(' '),
    ),
    steps: plan.steps.map(({ kind }) => kind),
    disrupted: plan.disruptions.map(({ vf, why }) => `VF ${vf}: ${why}`),
    notes: plan.notes,
  };
}

function observeValue(value: string | number | boolean | undefined): string | number | boolean {
  if (value === undefined) return 'none';
  return typeof value === 'string' && /^([0-9a-f]{2}:){5}/.test(value) ? observeMac(value) : value;
}

async function write(session: KernelSession, path: string, text: string): Promise<unknown> {
  return session.files.write(path, text, writeTimeoutMs);
}

async function waitForCarrier(session: KernelSession): Promise<string> {
  const { clock } = session.kernel;
  const end = clock.nowMs() + carrierTimeoutMs;
  for (;;) {
    const { link } = await readUplink(session, conformancePf);
    if (link.attributes.carrier === 1) return 'has a link';
    if (clock.nowMs() >= end) return 'has no link';
    await clock.sleep(pollMs);
  }
}

function addressOf(session: KernelSession, vf: number): PciAddress {
  const address = listVirtfns(session.files, conformancePf).get(vf as VfIndex);
  if (address === undefined) throw new Error(`the case names VF ${vf}, which is not there`);
  return address;
}
