import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePfAddress } from '../src/base/identifiers.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import { setLink } from '../src/kernel/rtnetlink/link.ts';
import { writeNumVfs } from '../src/kernel/sysfs/sriov-change.ts';
import { exampleLease } from '../src/lease/testing/example-lease.ts';
import type { Lease } from '../src/model/lease.ts';
import { planTarget } from '../src/planner/plan-target.ts';
import { hostsWithTarget } from '../src/planner/testing/arbitraries.ts';
import { createSimKernel } from '../src/sim/sim-kernel.ts';
import { simProfileNames, simProfileOf } from '../src/sim/profiles/profile-table.ts';
import { renderSpec } from '../src/spec/adoption.ts';
import { parseSpec } from '../src/spec/parsed-spec.ts';
import { resolveSpec } from '../src/spec/resolution.ts';
import { rangesOf } from '../src/spec/vf-rules.ts';
import type { Snapshot } from '../src/model/snapshot.ts';
import { hostOn } from './applying.fixture.ts';

/** Profiles whose cards can have VFs. */
const ableProfiles = simProfileNames.filter((name) =>
  simProfileOf(name).pfs.every(({ withoutVfSpace }) => withoutVfSpace !== true),
);

function planOfAdopted(snapshot: Snapshot, leases: readonly Lease[] = []): unknown[] {
  const adopted = parseSpec(renderSpec(snapshot, leases), 'adopted.yaml');
  return planTarget(snapshot, resolveSpec(adopted, snapshot, leases), leases).steps;
}

describe('an adopted spec', () => {
  it('changes nothing, whatever the host', () => {
    fc.assert(
      fc.property(hostsWithTarget, ({ snapshot }) => {
        // More VFs than the PF has now can be left over from a firmware change; such a count cannot be asked for.
        fc.pre(snapshot.pfs.every(({ sriov }) => sriov.numVfs <= sriov.totalVfs));
        expect(planOfAdopted(snapshot)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('names no VF that a VM has, and changes nothing either', () => {
    const hosts = hostsWithTarget.chain(({ snapshot }) =>
      fc.tuple(fc.constant(snapshot), fc.infiniteStream(fc.boolean())),
    );
    fc.assert(
      fc.property(hosts, ([snapshot, drawn]) => {
        fc.pre(snapshot.pfs.every(({ sriov }) => sriov.numVfs <= sriov.totalVfs));
        const vfs = snapshot.pfs.flatMap((pf) => pf.vfs.map((vf) => ({ pf: pf.address, vf })));
        const leases = vfs.flatMap(({ pf, vf }) =>
          drawn.next().value === true
            ? [exampleLease({ key: { pf, vf: vf.index }, settings: vf.settings })]
            : [],
        );
        expect(planOfAdopted(snapshot, leases)).toEqual([]);
        const { pfs } = parseSpec(renderSpec(snapshot, leases), 'adopted.yaml').spec;
        for (const { key } of leases) {
          const entry = pfs.find(({ match }) => match.address === key.pf);
          expect(
            rangesOf(entry?.vfs ?? {}).some(({ first, last }) => first <= key.vf && key.vf <= last),
          ).toBe(false);
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each(ableProfiles)('changes nothing on the simulated %s with all its VFs', async (profile) => {
    const kernel = createSimKernel({ profile });
    const host = hostOn(kernel);
    const [first] = kernel.state.pfs;
    if (first !== undefined) {
      const address = parsePfAddress(first.address);
      if (address === undefined || first.netdev === undefined)
        throw new Error('the profile has a PF without interface');
      await setLink(host.session.route, first.netdev.ifIndex, { up: true });
      await writeNumVfs(kernel.files, address, first.totalVfs, 600_000);
    }
    expect(planOfAdopted(await readSnapshot(host.session, { detail: 'full' }))).toEqual([]);
  });
});
