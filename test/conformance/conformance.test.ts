// The conformance cases on the simulated igb: its answers are those that Linux's own drivers gave in the lab.

import { describe, expect, it } from 'vitest';
import { createSimKernel } from '../../src/sim/sim-kernel.ts';
import { conformanceCases } from './cases.ts';
import { readExpectations } from './expectations.ts';
import { runCase } from './run-case.ts';
import { openConformanceHost } from './step.ts';

const expected = readExpectations();

describe('conformance on the simulated host', () => {
  it('has an expectation for each case', () => {
    expect(Object.keys(expected)).toEqual(conformanceCases.map(({ name }) => name));
  });

  it.each(conformanceCases)('$name', async (each) => {
    const kernel = createSimKernel({ profile: 'igb' });
    // As in the lab, whose start loads it.
    await kernel.loadModule('vfio-pci', 30_000);
    const host = openConformanceHost(kernel);
    try {
      expect(await runCase(host, each)).toEqual(expected[each.name]);
    } finally {
      host.session.close();
    }
  });
});
