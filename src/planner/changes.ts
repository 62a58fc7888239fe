// Owns the lines of a plan for people: what becomes different, attribute by attribute, named as in the spec.
// Says nothing of steps: a VF that is made anew and gets back what it had shows no change.

import type { Change } from '../model/plan.ts';
import { noDriver } from '../model/target.ts';
import type { PfPlan, VfPlan } from './pf-plan.ts';
import { hasVfDriver } from './vf-driver.ts';

type Value = Change['after'];

/** The changes of one PF and its VFs, the PF first, VFs by index. */
export function changesOf({ intent, vfs }: PfPlan): readonly Change[] {
  const { eswitchMode, mtu, up, numVfs, driversAutoprobe } = intent;
  const pf = { pf: intent.pf.address };
  const lines: Change[] = [];
  addLine(lines, pf, 'eswitch', eswitchMode.before, eswitchMode.after);
  addLine(lines, pf, 'mtu', mtu.before, mtu.after);
  addLine(lines, pf, 'up', up.before, up.after);
  addLine(lines, pf, 'count', numVfs.before, numVfs.after);
  addLine(lines, pf, 'driversAutoprobe', driversAutoprobe.before, driversAutoprobe.after);
  for (const vf of vfs) addVfLines(lines, intent.pf.address, vf);
  return lines;
}

/** What a line is about. */
type Subject = Pick<Change, 'pf' | 'vf'>;

function addVfLines(lines: Change[], pf: string, { intent, settings }: VfPlan): void {
  const { present, index, vf, driver } = intent;
  const subject = { pf, vf: index };
  if (driver !== undefined && (vf === undefined || !hasVfDriver(vf, driver))) {
    addLine(lines, subject, 'driver', vf === undefined ? undefined : (vf.driver ?? noDriver), driver);
  }
  for (const name of settings?.differing ?? []) {
    addLine(lines, subject, name, present[name], settings?.after[name]);
  }
}

function addLine(
  lines: Change[],
  { pf, vf }: Subject,
  attribute: string,
  before: Value | undefined,
  after: Value | undefined,
): void {
  if (after === undefined || after === before) return;
  // Filled field by field: a plan of many VFs has thousands of lines, and spreading objects into each takes the longest.
  const line: Partial<Change> = { pf };
  if (vf !== undefined) line.vf = vf;
  line.attribute = attribute;
  if (before !== undefined) line.before = before;
  line.after = after;
  lines.push(line as Change);
}
