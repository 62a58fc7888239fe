import { describe, expect, it } from 'vitest';
import type { IfIndex, PfAddress } from '../../base/identifiers.ts';
import { readPermanentAddress, readDriverInformation } from '../../kernel/ethtool/driver-information.ts';
import { readDriverStatistics } from '../../kernel/ethtool/driver-statistics.ts';
import { listLinkSettings, readLinkSettings } from '../../kernel/ethtool/link-settings.ts';
import { readStandardStatistics } from '../../kernel/ethtool/standard-statistics.ts';
import {
  listDevlinkDevices,
  listDevlinkPorts,
  listHealthReporters,
  readDevlinkInfo,
  readEswitchMode,
  setEswitchMode,
} from '../../kernel/genetlink/devlink.ts';
import { listDevlinkParameters } from '../../kernel/genetlink/devlink-parameters.ts';
import { readFamily } from '../../kernel/genetlink/family.ts';
import { NetlinkClient } from '../../kernel/netlink/client.ts';
import { listLinks, setVfSettings } from '../../kernel/rtnetlink/link.ts';
import { listNetdevs } from '../../kernel/sysfs/device.ts';
import { readNetdevFiles, readNetdevPort } from '../../kernel/sysfs/net.ts';
import { writeDriversAutoprobe, writeNumVfs } from '../../kernel/sysfs/sriov-change.ts';
import type { SimFault } from '../fault.ts';
import type { SimProfileName } from '../profiles/profile-table.ts';
import { createSimKernel } from '../sim-kernel.ts';

const timeoutMs = 600_000;

function open(profile: SimProfileName, faults: readonly SimFault[] = []) {
  const kernel = createSimKernel({ profile, faults });
  return {
    kernel,
    client: new NetlinkClient(kernel.openNetlink('generic')),
    route: new NetlinkClient(kernel.openNetlink('route')),
  };
}

const mlx5 = { bus: 'pci', device: '0000:81:00.0' };
const mlx5Pf = '0000:81:00.0' as PfAddress;

describe('families', () => {
  it('are found by name, with their groups', async () => {
    const { client } = open('igb');
    expect(await readFamily(client, 'devlink')).toMatchObject({ id: 22, version: 1 });
    expect((await readFamily(client, 'ethtool'))?.groups.get('monitor')).toBe(5);
    expect(await readFamily(client, 'nothing')).toBeUndefined();
  });
});

describe('devlink', () => {
  it('tells of a ConnectX what its profile says', async () => {
    const { client } = open('mlx5');
    expect((await listDevlinkDevices(client)).map(({ device }) => device)).toEqual([
      '0000:81:00.0',
      '0000:81:00.1',
    ]);
    expect(await readDevlinkInfo(client, mlx5)).toEqual({
      driver: 'mlx5_core',
      serialNumber: 'MT2146X03512',
      versions: {
        fixed: { 'fw.psid': 'MT_0000000430' },
        running: { 'fw.version': '22.41.1000', fw: '22.41.1000' },
        stored: { 'fw.version': '22.41.1000', fw: '22.41.1000' },
      },
    });
    expect(await listHealthReporters(client, mlx5)).toHaveLength(3);
    expect(await listDevlinkParameters(client, mlx5)).toMatchObject([
      { name: 'enable_roce', generic: true, type: 'flag', values: { driverinit: 'true' } },
      { name: 'io_eq_size', type: 'u32', values: { driverinit: '1024' } },
      { name: 'flow_steering_mode', generic: false, type: 'string', values: { runtime: 'smfs' } },
    ]);
  });

  it('changes the mode of a ConnectX when no driver has a VF, and makes representors', async () => {
    const { kernel, client, route } = open('mlx5');
    await writeNumVfs(kernel.files, mlx5Pf, 2, timeoutMs);
    await expect(setEswitchMode(client, mlx5, 'switchdev')).rejects.toMatchObject({
      details: { errno: 'EBUSY', kernelMessage: "mlx5_core: Can't change mode, E-Switch is busy" },
    });
    await writeNumVfs(kernel.files, mlx5Pf, 0, timeoutMs);
    await writeDriversAutoprobe(kernel.files, mlx5Pf, false, timeoutMs);
    await writeNumVfs(kernel.files, mlx5Pf, 2, timeoutMs);
    await setEswitchMode(client, mlx5, 'switchdev');
    expect(await readEswitchMode(client, mlx5)).toBe('switchdev');
    const ports = await listDevlinkPorts(client, mlx5);
    expect(ports).toMatchObject([
      { flavour: 'physical', netdev: 'enp129s0f0np0', portNumber: 0 },
      { flavour: 'pcivf', vfIndex: 0, pfNumber: 0, netdev: 'enp129s0f0r0' },
      { flavour: 'pcivf', vfIndex: 1, netdev: 'enp129s0f0r1' },
    ]);
    expect(listNetdevs(kernel.files, mlx5Pf)).toEqual(['enp129s0f0np0', 'enp129s0f0r0', 'enp129s0f0r1']);
    expect(readNetdevPort(kernel.files, 'enp129s0f0r1').physPortName).toBe('pf0vf1');
    const links = await listLinks(route);
    const switchIds = links.map(({ attributes }) => attributes.physSwitchId).filter((id) => id !== undefined);
    expect(new Set(switchIds).size).toBe(1);
    const { ifIndex = 0 } = readNetdevFiles(kernel.files, 'enp129s0f0np0');
    await expect(setVfSettings(route, ifIndex, [{ index: 0, settings: { vlan: 5 } }])).rejects.toMatchObject({
      details: { errno: 'EOPNOTSUPP' },
    });
    await setEswitchMode(client, mlx5, 'legacy');
    expect(listNetdevs(kernel.files, mlx5Pf)).toEqual(['enp129s0f0np0']);
  });

  it('lists the VFs of a ConnectX as devices of their own, without an eswitch', async () => {
    const { kernel, client } = open('mlx5');
    await writeNumVfs(kernel.files, mlx5Pf, 1, timeoutMs);
    const vf = { bus: 'pci', device: '0000:81:00.2' };
    expect(await listDevlinkDevices(client)).toContainEqual(vf);
    expect(await readEswitchMode(client, vf)).toBeUndefined();
  });

  it('changes the mode of an E810 only without VFs', async () => {
    const { kernel, client } = open('ice');
    const ice = { bus: 'pci', device: '0000:17:00.0' };
    await writeNumVfs(kernel.files, ice.device as PfAddress, 1, timeoutMs);
    await expect(setEswitchMode(client, ice, 'switchdev')).rejects.toMatchObject({
      details: { errno: 'EOPNOTSUPP', kernelMessage: expect.stringContaining('no VFs created') as string },
    });
    await writeNumVfs(kernel.files, ice.device as PfAddress, 0, timeoutMs);
    await setEswitchMode(client, ice, 'switchdev');
    await writeNumVfs(kernel.files, ice.device as PfAddress, 2, timeoutMs);
    expect((await listDevlinkPorts(client, ice)).map(({ vfIndex }) => vfIndex)).toEqual([undefined, 0, 1]);
  });

  it('changes netdevsim at any time', async () => {
    const { kernel, client } = open('netdevsim');
    const device = { bus: 'netdevsim', device: 'netdevsim1' };
    await writeNumVfs(kernel.files, 'netdevsim/netdevsim1' as PfAddress, 3, timeoutMs);
    await setEswitchMode(client, device, 'switchdev');
    expect(await listDevlinkPorts(client, device)).toHaveLength(4);
  });

  it('is not there for cards without it', async () => {
    const { client } = open('igb');
    const igb = { bus: 'pci', device: '0000:01:00.0' };
    expect(await listDevlinkDevices(client)).toEqual([]);
    expect(await readDevlinkInfo(client, igb)).toBeUndefined();
    expect(await readEswitchMode(client, igb)).toBeUndefined();
    await expect(setEswitchMode(client, igb, 'switchdev')).rejects.toMatchObject({
      details: { errno: 'ENODEV' },
    });
  });

  it('shows and sets the mode only with CAP_NET_ADMIN, and fails when told', async () => {
    const { kernel, client } = open('mlx5', [
      { operation: 'devlink', attribute: 'info-get', errno: 'EIO' },
      { operation: 'devlink', attribute: 'eswitch-set', keep: false, times: 1 },
    ]);
    await expect(readDevlinkInfo(client, mlx5)).rejects.toMatchObject({ details: { errno: 'EIO' } });
    await setEswitchMode(client, mlx5, 'switchdev');
    expect(await readEswitchMode(client, mlx5)).toBe('legacy');
    kernel.change((state) => {
      state.capEff = '0';
    });
    expect(await readEswitchMode(client, mlx5)).toBeUndefined();
    await expect(setEswitchMode(client, mlx5, 'switchdev')).rejects.toMatchObject({
      details: { errno: 'EPERM' },
    });
  });
});

