// Owns the work of vfleet that is measured inside one process: through the real client, on the real kernel.

import { applyPlan } from '../src/apply/apply-plan.ts';
import type { ChangingHost } from '../src/apply/apply-plan.ts';
import { lockHost } from '../src/apply/host-lock.ts';
import { recoverHost } from '../src/apply/recover.ts';
import { defaultTimeouts } from '../src/apply/timeouts.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import { localKernel } from '../src/kernel/local-kernel.ts';
import { readLink, setVfSettings } from '../src/kernel/rtnetlink/link.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { planTarget } from '../src/planner/plan-target.ts';
import { refusePlan } from '../src/planner/refusal.ts';
import { parseSpec } from '../src/spec/parsed-spec.ts';
import { resolveSpec } from '../src/spec/resolution.ts';
import { vfCount } from './netdevsim.ts';
import type { BenchPf } from './netdevsim.ts';
import { timeMs } from './sample.ts';
import { nextGeneration, specText, valuesOf } from './values.ts';

/** Work by name; each call does it once and gives back the milliseconds that it took. */
export interface Work {
  readonly kernelPhase: () => Promise<number>;
  readonly apply: () => Promise<number>;
  readonly readFull: () => Promise<number>;
  readonly readSettings: () => Promise<number>;
  readonly readLinkFull: () => Promise<number>;
  readonly readLinkSettings: () => Promise<number>;
}

/** Everything that can be measured on a PF. `close` ends its sockets. */
export function openWork(pf: BenchPf, stateFolder: string): Work & { close(): void } {
  const session = new KernelSession(localKernel());
  const read = (detail: 'settings' | 'full') => async (): Promise<number> =>
    timeMs(async () => {
      const { pfs } = await readSnapshot(session, { detail, pfs: [pf.address] });
      if (pfs[0]?.vfs.length !== vfCount) throw new Error('the snapshot lacks VFs');
    });
  const link = (statistics: boolean) => async (): Promise<number> =>
    timeMs(async () => {
      const { vfs } = await readLink(session.route, pf.ifIndex, { vfs: true, statistics });
      if (vfs?.length !== vfCount) throw new Error('the link lacks VFs');
    });
  return {
    kernelPhase: async () => {
      const generation = nextGeneration();
      const requests = Array.from({ length: vfCount }, (_, index) => ({
        index,
        settings: valuesOf(index, generation),
      }));
      return timeMs(async () => setVfSettings(session.route, pf.ifIndex, requests));
    },
    apply: async () => {
      const text = specText(pf.address, vfCount, nextGeneration());
      return timeMs(async () => applyText(session, stateFolder, text));
    },
    readFull: read('full'),
    readSettings: read('settings'),
    readLinkFull: link(true),
    readLinkSettings: link(false),
    close: () => session.close(),
  };
}

/** What `vfleet apply SPEC --yes` does between its start and its end. */
async function applyText(session: KernelSession, stateFolder: string, text: string): Promise<void> {
  const host: ChangingHost = { session, stateFolder, timeouts: defaultTimeouts, report: () => undefined };
  const spec = parseSpec(text, 'bench.yaml');
  const lock = await lockHost(stateFolder, { command: 'apply', waitMs: 0 });
  try {
    await recoverHost(host);
    const snapshot = await readSnapshot(session, { detail: 'settings' });
    const target = resolveSpec(spec, snapshot);
    const plan = planTarget(snapshot, target);
    const refusal = refusePlan(plan, { allowDisruption: false });
    if (refusal !== undefined) throw refusal;
    if (plan.steps.length === 0) throw new Error('there was nothing to change');
    await applyPlan(host, { command: 'apply', snapshot, target, plan, allowDisruption: false });
  } finally {
    lock.release();
  }
}
