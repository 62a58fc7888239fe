// Owns the runner of the planner's cases: each folder in cases/ is one, found by listing.
// A case holds current.yaml (a compact host), target.yaml, plan.json (towards the target) and revert.json (the way back).
// VFLEET_WRITE_CASES=1 writes both plans anew, to be read before they are committed.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Plan } from '../model/plan.ts';
import { Target } from '../model/target.ts';
import { planTarget } from './plan-target.ts';
import { recordBefore } from './record.ts';
import { applyPlanToSnapshot } from './testing/applied-snapshot.ts';
import { buildSnapshot, CompactSnapshot } from './testing/snapshot-builder.ts';

const casesFolder = join(import.meta.dirname, 'cases');
const writesCases = process.env['VFLEET_WRITE_CASES'] === '1';

describe('cases', () => {
  it.each(readdirSync(casesFolder))('%s', (name) => {
    const folder = join(casesFolder, name);
    const snapshot = buildSnapshot(CompactSnapshot.parse(readYaml(folder, 'current.yaml')));
    const target = Target.parse(readYaml(folder, 'target.yaml'));

    const plan = planTarget(snapshot, target);
    const after = applyPlanToSnapshot(snapshot, plan);
    const revert = planTarget(after, recordBefore(snapshot, plan));
    if (writesCases) {
      writePlan(folder, 'plan.json', plan);
      writePlan(folder, 'revert.json', revert);
    }

    expect(plan).toEqual(readPlan(folder, 'plan.json'));
    expect(revert).toEqual(readPlan(folder, 'revert.json'));
    expect(planTarget(after, target).steps).toEqual([]);
  });
});

function readYaml(folder: string, file: string): unknown {
  return parse(readFileSync(join(folder, file), 'utf8'));
}

function readPlan(folder: string, file: string): Plan {
  return Plan.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
}

function writePlan(folder: string, file: string, plan: Plan): void {
  writeFileSync(join(folder, file), `${JSON.stringify(plan)}\n`);
}
