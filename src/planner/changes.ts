// Owns the lines of a plan for people: what becomes different, attribute by attribute, named as in the spec.
// Says nothing of steps: a VF that is made anew and gets back what it had shows no change.

import type { Change } from '../model/plan.ts';
import { noDriver } from '../model/target.ts';
import type { VfIntent } from './intent.ts';
import type { PfPlan, VfPlan } from './pf-plan.ts';
import { hasVfDriver } from './vf-driver.ts';

type Value = Change['after'];

/** The changes of one PF and its VFs, the PF first, VFs by index. */
export function changesOf({ intent, vfs }: PfPlan): readonly Change[] {
  const { pf, eswitchMode, mtu, up, numVfs, driversAutoprobe } = intent;
  return [
    ...lineOf(pf.address, 'eswitch', eswitchMode.before, eswitchMode.after),
    ...lineOf(pf.address, 'mtu', mtu.before, mtu.after),
    ...lineOf(pf.address, 'up', up.before, up.after),
    ...lineOf(pf.address, 'count', numVfs.before, numVfs.after),
    ...lineOf(pf.address, 'driversAutoprobe', driversAutoprobe.before, driversAutoprobe.after),
    ...vfs.flatMap((vf) => vfLines(pf.address, vf)),
  ];
}

function vfLines(pf: string, { intent, settings }: VfPlan): readonly Change[] {
  const { present, index } = intent;
  const lines = (settings?.differing ?? []).flatMap((name) =>
    lineOf(pf, name, present[name], settings?.after[name], index),
  );
  return [...driverLine(pf, intent), ...lines];
}

function driverLine(pf: string, { index, vf, driver }: VfIntent): readonly Change[] {
  if (driver === undefined || (vf !== undefined && hasVfDriver(vf, driver))) return [];
  const before = vf === undefined ? undefined : (vf.driver ?? noDriver);
  return lineOf(pf, 'driver', before, driver, index);
}

function lineOf(
  pf: string,
  attribute: string,
  before: Value | undefined,
  after: Value | undefined,
  vf?: number,
): readonly Change[] {
  if (after === undefined || after === before) return [];
  return [
    {
      pf,
      ...(vf === undefined ? {} : { vf }),
      attribute,
      ...(before === undefined ? {} : { before }),
      after,
    },
  ];
}
