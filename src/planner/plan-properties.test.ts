// Owns the laws of the planner over random hosts of up to four PFs with 256 VFs each.
// Each law is about plans as a whole; single rules are shown by the folders in cases/.

import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Plan, type Step } from '../model/plan.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { Target } from '../model/target.ts';
import { planTarget } from './plan-target.ts';
import { recordBefore } from './record.ts';
import { refusePlan } from './refusal.ts';
import { applyPlanToSnapshot, applyStep } from './testing/applied-snapshot.ts';
import { hostsWithTarget } from './testing/arbitraries.ts';
import { namesOf, normaliseVfSettings, pick } from './vf-settings.ts';

const emptyPlan = { changes: [], steps: [], disruptions: [], notes: [] };

describe('planTarget', () => {
  it('makes plans that a kernel takes, and that leave nothing to plan', () => {
    fc.assert(
      fc.property(hostsWithTarget, ({ snapshot, target }) => {
        const after = applyPlanToSnapshot(snapshot, planTarget(snapshot, target));
        expect(planTarget(after, target)).toMatchObject(emptyPlan);
      }),
    );
  });

  it('gives the same plan for the same input, in the form of its schema', () => {
    fc.assert(
      fc.property(hostsWithTarget, ({ snapshot, target }) => {
        const plan = planTarget(snapshot, target);
        expect(planTarget(structuredClone(snapshot), structuredClone(target))).toEqual(plan);
        expect(Plan.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
      }),
    );
  });

  it('makes no step without effect, as far as the effect can be known', () => {
    fc.assert(
      fc.property(hostsWithTarget, ({ snapshot, target }) => {
        let state = snapshot;
        for (const step of planTarget(snapshot, target).steps) {
          const next = applyStep(state, step);
          expect(mayKeepState(step) || !isDeepStrictEqual(next, state)).toBe(true);
          state = next;
        }
      }),
    );
  });

  it('leaves alone what the target does not name, also of VFs that are made anew', () => {
    fc.assert(
      fc.property(hostsWithTarget, ({ snapshot, target }) => {
        const after = applyPlanToSnapshot(snapshot, planTarget(snapshot, target));
        for (const pf of snapshot.pfs) {
          const pfTarget = target.pfs.find((candidate) => candidate.address === pf.address);
          const pfAfter = after.pfs.find((candidate) => candidate.address === pf.address);
          for (const vf of pfAfter?.vfs ?? []) {
            const before = pf.vfs[vf.index];
            if (before === undefined) continue;
            const named = pfTarget?.vfs.find((candidate) => candidate.index === vf.index);
            // A VLAN that goes takes its priority and protocol along; without a report nothing can be kept.
            const loses = named?.settings.vlan === 0 ? { qos: undefined, vlanProtocol: undefined } : {};
            const kept = { ...normaliseVfSettings(before.settings), ...loses };
            const unnamed = Object.entries(kept).filter(
              ([name, value]) => value !== undefined && !(name in (named?.settings ?? {})),
            );
            expect(normaliseVfSettings(vf.settings)).toMatchObject(Object.fromEntries(unnamed));
            expect(named?.driver !== undefined || vf.driver === before.driver).toBe(true);
          }
        }
      }),
    );
  });

  it('starts VF drivers only with the right address', () => {
    fc.assert(
      fc.property(hostsWithTarget, ({ snapshot, target }) => {
        const after = applyPlanToSnapshot(snapshot, planTarget(snapshot, target));
        for (const vf of after.pfs.flatMap((pf) => pf.vfs)) {
          const mac = normaliseVfSettings(vf.settings).mac;
          if (vf.netdevMac === undefined || mac === undefined || /^[0:]+$/.test(mac)) continue;
          expect(vf.netdevMac.toLowerCase()).toBe(mac);
        }
      }),
    );
  });

  it('names every VF in use that goes or changes its driver, MAC or VLAN', () => {
    fc.assert(
      fc.property(hostsWithTarget, ({ snapshot, target }) => {
        const plan = planTarget(snapshot, target);
        const touched = plan.steps.flatMap((step) => {
          const vfs = snapshot.pfs.find((pf) => pf.address === step.pf)?.vfs ?? [];
          const held = vfs.filter((vf) => vf.holders.length > 0).map((vf) => vf.index);
          if (step.kind === 'num-vfs' || step.kind === 'eswitch-mode')
            return held.map((vf) => ({ pf: step.pf, vf }));
          if (step.kind !== 'vf-driver') return [];
          return step.vfs
            .filter((vf) => held.includes(vf.index))
            .map((vf) => ({ pf: step.pf, vf: vf.index }));
        });
        for (const vf of touched) expect(plan.disruptions).toContainEqual(expect.objectContaining(vf));
        const named = plan.disruptions.map(({ pf, vf }) => `${pf} ${vf}`);
        expect(new Set(named).size).toBe(named.length);
        const refusal = refusePlan(plan, { allowDisruption: false });
        expect(refusal?.details.problems ?? []).toHaveLength(plan.disruptions.length);
        expect(refusePlan(plan, { allowDisruption: true })).toBeUndefined();
      }),
    );
  });
});

describe('recordBefore', () => {
  it('is reached already where it was taken', () => {
    fc.assert(
      fc.property(hostsWithTarget, ({ snapshot, target }) => {
        const record = recordBefore(snapshot, planTarget(snapshot, target));
        expect(planTarget(snapshot, record)).toMatchObject(emptyPlan);
        expect(Target.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
      }),
    );
  });

  it('leads back to the start from after every step of the plan', () => {
    fc.assert(
      fc.property(hostsWithTarget, fc.nat(), ({ snapshot, target }, seed) => {
        const plan = planTarget(snapshot, target);
        const record = recordBefore(snapshot, plan);
        for (const stepCount of [plan.steps.length, seed % (plan.steps.length + 1)]) {
          const state = applyPlanToSnapshot(snapshot, plan, stepCount);
          const restored = applyPlanToSnapshot(state, planTarget(state, record));
          expect(settableOf(restored, snapshot)).toEqual(settableOf(snapshot, snapshot));
        }
      }),
    );
  });

  it('leads back to the start when the way back was cut short before', () => {
    fc.assert(
      fc.property(hostsWithTarget, fc.nat(), fc.nat(), ({ snapshot, target }, seed, secondSeed) => {
        const plan = planTarget(snapshot, target);
        const record = recordBefore(snapshot, plan);
        const state = applyPlanToSnapshot(snapshot, plan, seed % (plan.steps.length + 1));
        const undo = planTarget(state, record);
        const later = applyPlanToSnapshot(state, undo, secondSeed % (undo.steps.length + 1));
        const restored = applyPlanToSnapshot(later, planTarget(later, record));
        expect(settableOf(restored, snapshot)).toEqual(settableOf(snapshot, snapshot));
      }),
    );
  });
});

/** What a target can say of a host. Settings that `start` does not report cannot come back. */
function settableOf(snapshot: Snapshot, start: Snapshot): unknown {
  return snapshot.pfs.map((pf, position) => ({
    address: pf.address,
    links: pf.netdevs.map(({ mtu, up }) => ({ mtu, up })),
    eswitchMode: pf.devlink?.eswitchMode,
    numVfs: pf.sriov.numVfs,
    driversAutoprobe: pf.sriov.driversAutoprobe,
    vfs: pf.vfs.map(({ index, driver, settings }) => {
      const reported = namesOf(normaliseVfSettings(start.pfs[position]?.vfs[index]?.settings ?? {}));
      return { index, driver, settings: pick(normaliseVfSettings(settings), reported) };
    }),
  }));
}

/** A driver that restarts is the same driver afterwards, and a new VF may happen to start with what it is given. */
function mayKeepState(step: Step): boolean {
  if (step.kind === 'vf-driver') return step.vfs.some((vf) => vf.reload === true);
  return step.kind === 'vf-settings' && step.vfs.every((vf) => Object.keys(vf.before).length === 0);
}
