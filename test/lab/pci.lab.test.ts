// What vfleet reads of PCI configuration space and of the IOMMU, held against lspci.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requesterIdOf } from '../../src/base/identifiers.ts';
import type { PciAddress } from '../../src/base/identifiers.ts';
import type { Pf } from '../../src/model/pf.ts';
import { applySpec, showPf } from './command.ts';
import { listVfs, makeFolder, pf0, resetLab, run } from './lab-host.ts';

/** The first group of a pattern in lspci's words. */
function find(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`lspci says nothing like ${String(pattern)}:\n${text}`);
  return found;
}

describe('a PF as lspci sees it', () => {
  const state = makeFolder();
  let lspci = '';
  let pf: Pf;

  beforeAll(async () => {
    await resetLab();
    await applySpec(state, `  - match: { address: '${pf0}' }\n    vfs: { count: 7 }\n`);
    lspci = await run('lspci', ['-vvv', '-s', pf0]);
    pf = await showPf(state, pf0);
  });

  afterAll(resetLab);

  it('has the same SR-IOV capability', () => {
    const regions = [
      ...lspci
        .slice(lspci.indexOf('SR-IOV'))
        .matchAll(/Region (\d): Memory at ([0-9a-f]+) \((64|32)-bit, (non-)?prefetchable\)/g),
    ];
    expect(regions).toHaveLength(2);
    expect(pf.sriov).toMatchObject({
      numVfs: Number(find(lspci, /Number of VFs: (\d+)/)),
      firstVfOffset: Number(find(lspci, /VF offset: (\d+)/)),
      vfStride: Number(find(lspci, /stride: (\d+)/)),
      vfDeviceId: find(lspci, /stride: \d+, Device ID: ([0-9a-f]{4})/),
      // Bit n of the register is 2^(n+12) bytes.
      systemPageSizeBytes: parseInt(find(lspci, /System Page Size: ([0-9a-f]+)/), 16) * 4096,
      ariCapableHierarchy: find(lspci, /ARIHierarchy([+-])/) === '+',
      vfBars: regions.map(([, index, address = '', width, not]) => ({
        index: Number(index),
        address: `0x${BigInt(`0x${address}`).toString(16)}`,
        is64Bit: width === '64',
        prefetchable: not === undefined,
      })),
    });
  });

  it('has the same PCIe link, vectors and IOMMU group', () => {
    expect(pf).toMatchObject({
      pcieLink: {
        currentSpeedGTps: Number(find(lspci, /LnkSta:\s+Speed ([\d.]+)GT\/s/)),
        currentWidth: Number(find(lspci, /LnkSta:.*Width x(\d+)/)),
        maxSpeedGTps: Number(find(lspci, /LnkCap:.*Speed ([\d.]+)GT\/s/)),
        maxWidth: Number(find(lspci, /LnkCap:.*Width x(\d+)/)),
      },
      msixVectors: Number(find(lspci, /MSI-X: Enable[+-] Count=(\d+)/)),
      iommuGroup: Number(find(lspci, /IOMMU group: (\d+)/)),
    });
  });

  it('has its VFs where offset and stride put them', async () => {
    const listed = await run('lspci', ['-D', '-n', '-d', `8086:${pf.sriov.vfDeviceId}`]);
    const addresses = listed
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '');
    expect(pf.vfs.map((vf) => vf.address)).toEqual(addresses);
    expect(pf.vfs.map((vf) => vf.address)).toEqual(listVfs(pf0));
    for (const vf of pf.vfs) {
      expect(vf.requesterId).toBe(requesterIdOf(vf.address as PciAddress));
      expect(vf.requesterIdConflict).toBeUndefined();
    }
    expect(new Set(pf.vfs.map((vf) => vf.iommuGroup)).size).toBe(pf.vfs.length);
  });
});
