// Owns random leases on the VFs of a random host, and the judgement whether a plan keeps them.
// For tests only.

import * as fc from 'fast-check';
import { exampleLease } from '../../lease/testing/example-lease.ts';
import type { Lease } from '../../model/lease.ts';
import type { Plan } from '../../model/plan.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { VfSettings } from '../../model/vf.ts';
import { leasesOfPf } from '../leases.ts';
import { namesOf, normaliseVfSettings, resultOfVfSettings } from '../vf-settings.ts';

const leasedSettings: fc.Arbitrary<VfSettings> = fc.record(
  {
    mac: fc.constantFrom('52:54:00:aa:00:01', '52:54:00:AA:00:77'),
    vlan: fc.constantFrom(0, 100, 200),
    spoofCheck: fc.boolean(),
    trust: fc.boolean(),
    linkState: fc.constantFrom('auto', 'enable', 'disable'),
    minTxRateMbps: fc.constantFrom(0, 50),
    maxTxRateMbps: fc.constantFrom(0, 1000),
  },
  { requiredKeys: ['mac', 'vlan'] },
);

/** Leases on some of the VFs of a host, there or not. */
export function leasesOn(snapshot: Snapshot): fc.Arbitrary<readonly Lease[]> {
  return fc
    .array(
      fc.record({
        pf: fc.constantFrom(...snapshot.pfs.map((pf) => pf.address)),
        vf: fc.integer({ min: 0, max: 12 }),
        settings: leasedSettings,
      }),
      { maxLength: 6 },
    )
    .map((drawn) => {
      const leases = new Map(drawn.map((each) => [`${each.pf} ${each.vf}`, each]));
      return [...leases.values()].map(({ pf, vf, settings }) => exampleLease({ key: { pf, vf }, settings }));
    });
}

/** What the steps of a plan make of leased VFs that is not what their leases say. */
export function breachesOf(plan: Plan, snapshot: Snapshot, leases: readonly Lease[]): string[] {
  return plan.steps.flatMap((step) => {
    const there = snapshot.pfs.find((pf) => pf.address === step.pf)?.vfs ?? [];
    return [...leasesOfPf(leases, step.pf).values()].flatMap((lease) => {
      const subject = `${step.kind} of VF ${lease.key.vf} of ${step.pf}`;
      const isThere = there.some((vf) => vf.index === lease.key.vf);
      if (step.kind === 'num-vfs' || step.kind === 'eswitch-mode') return isThere ? [subject] : [];
      if (step.kind === 'vf-driver') {
        return isThere && step.vfs.some((vf) => vf.index === lease.key.vf) ? [subject] : [];
      }
      if (step.kind !== 'vf-settings') return [];
      const after = step.vfs.find((vf) => vf.index === lease.key.vf)?.after ?? {};
      const settings = normaliseVfSettings(lease.settings);
      const wanted = resultOfVfSettings(settings, {});
      return namesOf(settings)
        .filter((name) => after[name] !== undefined && after[name] !== wanted[name])
        .map((name) => `${subject}: ${name}`);
    });
  });
}
