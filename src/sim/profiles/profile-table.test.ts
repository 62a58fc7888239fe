import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePfAddress } from '../../base/identifiers.ts';
import type { PciAddress } from '../../base/identifiers.ts';
import { readAcsIsolation, readConfigSpace } from '../../kernel/pci-config/read-config.ts';
import { checkVfAddress } from '../../kernel/pci-config/requester-id.ts';
import { readAerTotals } from '../../kernel/sysfs/aer.ts';
import { readTemperatureCelsius } from '../../kernel/sysfs/hwmon.ts';
import { listIommuGroupDevices, listIommuGroups } from '../../kernel/sysfs/iommu.ts';
import { listNumaNodes } from '../../kernel/sysfs/numa.ts';
import { readPciDevice } from '../../kernel/sysfs/pci-device.ts';
import { listSriovPfs, listVirtfns, readSriov } from '../../kernel/sysfs/sriov.ts';
import { writeNumVfs } from '../../kernel/sysfs/sriov-change.ts';
import { SimFault } from '../fault.ts';
import { createSimKernel } from '../sim-kernel.ts';
import { simProfileNames, simProfileOf } from './profile-table.ts';

/** Time plays no part here: an hour of ours for each write. */
const speed = 1_000_000;
const timeoutMs = 3_600_000 * speed;
const maxInterfaceName = 15;

describe.each(simProfileNames)('profile %s', (name) => {
  const profile = simProfileOf(name);

  it('carries its name, and its parts fit together', () => {
    expect(profile.name).toBe(name);
    const ports = profile.rootPorts.map(({ address }) => address);
    for (const pf of profile.pfs) {
      expect(parsePfAddress(pf.address)).toBe(pf.address);
      expect(pf.card.pci === undefined || ports.includes(pf.rootPort ?? '')).toBe(true);
      expect(`${pf.vfNetdevPrefix}${pf.card.totalVfs - 1}`.length).toBeLessThanOrEqual(maxInterfaceName);
      expect(pf.netdev.length).toBeLessThanOrEqual(maxInterfaceName);
    }
    expect(new Set(profile.pfs.map(({ mac }) => mac)).size).toBe(profile.pfs.length);
  });

  it('is read as it is written, with all VFs in their places', async () => {
    const kernel = createSimKernel({ profile, speed });
    const { files } = kernel;
    kernel.change(({ pfs }) => {
      for (const { netdev } of pfs) if (netdev !== undefined) netdev.up = true;
    });
    expect(listSriovPfs(files)).toEqual(profile.pfs.map(({ address }) => address));
    expect(listNumaNodes(files)).toEqual(profile.numaNodes);
    const seen = new Set<string>();
    for (const { address, card, numaNode, rootPort, withoutVfSpace } of profile.pfs) {
      const pf = parsePfAddress(address);
      if (pf === undefined) throw new Error(`${address} is no PF`);
      // What is answered then is vf-space.test.ts's matter.
      if (withoutVfSpace === true) continue;
      await writeNumVfs(files, pf, card.totalVfs, timeoutMs);
      expect(readSriov(files, pf)?.totalVfs).toBe(card.totalVfs);
      const { pci } = card;
      if (pci === undefined) continue;
      const device = readPciDevice(files, pf as PciAddress);
      const port = profile.rootPorts.find((each) => each.address === rootPort);
      const currentWidth = Math.min(pci.linkWidth, port?.linkWidth ?? 0);
      expect(device).toMatchObject({
        vendorId: pci.vendorId,
        deviceId: pci.deviceId,
        driver: card.driver,
        numaNode,
        currentSpeedGTps: Math.min(pci.linkSpeedGTps, port?.linkSpeedGTps ?? 0),
        currentWidth,
        maxWidth: pci.linkWidth,
      });
      const config = readConfigSpace(files, pf as PciAddress);
      expect(config?.problems).toEqual([]);
      expect(config?.sriov).toMatchObject({
        numVfs: card.totalVfs,
        vfEnable: true,
        vfDeviceId: pci.vfDeviceId,
        systemPageSizeBytes: 4096,
      });
      expect(config?.sriov?.vfBars).toHaveLength(pci.vfBars.length);
      expect(config?.msix?.vectors).toBe(pci.msixVectors);
      expect(config?.pcie).toMatchObject({ type: 'endpoint', currentWidth });
      expect(readAcsIsolation(files, pf as PciAddress)).toBe(true);
      expect(readTemperatureCelsius(files, pf)).toBe(card.temperatureCelsius);
      expect(readAerTotals(files, pf as PciAddress).correctable).toBe(card.aer === true ? 0 : undefined);
      const virtfns = listVirtfns(files, pf);
      expect(virtfns.size).toBe(card.totalVfs);
      for (const [index, vf] of virtfns) {
        expect(seen.has(vf)).toBe(false);
        seen.add(vf);
        const placement = config?.sriov;
        expect(checkVfAddress(pf as PciAddress, placement, index, vf).conflict).toBeUndefined();
        const found = readPciDevice(files, vf);
        expect(found).toMatchObject({ physfn: pf, deviceId: pci.vfDeviceId, numaNode });
        expect(listIommuGroupDevices(files, found.iommuGroup ?? -1)).toEqual([vf]);
      }
    }
    expect(listIommuGroups(files).length > 0).toBe(profile.iommu && profile.rootPorts.length > 0);
  });
});

describe('the page of the simulated host', () => {
  const page = readFileSync('docs/simulated-host.md', 'utf8');

  it('lists every profile with its title, and no other', () => {
    const section = page.slice(page.indexOf('## Profiles'), page.indexOf('## Time'));
    const rows = [...section.matchAll(/^\| `([a-z0-9-]+)` +\| (.+?) +\|$/gm)].map(([, name, title]) => [
      name,
      title,
    ]);
    expect(rows).toEqual(simProfileNames.map((name) => [name, simProfileOf(name).title]));
  });

  it('names every key of a fault', () => {
    const missing = Object.keys(SimFault.shape).filter((key) => !page.includes(`\`${key}\``));
    expect(missing).toEqual([]);
  });
});

describe('a name', () => {
  it.each(['', 'nothing', 'constructor', '__proto__'])('%j is refused when it is none', (name) => {
    expect(() => simProfileOf(name)).toThrow('there is no simulated host');
  });
});
