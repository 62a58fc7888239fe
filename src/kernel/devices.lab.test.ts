// Against Linux's own igb and netdevsim: what the kernel layer reads of devices over netlink and SIOCETHTOOL.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDriverInformation, readPermanentAddress } from './ethtool/driver-information.ts';
import { readDriverStatistics } from './ethtool/driver-statistics.ts';
import { listLinkSettings, readLinkSettings } from './ethtool/link-settings.ts';
import { listDevlinkParameters } from './genetlink/devlink-parameters.ts';
import {
  listDevlinkDevices,
  listDevlinkPorts,
  listHealthReporters,
  readDevlinkInfo,
  readEswitchMode,
  setEswitchMode,
} from './genetlink/devlink.ts';
import { localKernel } from './local-kernel.ts';
import { listLinks, readLink, setLink, setVfSettings } from './rtnetlink/link.ts';
import type { Link } from './rtnetlink/link.ts';
import { KernelSession } from './session.ts';

const kernel = localKernel();
const session = new KernelSession(kernel);
const simulated = { bus: 'netdevsim', device: 'netdevsim1' };
const vfCount = 256;
const timeoutMs = 300_000;

async function setVfCount(count: number): Promise<void> {
  const refused = await kernel.files.write(
    '/sys/bus/netdevsim/devices/netdevsim1/sriov_numvfs',
    String(count),
    timeoutMs,
  );
  if (refused !== undefined) throw new Error(`sriov_numvfs ${count}: ${refused.errno}`);
}

afterAll(() => session.close());

describe('netdevsim', () => {
  beforeAll(async () => {
    await setVfCount(0);
    await setVfCount(vfCount);
  });
  afterAll(async () => {
    await setEswitchMode(session.generic, simulated, 'legacy');
    await setVfCount(0);
  });

  async function readUplink(): Promise<Link> {
    const ports = await listDevlinkPorts(session.generic, simulated);
    const ifIndex = ports.find(({ flavour }) => flavour === 'physical')?.ifIndex ?? 0;
    return readLink(session.route, ifIndex, { vfs: true, statistics: true });
  }

  test('tells its driver, versions, parameters and health', async () => {
    expect(await listDevlinkDevices(session.generic)).toContainEqual(simulated);
    expect(await readDevlinkInfo(session.generic, simulated)).toMatchObject({
      driver: 'netdevsim',
      versions: { running: { 'fw.mgmt': '10.20.30' } },
    });
    const parameters = await listDevlinkParameters(session.generic, simulated);
    expect(parameters).toContainEqual({
      ...simulated,
      name: 'max_macs',
      generic: true,
      type: 'u32',
      values: { driverinit: '32' },
    });
    const reporters = await listHealthReporters(session.generic, simulated);
    expect(reporters.map(({ name, state }) => `${name} ${state}`)).toContain('dummy healthy');
  });

  test('shows all 256 VFs as they were set, though the length of their list wraps', async () => {
    const requests = Array.from({ length: vfCount }, (_, index) => ({
      index,
      settings: {
        mac: `52:54:00:aa:00:${index.toString(16).padStart(2, '0')}`,
        vlan: index + 1,
        qos: index % 8,
        maxTxRateMbps: 100 + index,
        spoofCheck: index % 2 === 0,
        trust: index % 3 === 0,
        linkState: 'enable' as const,
      },
    }));
    const before = await readUplink();
    await setVfSettings(session.route, before.ifIndex, requests);
    const { vfs, attributes } = await readUplink();
    expect(attributes.numVf).toBe(vfCount);
    expect(vfs).toMatchObject(requests);
    expect(vfs?.every(({ statistics }) => statistics?.rxPackets === 0)).toBe(true);
  });

  test('has a port with a representor for each VF in switchdev mode, and none in legacy mode', async () => {
    expect(await readEswitchMode(session.generic, simulated)).toBe('legacy');
    await setEswitchMode(session.generic, simulated, 'switchdev');
    expect(await readEswitchMode(session.generic, simulated)).toBe('switchdev');
    const ports = await listDevlinkPorts(session.generic, simulated);
    const representors = ports.filter(({ flavour }) => flavour === 'pcivf');
    expect(representors.map(({ vfIndex }) => vfIndex)).toEqual(
      Array.from({ length: vfCount }, (_, index) => index),
    );
    expect(new Set(representors.map(({ ifIndex }) => ifIndex)).size).toBe(vfCount);
    await setEswitchMode(session.generic, simulated, 'legacy');
    const left = await listDevlinkPorts(session.generic, simulated);
    expect(left.map(({ flavour }) => flavour)).toEqual(['physical']);
  });

  test('refuses a mode for a device that is not there', async () => {
    const absent = { bus: 'netdevsim', device: 'netdevsim77' };
    expect(await readEswitchMode(session.generic, absent)).toBeUndefined();
    expect(await listDevlinkPorts(session.generic, absent)).toEqual([]);
    await expect(setEswitchMode(session.generic, absent, 'legacy')).rejects.toMatchObject({
      details: { errno: 'ENODEV' },
    });
  });
});

describe('igb', () => {
  let link: Link;
  beforeAll(async () => {
    const links = await listLinks(session.route);
    const drivers = await Promise.all(links.map(async ({ name }) => readDriverInformation(kernel, name)));
    const found = links.find((_, index) => drivers[index]?.driver === 'igb');
    if (found === undefined) throw new Error('the lab has no igb');
    link = found;
    await setLink(session.route, link.ifIndex, { up: true });
  });

  test('tells its driver, firmware and addresses', async () => {
    expect(await readDriverInformation(kernel, link.name)).toMatchObject({
      driver: 'igb',
      busAddress: link.attributes.parentDeviceName,
    });
    expect(await readPermanentAddress(kernel, link.name)).toBe(link.attributes.permanentAddress);
  });

  test('counts by its own names', async () => {
    const counters = await readDriverStatistics(kernel, link.name);
    expect([...(counters?.keys() ?? [])]).toEqual(expect.arrayContaining(['rx_packets', 'tx_queue_0_bytes']));
  });

  test('comes up with 1000 Mbit/s, full duplex', async () => {
    await expect
      .poll(async () => readLinkSettings(session.generic, link.ifIndex), { timeout: timeoutMs })
      .toMatchObject({ linkDetected: true, speedMbps: 1000, duplex: 'full', portType: 'twisted-pair' });
    const all = await listLinkSettings(session.generic);
    expect(all.get(link.ifIndex)).toEqual(await readLinkSettings(session.generic, link.ifIndex));
  });
});
