import { describe, expect, it } from 'vitest';
import type { VfleetError } from '../src/base/errors.ts';
import { defaultTimeouts } from '../src/apply/timeouts.ts';
import { readLastJournal } from '../src/apply/journal.ts';
import type { SimFault } from '../src/sim/fault.ts';
import { createSimKernel } from '../src/sim/sim-kernel.ts';
import type { SimProfileName } from '../src/sim/profiles/profile-table.ts';
import { applyText, configurationOf, hostOn, revert } from './applying.fixture.ts';

const pf = '0000:01:00.0';

function spec(vfs: string, more = ''): string {
  return `apiVersion: vfleet/v1\nkind: Host\npfs:\n  - match: { address: "${pf}" }\n    up: true\n${more}    vfs:\n${vfs}`;
}

const twoVfs = spec(
  '      count: 2\n      "0": { mac: "52:54:00:00:00:01", vlan: 100 }\n      "1": { vlan: 200, trust: true }\n',
);

function simHost(profile: SimProfileName, faults: SimFault[] = []): ReturnType<typeof createSimKernel> {
  return createSimKernel({ profile, faults });
}

async function failureOf(work: Promise<unknown>): Promise<VfleetError> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as VfleetError,
  );
}

describe('an apply that fails', () => {
  it('names the VF, the attribute, the driver and the kernel’s reason, and leaves nothing behind', async () => {
    const kernel = simHost('igb');
    const start = await configurationOf(kernel);
    const text = spec(
      '      count: 4\n      default: { spoofCheck: true }\n      "2": { linkState: enable }\n',
    );
    const error = await failureOf(applyText(hostOn(kernel), text));
    expect(error).toMatchObject({
      code: 'apply.undone',
      exitStatus: 5,
      details: { pf, vf: 2, attribute: 'linkState', driver: 'igb', errno: 'EOPNOTSUPP' },
    });
    expect(error.message).toContain('VF 2 of 0000:01:00.0: driver igb refused linkState enable: EOPNOTSUPP');
    expect(await configurationOf(kernel)).toEqual(start);
  });

  it.each([
    ['write', 'sriov_numvfs', 'ENOMEM'],
    ['write', 'sriov_numvfs', 'EBUSY'],
    ['write', 'drivers_probe', 'EINVAL'],
    ['write', 'sriov_drivers_autoprobe', 'EPERM'],
  ] as const)('at %s %s with %s is put back', async (operation, path, errno) => {
    const kernel = simHost('igb');
    const start = await configurationOf(kernel);
    const state = structuredClone(kernel.state);
    const faulty = createSimKernel({ profile: 'igb', state, faults: [{ operation, path, errno, times: 1 }] });
    const error = await failureOf(applyText(hostOn(faulty), twoVfs));
    expect(error).toMatchObject({ code: 'apply.undone', details: { errno } });
    expect(await configurationOf(faulty)).toEqual(start);
  });

  it('says what to do about ENOMEM at VF creation', async () => {
    const kernel = simHost('igb', [{ operation: 'write', path: 'sriov_numvfs', errno: 'ENOMEM', times: 1 }]);
    const error = await failureOf(applyText(hostOn(kernel), twoVfs));
    expect(error.hint).toMatch(/BIOS.*pci=realloc/s);
  });

  it('because a value is accepted and not kept says so', async () => {
    const kernel = simHost('igb', [{ operation: 'setlink', attribute: 'trust', keep: false }]);
    const error = await failureOf(applyText(hostOn(kernel), twoVfs));
    expect(error).toMatchObject({ code: 'apply.undone', details: { vf: 1, attribute: 'trust' } });
    expect(error.message).toContain('accepted trust true but shows false');
  });

  it('and whose undo fails says what is left, and recover mends it later', async () => {
    const kernel = simHost('igb', [
      { operation: 'setlink', attribute: 'vlan', errno: 'EIO' },
      { operation: 'write', path: 'sriov_numvfs', value: '0', errno: 'EIO', times: 6 },
    ]);
    const host = hostOn(kernel);
    const start = await configurationOf(kernel);
    const error = await failureOf(applyText(host, twoVfs));
    expect(error).toMatchObject({ code: 'apply.inconsistent', exitStatus: 6 });
    expect(error.details.problems?.join()).toContain('EIO');
    expect((await readLastJournal(host.stateFolder))?.end).toBeUndefined();
    kernel.change((state) => {
      state.faultCounts = Object.fromEntries(Object.keys(state.faultCounts).map((key) => [key, 1000]));
    });
    const { recoverHost } = await import('../src/apply/recover.ts');
    expect(await recoverHost(host)).toBe('undone');
    expect(await configurationOf(kernel)).toEqual(start);
  });

  it('because the kernel hangs ends within the bound and says that it cannot be cancelled', async () => {
    const kernel = simHost('igb', [{ operation: 'write', path: 'sriov_numvfs', hang: true }]);
    const host = { ...hostOn(kernel), timeouts: { ...defaultTimeouts, numVfsMs: 2_000, vfArrivalMs: 500 } };
    const error = await failureOf(applyText(host, twoVfs));
    expect(error.message).toMatch(/in the kernel for 2 s|cannot be cancelled/);
    expect(error).toMatchObject({ code: 'apply.inconsistent', details: { pending: true } });
    expect((await readLastJournal(host.stateFolder))?.end).toBeUndefined();
  });

  it('because VFs never show up says how many came', async () => {
    const kernel = simHost('igb', [{ operation: 'write', path: 'sriov_numvfs', keep: false, times: 1 }]);
    const host = { ...hostOn(kernel), timeouts: { ...defaultTimeouts, vfArrivalMs: 500 } };
    const error = await failureOf(applyText(host, twoVfs));
    expect(error.message).toContain('0 of 2 VFs are there');
    expect(error.code).toBe('apply.undone');
  });

  it('because the card is pulled out says that it is gone', async () => {
    const kernel = simHost('igb', [{ operation: 'setlink', unplug: pf, times: 1 }]);
    const error = await failureOf(applyText(hostOn(kernel), twoVfs));
    expect(error.code).toBe('apply.inconsistent');
    expect(error.details.problems?.join()).toContain(pf);
  });

  it('because it was asked to stop puts everything back', async () => {
    const kernel = simHost('igb');
    const start = await configurationOf(kernel);
    const stop = new AbortController();
    const host = hostOn(kernel, undefined, stop.signal);
    const report = host.report;
    const error = await failureOf(
      applyText(
        {
          ...host,
          report: (event) => {
            report(event);
            if (event.kind === 'step' && event.index === 2) stop.abort();
          },
        },
        twoVfs,
      ),
    );
    expect(error).toMatchObject({ code: 'apply.undone' });
    expect(await configurationOf(kernel)).toEqual(start);
  });
});

