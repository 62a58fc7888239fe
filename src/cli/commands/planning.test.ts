// Checks that a spec means the same, and fails with the same words, whether all of the host was read or only what the
// spec asks for.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyPlan } from '../../apply/apply-plan.ts';
import { defaultTimeouts } from '../../apply/timeouts.ts';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VfleetError } from '../../base/errors.ts';
import { readSnapshot } from '../../inventory/snapshot.ts';
import { KernelSession } from '../../kernel/session.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { createSimKernel } from '../../sim/sim-kernel.ts';
import { parseSpec } from '../../spec/parsed-spec.ts';
import { planSpec, readForSpec } from './planning.ts';

const session = new KernelSession(createSimKernel({ profile: 'mlx5' }));

/** Lines of PF entries under a spec's head. */
function specOf(...lines: readonly string[]) {
  return parseSpec(['apiVersion: vfleet/v1', 'kind: Host', 'pfs:', ...lines, ''].join('\n'), 'host.yaml');
}

const onFirst = '  - match: { address: "0000:81:00.0" }';
const secondMac = '52:54:00:00:81:01';

beforeAll(async () => {
  const spec = specOf(
    '  - match: { address: "0000:81:00.1" }',
    '    eswitch: switchdev',
    '    vfs:',
    '      count: 2',
    `      "1": { mac: "${secondMac}" }`,
  );
  const snapshot = await readSnapshot(session, { detail: 'full' });
  const host = {
    session,
    stateFolder: mkdtempSync(join(tmpdir(), 'vfleet-planning-')),
    timeouts: defaultTimeouts,
    report: () => undefined,
  };
  await applyPlan(host, { command: 'apply', snapshot, ...planSpec(spec, snapshot), allowDisruption: false });
});

afterAll(() => session.close());

/** The plan, or the code and the words of the failure. */
function outcomeOf(spec: ReturnType<typeof specOf>, snapshot: Snapshot): unknown {
  try {
    return planSpec(spec, snapshot);
  } catch (error) {
    if (!(error instanceof VfleetError)) throw error;
    return { code: error.code, message: error.message, problems: error.details.problems };
  }
}

describe('what is read for a spec', () => {
  it.each([
    ['one PF by address', [onFirst, '    mtu: 9000', '    vfs: { count: 2, default: { mac: auto } }']],
    ['a PF by its interface', ['  - match: { name: enp129s0f0np0 }', '    up: true']],
    ['both PFs', ['  - match: { driver: mlx5_core }', '    expect: 2', '    vfs: { count: 4 }']],
    [
      'an address that a VF of another PF keeps',
      [onFirst, '    vfs:', '      count: 1', `      "0": { mac: "${secondMac}" }`],
    ],
    [
      'an address that another PF keeps',
      [onFirst, '    vfs:', '      count: 1', '      "0": { mac: "b8:3f:d2:9e:44:a1" }'],
    ],
    ['too many PFs', ['  - match: { driver: mlx5_core }', '    mtu: 9000']],
    ['no PF by that name', ['  - match: { name: enp9s9 }', '    mtu: 9000']],
    ['a PF that comes near', ['  - match: { driver: mlx5_core, numa: 7 }', '    mtu: 9000']],
    ['a representor', ['  - match: { name: enp129s0f1npf1vf0 }', '    mtu: 9000']],
    ['the driver of no PF', ['  - match: { driver: vfio-pci }', '    mtu: 9000']],
  ])('is enough for %s', async (_, lines) => {
    const spec = specOf(...lines);
    const whole = await readSnapshot(session, { detail: 'full' });
    expect(outcomeOf(spec, await readForSpec(session, spec))).toEqual(outcomeOf(spec, whole));
  });

  it('is no more than the outline of a PF that the spec does not mean', async () => {
    const spec = specOf(onFirst, '    mtu: 9000');
    const [first, second] = (await readForSpec(session, spec)).pfs;
    expect(first).toMatchObject({ devlink: { eswitchMode: 'legacy' }, netdevs: [{ speedMbps: 100_000 }] });
    expect(second).toMatchObject({
      address: '0000:81:00.1',
      driver: 'mlx5_core',
      vendorId: '15b3',
      netdevs: [{ mac: 'b8:3f:d2:9e:44:a1' }],
      vfs: [{ index: 0 }, { index: 1, settings: { mac: secondMac } }],
    });
    expect(second).not.toHaveProperty('devlink');
    expect(second?.netdevs[0]).not.toHaveProperty('speedMbps');
  });
});