describe('ethtool', () => {
  it('tells speed and state of a link', async () => {
    const { kernel, client } = open('ice');
    const { ifIndex = 0 } = readNetdevFiles(kernel.files, 'enp23s0');
    expect(await readLinkSettings(client, ifIndex as IfIndex)).toMatchObject({
      speedMbps: 100_000,
      duplex: 'full',
      linkDetected: true,
    });
    kernel.change(({ pfs }) => {
      if (pfs[0]?.netdev !== undefined) pfs[0].netdev.up = false;
    });
    const down = await readLinkSettings(client, ifIndex as IfIndex);
    expect(down).toMatchObject({ linkDetected: false });
    expect(down).not.toHaveProperty('speedMbps');
    expect(new Set((await listLinkSettings(client)).keys())).toEqual(new Set([1, 2, 3]));
  });

  it('tells of the driver, its counters and the address of the card', async () => {
    const { kernel, client } = open('mlx5');
    expect(await readDriverInformation(kernel, 'enp129s0f0np0')).toEqual({
      driver: 'mlx5_core',
      version: '6.12.48+deb13-amd64',
      firmwareVersion: '22.41.1000 (MT_0000000430)',
      busAddress: '0000:81:00.0',
    });
    expect(await readPermanentAddress(kernel, 'enp129s0f0np0')).toBe('b8:3f:d2:9e:44:a0');
    expect((await readDriverStatistics(kernel, 'enp129s0f0np0'))?.get('rx_packets')).toBe(0);
    const { ifIndex = 0 } = readNetdevFiles(kernel.files, 'enp129s0f0np0');
    const counters = await readStandardStatistics(client, ifIndex as IfIndex);
    expect(counters?.get('eth-mac.FramesReceivedOK')).toBe(0);
  });

  it('tells nothing of what has no driver', async () => {
    const { kernel } = open('igb');
    expect(await readDriverInformation(kernel, 'lo')).toBeUndefined();
    expect(await readDriverInformation(kernel, 'nothing')).toBeUndefined();
    expect(await kernel.ethtoolIoctl('enp1s0', new Uint8Array(2))).toEqual({ errno: 'EFAULT' });
    expect(await kernel.ethtoolIoctl('enp1s0', Uint8Array.of(3, 0, 0, 0))).toEqual({ errno: 'EFAULT' });
    expect(await kernel.ethtoolIoctl('enp1s0', Uint8Array.of(0x37, 0, 0, 0))).toEqual({ errno: 'EFAULT' });
  });
});