describe('slow and odd drivers', () => {
  it.each(['i40e', 'ice', 'mlx5', 'bnxt', 'ixgbe'] as const)(
    '%s takes a plain spec, twice, and gives it back',
    async (profile) => {
      const kernel = simHost(profile);
      const address = kernel.state.pfs[0]?.address ?? '';
      const text = spec(
        '      count: 3\n      "0": { mac: "52:54:00:00:00:01" }\n      "1-2": { spoofCheck: true }\n',
      ).replaceAll(pf, address);
      const host = hostOn(kernel);
      const start = await configurationOf(kernel);
      await applyText(host, text);
      expect((await applyText(host, text)).steps).toEqual([]);
      await revert(host);
      expect(await configurationOf(kernel)).toEqual(start);
    },
  );

  it('that are busy for a while are asked again', async () => {
    const kernel = simHost('igb', [{ operation: 'setlink', attribute: 'mac', errno: 'EBUSY', times: 3 }]);
    await applyText(hostOn(kernel), twoVfs);
    expect(kernel.state.pfs[0]?.vfs[0]?.settings.mac).toBe('52:54:00:00:00:01');
  });
});

describe('a VF in use', () => {
  const holders = [
    { kind: 'vm', name: 'web-1' },
    { kind: 'netns', name: 'blue' },
    { kind: 'netdev', address: '192.0.2.1/24' },
    { kind: 'vfio', name: 'dpdk-app' },
  ] as const;

  it.each(holders)('by $kind is never cut off', async (holder) => {
    const kernel = simHost('igb');
    const host = hostOn(kernel);
    await applyText(host, spec('      count: 2\n'));
    kernel.holdVf(pf, 1, holder);
    const held = await configurationOf(kernel);
    for (const text of [
      spec('      count: 4\n'),
      spec('      count: 0\n'),
      spec('      "1": { driver: none }\n'),
      spec('      "1": { vlan: 5 }\n'),
    ]) {
      const error = await failureOf(applyText(host, text));
      expect(error).toMatchObject({ code: 'plan.refused', exitStatus: 3 });
      expect(error.message).toContain('VF 1');
      expect(error.message).toContain('name' in holder ? holder.name : 'has address 192.0.2.1');
    }
    expect(await configurationOf(kernel)).toEqual(held);
    // The kernel waits until a process lets its vfio device go; only the other uses can be ended from outside.
    if (holder.kind === 'vm' || holder.kind === 'vfio') return;
    await applyText(host, spec('      count: 4\n'), { allowDisruption: true });
    expect(kernel.state.pfs[0]?.vfs).toHaveLength(4);
  });

  it('that is taken between plan and step is not cut off either', async () => {
    const kernel = simHost('igb');
    const host = hostOn(kernel);
    await applyText(host, spec('      count: 2\n'));
    const report = host.report;
    const error = await failureOf(
      applyText(
        {
          ...host,
          report: (event) => {
            report(event);
            if (event.kind === 'step' && event.index === 0)
              kernel.holdVf(pf, 0, { kind: 'vm', name: 'late' });
          },
        },
        spec('      count: 4\n'),
      ),
    );
    expect(error.message).toContain('late');
    expect(kernel.state.pfs[0]?.vfs).toHaveLength(2);
  });

  it('by a VM that does not let it go makes a permitted apply wait, and recover ends it later', async () => {
    const kernel = simHost('igb');
    const host = { ...hostOn(kernel), timeouts: { ...defaultTimeouts, numVfsMs: 1_000 } };
    await applyText(host, spec('      count: 2\n'));
    kernel.holdVf(pf, 1, { kind: 'vm', name: 'web-1' });
    const error = await failureOf(applyText(host, spec('      count: 4\n'), { allowDisruption: true }));
    expect(error).toMatchObject({ code: 'apply.inconsistent', details: { pending: true } });
    expect(error.hint).toContain('vfleet recover');
    kernel.releaseVf(pf, 1);
    const { recoverHost } = await import('../src/apply/recover.ts');
    await expect.poll(async () => recoverHost(host).catch(() => 'not yet')).toBe('undone');
    expect(kernel.state.pfs[0]?.vfs).toHaveLength(2);
  });

  it('can get what does not cut it off', async () => {
    const kernel = simHost('igb');
    const host = hostOn(kernel);
    await applyText(host, spec('      count: 2\n'));
    kernel.holdVf(pf, 1, { kind: 'vm', name: 'web-1' });
    await applyText(host, spec('      "1": { trust: true, spoofCheck: false, maxTxRateMbps: 100 }\n'));
    expect(kernel.state.pfs[0]?.vfs[1]?.settings).toMatchObject({
      trust: true,
      spoofCheck: false,
      maxTxRateMbps: 100,
    });
  });
});
