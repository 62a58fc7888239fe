// What an apply does to a host whose VFs are leased, and what it keeps for those who give VFs to VMs.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAppliedSpec, writeAppliedSpec } from '../src/apply/applied-spec.ts';
import { JournalWriter, readLastJournal } from '../src/apply/journal.ts';
import { recoverHost } from '../src/apply/recover.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import { exampleLease } from '../src/lease/testing/example-lease.ts';
import type { Lease } from '../src/model/lease.ts';
import { planTarget } from '../src/planner/plan-target.ts';
import { refusePlan } from '../src/planner/refusal.ts';
import { hostsWithTarget } from '../src/planner/testing/arbitraries.ts';
import { breachesOf, leasesOn } from '../src/planner/testing/random-leases.ts';
import { VfleetError } from '../src/base/errors.ts';
import { listEveryLease } from '../src/lease/lease-store.ts';
import type { Snapshot } from '../src/model/snapshot.ts';
import { parseSpec } from '../src/spec/parsed-spec.ts';
import { resolveSpec } from '../src/spec/resolution.ts';
import { createSimKernel } from '../src/sim/sim-kernel.ts';
import type { SimFault } from '../src/sim/fault.ts';
import {
  applyText,
  configurationOf,
  hostOn,
  newStateFolder,
  revert,
  type TestHost,
} from './applying.fixture.ts';

const pf = '0000:01:00.0';

function spec(vfs: string, networks = ''): string {
  return `apiVersion: vfleet/v1\nkind: Host\n${networks}pfs:\n  - match: { address: "${pf}" }\n    up: true\n    vfs: ${vfs}\n`;
}

const pool = spec('{ count: 4, default: { driver: vfio-pci, spoofCheck: true, vlan: 7 } }');
const held = { mac: '52:54:00:00:00:09', vlan: 200, qos: 0, spoofCheck: true, trust: false };

function leaseOf(vf: number, more: Partial<Lease> = {}): Lease {
  const owner = { kind: 'libvirt', uuid: 'u', name: 'web-1', hold: 'stored' } as const;
  return exampleLease({ key: { pf, vf }, owner, settings: held, ...more });
}

function simHost(faults: SimFault[] = []): { kernel: ReturnType<typeof createSimKernel>; host: TestHost } {
  const kernel = createSimKernel({ profile: 'igb', faults });
  return { kernel, host: hostOn(kernel) };
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error,
  );
}

