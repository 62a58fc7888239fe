import { describe, expect, it } from 'vitest';
import type { PciAddress, PfAddress } from '../../base/identifiers.ts';
import type { SimFault } from '../../sim/fault.ts';
import type { SimProfile } from '../../sim/profile.ts';
import { igbProfile } from '../../sim/profiles/igb.ts';
import { createSimKernel } from '../../sim/sim-kernel.ts';
import type { SimKernel } from '../../sim/sim-kernel.ts';
import { resetFunction } from './function-reset.ts';
import { writeNumVfs } from './sriov-change.ts';

const pf = '0000:01:00.0' as PfAddress;
const vf = '0000:01:10.0' as PciAddress;
const timeoutMs = 60_000;

/** An igb host with a dirty VF, whose VFs have these reset methods. */
async function hostWith(
  methods: readonly string[] | undefined,
  more: { kernelRelease?: string; faults?: readonly SimFault[] } = {},
): Promise<SimKernel> {
  const profile: SimProfile = {
    ...igbProfile,
    kernelRelease: more.kernelRelease ?? igbProfile.kernelRelease,
    pfs: igbProfile.pfs.map((each) => {
      const { pci } = each.card;
      if (pci === undefined || methods === undefined) return each;
      return { ...each, card: { ...each.card, pci: { ...pci, vfResetMethods: methods } } };
    }),
  };
  const kernel = createSimKernel({ profile, faults: more.faults ?? [] });
  await writeNumVfs(kernel.files, pf, 1, timeoutMs);
  kernel.change((state) => {
    const found = state.pfs[0]?.vfs[0];
    if (found !== undefined) found.dirt = 'a filter';
  });
  return kernel;
}

const stateOf = (kernel: SimKernel): unknown => {
  const { dirt, lastReset, resetMethods } = kernel.state.pfs[0]?.vfs[0] ?? {};
  return { dirt, lastReset, resetMethods };
};

describe('the reset of a function', () => {
  it.each([
    [['flr'], 'flr', undefined],
    [['flr', 'bus'], 'flr', ['flr', 'bus']],
    [['pm', 'flr'], 'flr', ['pm', 'flr']],
    [['device_specific', 'acpi', 'pm', 'bus'], 'device_specific', ['device_specific', 'acpi', 'pm', 'bus']],
    [['af_flr', 'bus', 'cxl_bus'], 'af_flr', ['af_flr', 'bus', 'cxl_bus']],
  ])('with %j takes %s, and leaves the choice as it was', async (methods, method, resetMethods) => {
    const kernel = await hostWith(methods);
    expect(await resetFunction(kernel.files, vf, timeoutMs)).toEqual({ isDone: true, method });
    expect(stateOf(kernel)).toEqual({ dirt: undefined, lastReset: method, resetMethods });
  });

  it.each([[['bus']], [['pm', 'bus']], [['acpi', 'cxl_bus']], [[]]])(
    'with %j alone is none',
    async (methods) => {
      const kernel = await hostWith(methods);
      const answer = await resetFunction(kernel.files, vf, timeoutMs);
      expect(answer).toEqual({ isDone: false, why: expect.stringContaining(vf) });
      expect(stateOf(kernel)).toEqual({ dirt: 'a filter', lastReset: undefined, resetMethods: undefined });
    },
  );

  it('is none when an administrator allows no method', async () => {
    const kernel = await hostWith(['flr']);
    kernel.change((state) => {
      const found = state.pfs[0]?.vfs[0];
      if (found !== undefined) found.resetMethods = [];
    });
    expect(await resetFunction(kernel.files, vf, timeoutMs)).toMatchObject({ isDone: false });
  });

  it('on kernels that cannot be told the method stands on the capability', async () => {
    const kernel = await hostWith(['flr', 'bus'], { kernelRelease: '5.10.0-28-amd64' });
    expect(kernel.files.identity(`/sys/bus/pci/devices/${vf}/reset_method`)).toBeUndefined();
    expect(await resetFunction(kernel.files, vf, timeoutMs)).toEqual({ isDone: true, method: 'flr' });
    expect(stateOf(kernel)).toMatchObject({ dirt: undefined });
    kernel.change((state) => {
      state.capEff = '0000000000000000';
    });
    // Without the right to read it, nobody knows what the kernel would do.
    expect(await resetFunction(kernel.files, vf, timeoutMs)).toMatchObject({ isDone: false });
  });

  it('that fails says so, and leaves the choice as it was', async () => {
    const faults: SimFault[] = [{ operation: 'write', path: '/sys*/reset', errno: 'ENOTTY' }];
    const kernel = await hostWith(['flr', 'bus'], { faults });
    await expect(resetFunction(kernel.files, vf, timeoutMs)).rejects.toThrow(
      expect.objectContaining({
        code: 'kernel.refused',
        details: expect.objectContaining({ errno: 'ENOTTY' }),
      }),
    );
    expect(stateOf(kernel)).toMatchObject({ dirt: 'a filter', resetMethods: ['flr', 'bus'] });
  });

  it('of a device that is not there is none', async () => {
    const kernel = await hostWith(undefined);
    expect(await resetFunction(kernel.files, '0000:09:00.0' as PciAddress, timeoutMs)).toMatchObject({
      isDone: false,
    });
  });
});
