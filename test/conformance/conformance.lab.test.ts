// The conformance cases on Linux's own igb, igbvf and vfio-pci. With VFLEET_WRITE_CASES=1 they are recorded.

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localKernel } from '../../src/kernel/local-kernel.ts';
import { conformanceCases } from './cases.ts';
import { readExpectations, writeExpectations } from './expectations.ts';
import { runCase } from './run-case.ts';
import { openConformanceHost, resetPf } from './step.ts';

const isRecording = process.env['VFLEET_WRITE_CASES'] === '1';
const recorded: Record<string, readonly unknown[]> = {};
const expected = isRecording ? recorded : readExpectations();
const host = openConformanceHost(localKernel());

describe('conformance on the lab', () => {
  beforeAll(() => {
    // A bare igbvf is not loaded before the first VF comes, vfio-pci only on request.
    for (const module of ['igbvf', 'vfio-pci']) execFileSync('modprobe', [module]);
  });

  afterAll(async () => {
    await resetPf(host);
    host.session.close();
    if (isRecording) writeExpectations(recorded);
  });

  it.each(conformanceCases)('$name', async (each) => {
    const answers = await runCase(host, each);
    recorded[each.name] = answers;
    expect(answers).toEqual(expected[each.name]);
  });
});