describe('a leased VF', () => {
  it('is what its lease says through applies, a revert and a restart of the host', async () => {
    const { kernel, host } = simHost();
    await applyText(host, pool);
    expect(await host.leases.create(leaseOf(1))).toBe(true);
    // What attaching has not come to yet is no other VF's business, nor that of its driver.
    await applyText(host, pool.replace('vlan: 7', 'vlan: 8'));
    const vfs = (): unknown =>
      kernel.state.pfs[0]?.vfs.map(({ settings, driver }) => ({ ...settings, driver }));
    const leased = { mac: held.mac, vlan: 200, driver: 'vfio-pci' };
    expect(vfs()).toMatchObject([{ vlan: 8 }, leased, { vlan: 8 }, { vlan: 8 }]);
    await revert(host);
    expect(vfs()).toMatchObject([{ vlan: 7 }, leased, { vlan: 7 }, { vlan: 7 }]);

    kernel.reboot();
    const after = hostOn(kernel, host.stateFolder);
    expect(vfs()).toEqual([]);
    await applyText(after, pool);
    expect(vfs()).toMatchObject([{ vlan: 7 }, leased, { vlan: 7 }, { vlan: 7 }]);
    expect((await applyText(after, pool)).steps).toEqual([]);
  });

  it('stays, whatever is allowed', async () => {
    const { kernel, host } = simHost();
    await applyText(host, pool);
    await host.leases.create(leaseOf(1));
    await applyText(host, pool);
    const before = await configurationOf(kernel);
    for (const vfs of [
      '{ count: 5 }',
      '{ count: 0 }',
      '{ "1": { vlan: 9 } }',
      '{ "1": { driver: igbvf } }',
    ]) {
      for (const allowDisruption of [false, true]) {
        expect(await failureOf(applyText(host, spec(vfs), { allowDisruption }))).toMatchObject({
          code: 'plan.refused',
          message: 'VF 1 (0000:01:10.2) of 0000:01:00.0 is leased to VM web-1',
          hint: 'give it back first: vfleet detach web-1',
        });
      }
    }
    expect(await configurationOf(kernel)).toEqual(before);
  });

  it('that could not be made after a restart is no hindrance to putting everything back', async () => {
    const { kernel, host } = simHost([
      { operation: 'write', path: 'drivers_probe', errno: 'EINVAL', times: 1 },
    ]);
    await host.leases.create(leaseOf(1));
    const start = await configurationOf(kernel);
    expect(await failureOf(applyText(host, pool))).toMatchObject({ code: 'apply.undone' });
    expect(await configurationOf(kernel)).toEqual(start);
  });

  it('that somebody got after an apply was cut off is not taken away by undoing that', async () => {
    const { kernel, host } = simHost();
    const start = await readSnapshot(host.session, { detail: 'settings' });
    await applyText(host, pool);
    // As if the process had ended just before its last step was done.
    const begin = {
      command: 'apply',
      startedAt: 'then',
      bootId: start.host.bootId,
      allowDisruption: true,
    } as const;
    const target = { pfs: [{ address: pf, numVfs: 4, vfs: [] }] };
    const before = { pfs: [{ address: pf, numVfs: 0, vfs: [] }] };
    const steps = [{ kind: 'num-vfs', pf, before: 0, after: 4 } as const];
    const journal = JournalWriter.begin(host.stateFolder, { ...begin, steps, target, before });
    journal.close();
    await host.leases.create(leaseOf(2));
    const error = await failureOf(recoverHost(host));
    expect(error).toMatchObject({ code: 'apply.inconsistent' });
    expect(JSON.stringify(error)).toContain('is leased to VM web-1');
    expect(kernel.state.pfs[0]?.vfs).toHaveLength(4);
    const [lease] = await listEveryLease(host.leases);
    expect(await host.leases.deleteIfGeneration({ pf, vf: 2 }, lease?.generation ?? '')).toBe(true);
    expect(await recoverHost(host)).toBe('undone');
    expect(kernel.state.pfs[0]?.vfs).toEqual([]);
  });
});

describe('the applied spec', () => {
  const networks = 'networks:\n  - { name: storage, vlan: 5 }\n';

  it('is kept by every apply that succeeds, and taken back by revert', async () => {
    const { host } = simHost();
    const textNow = (): string | undefined => readAppliedSpec(host.stateFolder)?.text;
    await applyText(host, pool);
    expect(textNow()).toBe(pool);
    // Nothing on the host changes by naming a network.
    const withNetworks = spec('{ count: 4 }', networks);
    expect((await applyText(host, withNetworks)).steps).toEqual([]);
    expect(textNow()).toBe(withNetworks);
    await failureOf(applyText(host, spec('{ count: 2, "0": { linkState: enable } }')));
    expect(textNow()).toBe(withNetworks);
    const third = spec('{ default: { vlan: 9 } }', networks);
    await applyText(host, third);
    expect(readAppliedSpec(host.stateFolder)).toMatchObject({
      fileName: '/etc/vfleet/host.yaml',
      text: third,
    });
    await revert(host);
    expect(textNow()).toBe(withNetworks);
  });

  it('is none again when the first apply is reverted', async () => {
    const { host } = simHost();
    await applyText(host, pool);
    await revert(host);
    expect(readAppliedSpec(host.stateFolder)).toBeUndefined();
  });

  it.each([
    ['committed', 4, 'after'],
    ['undone', 3, 'before'],
  ] as const)('of an apply that is %s by recover is of that end', async (end, numVfs, which) => {
    const { host } = simHost();
    await applyText(host, spec('{ count: 4 }'));
    const snapshot = await readSnapshot(host.session, { detail: 'settings' });
    const specOf = (text: string) => ({ fileName: '/x.yaml', text, appliedAt: 'then' });
    const journal = JournalWriter.begin(host.stateFolder, {
      command: 'apply',
      startedAt: 'then',
      bootId: snapshot.host.bootId,
      allowDisruption: false,
      steps: [{ kind: 'num-vfs', pf, before: 0, after: numVfs }],
      target: { pfs: [{ address: pf, numVfs, vfs: [] }] },
      before: { pfs: [{ address: pf, numVfs: 2, vfs: [] }] },
      spec: { before: specOf('before'), after: specOf('after') },
    });
    journal.writeUnsynced({ record: 'done', index: 0 });
    journal.close();
    writeAppliedSpec(host.stateFolder, specOf('after'));
    expect(await recoverHost(host)).toBe(end);
    expect((await readLastJournal(host.stateFolder))?.end).toBe(end);
    expect(readAppliedSpec(host.stateFolder)?.text).toBe(which);
  });

  it('of an apply that a restart cut off is the one before', async () => {
    const { kernel, host } = simHost();
    await applyText(host, spec('{ count: 4 }'));
    const journal = JournalWriter.begin(host.stateFolder, {
      command: 'apply',
      startedAt: 'then',
      bootId: 'an earlier boot',
      allowDisruption: false,
      steps: [{ kind: 'num-vfs', pf, before: 0, after: 4 }],
      target: { pfs: [] },
      before: { pfs: [{ address: pf, numVfs: 2, vfs: [] }] },
      spec: { after: { fileName: '/x.yaml', text: 'after', appliedAt: 'then' } },
    });
    journal.close();
    expect(await recoverHost(hostOn(kernel, host.stateFolder))).toBe('lost-to-reboot');
    expect(readAppliedSpec(host.stateFolder)).toBeUndefined();
  });

  it('stays as it is where nobody says which one it is', async () => {
    const { kernel } = simHost();
    const stateFolder = newStateFolder();
    writeAppliedSpec(stateFolder, { fileName: '/x.yaml', text: 'x', appliedAt: 'then' });
    const host = hostOn(kernel, stateFolder);
    const snapshot = await readSnapshot(host.session, { detail: 'settings' });
    const { applyPlan } = await import('../src/apply/apply-plan.ts');
    const { planTarget } = await import('../src/planner/plan-target.ts');
    const target = { pfs: [{ address: pf, up: true, vfs: [] }] };
    const plan = planTarget(snapshot, target);
    await applyPlan(host, { command: 'apply', snapshot, target, plan, allowDisruption: false });
    expect(readAppliedSpec(stateFolder)?.text).toBe('x');
  });
});

