// Owns the work of vfleet that is measured inside one process: through the real client, on the real kernel.

import { applyPlan } from '../src/apply/apply-plan.ts';
import type { ChangingHost } from '../src/apply/apply-plan.ts';
import { lockHost } from '../src/apply/host-lock.ts';
import { recoverHost } from '../src/apply/recover.ts';
import { defaultTimeouts } from '../src/apply/timeouts.ts';
import { planSpec, readForSpec } from '../src/cli/commands/planning.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import { localKernel } from '../src/kernel/local-kernel.ts';
import { readLink, setVfSettings } from '../src/kernel/rtnetlink/link.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { refusePlan } from '../src/planner/refusal.ts';
import { parseSpec } from '../src/spec/parsed-spec.ts';
import type { ParsedSpec } from '../src/spec/parsed-spec.ts';
import { vfCount } from './netdevsim.ts';
import type { BenchPf } from './netdevsim.ts';
import { timeMs } from './sample.ts';
import { nextGeneration, specText, valuesOf } from './values.ts';

/** Work by name; each call does it once and gives back the milliseconds that it took. */
export interface Work {
  readonly kernelPhase: () => Promise<number>;
  /** From a spec that is parsed already to the released lock. */
  readonly apply: () => Promise<number>;
  /** The same with the parsing of the file's text. */
  readonly applyText: () => Promise<number>;
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
      const spec = parseSpec(specText(pf.address, vfCount, nextGeneration()), 'bench.yaml');
      return timeMs(async () => applySpec(session, stateFolder, spec));
    },
    applyText: async () => {
      const text = specText(pf.address, vfCount, nextGeneration());
      return timeMs(async () => applySpec(session, stateFolder, parseSpec(text, 'bench.yaml')));
    },
    readFull: read('full'),
    readSettings: read('settings'),
    readLinkFull: link(true),
    readLinkSettings: link(false),
    close: () => session.close(),
  };
}

/** What `vfleet apply SPEC --yes` does between the parsing of the file and its end. */
async function applySpec(session: KernelSession, stateFolder: string, spec: ParsedSpec): Promise<void> {
  const host: ChangingHost = { session, stateFolder, timeouts: defaultTimeouts, report: () => undefined };
  const lock = await lockHost(stateFolder, { command: 'apply', waitMs: 0 });
  try {
    await recoverHost(host);
    const snapshot = await readForSpec(session, spec);
    const { target, plan } = planSpec(spec, snapshot);
    const refusal = refusePlan(plan, { allowDisruption: false });
    if (refusal !== undefined) throw refusal;
    if (plan.steps.length === 0) throw new Error('there was nothing to change');
    await applyPlan(host, { command: 'apply', snapshot, target, plan, allowDisruption: false });
  } finally {
    lock.release();
  }
}
