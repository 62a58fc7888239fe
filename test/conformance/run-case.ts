// Owns the running of one conformance case on one host.

import type { ConformanceCase } from './cases.ts';
import { resetPf, runStep } from './step.ts';
import type { ConformanceHost } from './step.ts';

/** Answers of the case's steps, as they would come back from JSON: what is undefined is not there. */
export async function runCase(
  host: ConformanceHost,
  { steps }: ConformanceCase,
): Promise<readonly unknown[]> {
  await resetPf(host);
  const answers: unknown[] = [];
  for (const step of steps) answers.push(await runStep(host, step));
  return JSON.parse(JSON.stringify(answers)) as unknown[];
}