/** What a file may say of some VFs; little enough that it is mostly sound. */
const vfSettings = fc.record(
  {
    driver: fc.constantFrom('vfio-pci', 'kernel', 'none'),
    vlan: fc.constantFrom(0, 100, 300),
    mac: fc.constant('auto'),
    trust: fc.boolean(),
    spoofCheck: fc.boolean(),
    maxTxRateMbps: fc.constantFrom(0, 2000),
  },
  { requiredKeys: [] },
);

/** A spec, as text, that names some of the PFs of a host, with default and with VFs one by one. */
function specsFor(snapshot: Snapshot): fc.Arbitrary<string> {
  return fc.subarray(snapshot.pfs, { minLength: 1 }).chain((pfs) =>
    fc
      .tuple(
        ...pfs.map(({ address, sriov, devlink }) =>
          fc
            .record(
              {
                count: fc.oneof(
                  fc.constant(sriov.numVfs),
                  fc.integer({ min: 0, max: Math.min(sriov.totalVfs, 14) }),
                ),
                default: vfSettings,
                '1': vfSettings,
                '3-4': vfSettings,
              },
              { requiredKeys: [] },
            )
            .map((vfs) => ({
              match: { address },
              ...(devlink === undefined ? {} : { eswitch: 'legacy' }),
              vfs,
            })),
        ),
      )
      .map((entries) => JSON.stringify({ apiVersion: 'vfleet/v1', kind: 'Host', pfs: entries })),
  );
}

describe('a plan for a spec', () => {
  it('changes no leased VF away from its lease, whatever the spec, the leases, and what is allowed', () => {
    let passed = 0;
    fc.assert(
      fc.property(
        hostsWithTarget.chain(({ snapshot }) =>
          fc.tuple(fc.constant(snapshot), specsFor(snapshot), leasesOn(snapshot)),
        ),
        ([snapshot, text, leases]) => {
          try {
            const target = resolveSpec(parseSpec(text, 'random.yaml'), snapshot, leases);
            const plan = planTarget(snapshot, target, leases);
            if (refusePlan(plan, { allowDisruption: true }) !== undefined) return;
            passed += leases.length > 0 ? 1 : 0;
            expect(breachesOf(plan, snapshot, leases)).toEqual([]);
          } catch (error) {
            // What the host cannot be is refused before there is a plan.
            if (!(error instanceof VfleetError)) throw error;
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(passed).toBeGreaterThan(50);
  });
});
