import { describe, expect, it } from 'vitest';
import { readAppliedSpec, writeAppliedSpec } from '../src/apply/applied-spec.ts';
import { readLastJournal } from '../src/apply/journal.ts';
import { createSimKernel } from '../src/sim/sim-kernel.ts';
import type { SimProfileName } from '../src/sim/profiles/profile-table.ts';
import { applyText, configurationOf, hostOn, newStateFolder, recover } from './applying.fixture.ts';

const before = (pf: string, more = ''): string => `
apiVersion: vfleet/v1
kind: Host
pfs:
  - match: { address: "${pf}" }
    up: true
    vfs:
      count: 2
      default: { spoofCheck: true }
      "0": { mac: "52:54:00:00:00:01", vlan: 10${more} }
      "1": { mac: "52:54:00:00:00:02", vlan: 20${more} }
`;

const after = (pf: string, more = ''): string => `
apiVersion: vfleet/v1
kind: Host
pfs:
  - match: { address: "${pf}" }
    mtu: 1400
    vfs:
      count: 4
      default: { spoofCheck: false }
      "0": { mac: "52:54:00:00:00:11", vlan: 30${more} }
      "3": { mac: "52:54:00:00:00:12" }
`;

const cases: readonly { profile: SimProfileName; pf: string; before: string; after: string }[] = [
  {
    profile: 'igb',
    pf: '0000:01:00.0',
    before: before('0000:01:00.0', ', driver: igbvf'),
    after: after('0000:01:00.0', ', driver: vfio-pci'),
  },
  {
    profile: 'netdevsim',
    pf: 'netdevsim/netdevsim1',
    before: before('netdevsim/netdevsim1'),
    after: after('netdevsim/netdevsim1').replace('mtu: 1400', 'mtu: 1400\n    eswitch: switchdev'),
  },
];

/** Runs `work` on a host whose process dies around change number `change`; tells whether it died. */
async function runUntilKilled(
  options: {
    profile: SimProfileName;
    state: ReturnType<typeof createSimKernel>['state'];
    change: number;
    kill: 'before' | 'after';
  },
  work: (kernel: ReturnType<typeof createSimKernel>) => Promise<unknown>,
): Promise<boolean> {
  const { promise: killed, resolve } = deferred();
  const kernel = createSimKernel({
    profile: options.profile,
    state: options.state,
    faults: [{ operation: 'change', after: options.change, kill: options.kill }],
    onKill: resolve,
  });
  return Promise.race([work(kernel).then(() => false), killed.then(() => true)]);
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** More changes than any of the cases makes. */
const maxChanges = 200;

describe.each(cases)('an apply on $profile that is killed', ({ profile, before: first, after: second }) => {
  it.each(['before', 'after'] as const)('%s any change is put back by recover', async (kill) => {
    const clean = createSimKernel({ profile });
    await applyText(hostOn(clean), first);
    const start = await configurationOf(clean);
    const startState = structuredClone(clean.state);

    let change = 0;
    let kept: string | undefined;
    for (; change < maxChanges; change++) {
      const state = structuredClone(startState);
      const stateFolder = newStateFolder();
      writeAppliedSpec(stateFolder, { fileName: 'first.yaml', text: first, appliedAt: 'then' });
      const died = await runUntilKilled({ profile, state, change, kill }, async (kernel) =>
        applyText(hostOn(kernel, stateFolder), second),
      );
      kept = readAppliedSpec(stateFolder)?.text;
      if (!died) break;
      const next = createSimKernel({ profile, state });
      expect(await recover(next, stateFolder)).toMatch(/^(undone|committed)$/);
      expect(await configurationOf(next)).toEqual(start);
      expect((await readLastJournal(stateFolder))?.end).toBe('undone');
      expect(readAppliedSpec(stateFolder)?.text).toBe(first);
      expect(await recover(next, stateFolder)).toBe('nothing');
    }
    expect(kept).toBe(second);
    expect(change).toBeGreaterThan(3);
    expect(change).toBeLessThan(maxChanges);
  });

  it('and whose recovery is killed as well, at any change, is put back by the next recovery', async () => {
    const clean = createSimKernel({ profile });
    await applyText(hostOn(clean), first);
    const start = await configurationOf(clean);
    const startState = structuredClone(clean.state);

    for (const change of [3, 5, 8]) {
      for (let second_ = 0; second_ < maxChanges; second_++) {
        const state = structuredClone(startState);
        const stateFolder = newStateFolder();
        await runUntilKilled({ profile, state, change, kill: 'after' }, async (kernel) =>
          applyText(hostOn(kernel, stateFolder), second),
        );
        state.faultCounts = {};
        const diedAgain = await runUntilKilled(
          { profile, state, change: second_, kill: 'after' },
          async (kernel) => recover(kernel, stateFolder),
        );
        if (!diedAgain) break;
        const next = createSimKernel({ profile, state });
        await recover(next, stateFolder);
        expect(await configurationOf(next)).toEqual(start);
      }
    }
  });

  it('is put back by the next apply, which then goes on', async () => {
    const clean = createSimKernel({ profile });
    await applyText(hostOn(clean), first);
    const state = structuredClone(clean.state);
    await applyText(hostOn(clean), second);
    const goal = await configurationOf(clean);
    const stateFolder = newStateFolder();
    await runUntilKilled({ profile, state, change: 4, kill: 'after' }, async (kernel) =>
      applyText(hostOn(kernel, stateFolder), second),
    );
    const next = createSimKernel({ profile, state });
    await applyText(hostOn(next, stateFolder), second);
    expect(withoutOwnMacs(await configurationOf(next))).toEqual(withoutOwnMacs(goal));
  });

  it('is forgotten after a reboot', async () => {
    const clean = createSimKernel({ profile });
    const state = structuredClone(clean.state);
    const stateFolder = newStateFolder();
    await runUntilKilled({ profile, state, change: 1, kill: 'after' }, async (kernel) =>
      applyText(hostOn(kernel, stateFolder), first),
    );
    const next = createSimKernel({ profile, state });
    next.reboot();
    expect(await recover(next, stateFolder)).toBe('lost-to-reboot');
  });
});

/** Addresses that VF drivers choose by themselves differ from one creation to the next. */
function withoutOwnMacs(configuration: unknown): unknown {
  return JSON.parse(
    JSON.stringify(configuration, (key, value: unknown) =>
      key === 'mac' && typeof value === 'string' && !value.startsWith('52:54:00') ? 'own' : value,
    ),
  );
}
