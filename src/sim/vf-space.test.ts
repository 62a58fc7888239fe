import { describe, expect, it } from 'vitest';
import type { PciAddress } from '../base/identifiers.ts';
import { readConfigSpace } from '../kernel/pci-config/read-config.ts';
import { readVfResources } from '../kernel/sysfs/pci-resource.ts';
import { simProfileNames, simProfileOf } from './profiles/profile-table.ts';
import { createSimKernel } from './sim-kernel.ts';
import { vfSpacesOf } from './vf-space.ts';

const profiles = simProfileNames.map((name) => simProfileOf(name)).filter(({ pfs }) => pfs.length > 0);

describe.each(profiles)('address space for the VFs of $name', ({ name, pfs }) => {
  it('does not overlap', () => {
    const spaces = pfs
      .flatMap((pf) => vfSpacesOf(pf))
      .flatMap(({ start, sizeBytes }) => (start === undefined ? [] : [{ start, end: start + sizeBytes }]))
      .toSorted((a, b) => (a.start < b.start ? -1 : 1));
    const overlaps = spaces.filter(({ start }, index) => start < (spaces[index - 1]?.end ?? 0n));
    expect(overlaps).toEqual([]);
  });

  it('is the same in sysfs and in the registers of the card', () => {
    const { files } = createSimKernel({ profile: simProfileOf(name) });
    for (const pf of pfs.filter(({ card }) => card.pci !== undefined)) {
      const resources = readVfResources(files, pf.address as PciAddress);
      expect(resources).toHaveLength(6);
      const { vfBars = [], totalVfs = 0 } = readConfigSpace(files, pf.address as PciAddress)?.sriov ?? {};
      const seen = vfBars.map(({ index, address }) => {
        const { assigned = false, sizeBytes = 0 } = resources.find((each) => each.index === index) ?? {};
        return { index, address, assigned, share: sizeBytes / totalVfs };
      });
      expect(seen).toEqual(
        vfSpacesOf(pf).map(({ bar, start }) => ({
          index: bar.index,
          address: `0x${(start ?? 0n).toString(16)}`,
          assigned: start !== undefined,
          share: start === undefined ? 0 : bar.sizeBytes,
        })),
      );
    }
  });
});
