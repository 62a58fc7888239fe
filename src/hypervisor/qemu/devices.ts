// Owns what is asked of a running QEMU about devices: where there is room for one, plugging one in, taking it away.
// Reads QEMU's object tree (QOM): unlike query-pci it knows a port's device also before the guest numbered its buses.

import { VfleetError } from '../../base/errors.ts';
import type { PciAddress } from '../../base/identifiers.ts';
import { parsePciAddress } from '../../base/identifiers.ts';
import type { QmpClient } from './qmp.ts';
import { defaultTimeoutMs, refusalOf } from './qmp.ts';
import { isObject } from './qmp-message.ts';

/** Where QEMU keeps the devices that have an id (qdev_set_id, system/qdev-monitor.c). */
const devicesPath = '/machine/peripheral';
/** Ports that take one device each while the machine runs. */
const portTypes: ReadonlySet<string> = new Set(['pcie-root-port', 'ioh3420', 'xio3130-downstream']);
/** QEMU pins all memory of the VM for a vfio device before it answers: about a second for each 10 GB. */
export const plugTimeoutMs = 180_000;

export interface HotplugPort {
  /** Name of its bus, to be used as `bus=`: the id of the port. */
  readonly bus: string;
  /** Type of the device in it; undefined when there is room. */
  readonly device: string | undefined;
  /** False for a port that was made with `hotplug=off`. */
  readonly canHotplug: boolean;
}

interface QomMember {
  readonly name: string;
  readonly type: string;
}

/** Ports of the machine that have an id, in the order of their names. One without an id cannot be named as a bus. */
export async function listHotplugPorts(qmp: QmpClient): Promise<readonly HotplugPort[]> {
  const ports: HotplugPort[] = [];
  for (const { name, type } of await listMembers(qmp, devicesPath)) {
    if (!portTypes.has(innerType(type, 'child') ?? '')) continue;
    const path = `${devicesPath}/${name}`;
    const bus = (await listMembers(qmp, path)).find((each) => innerType(each.type, 'child') === 'PCIE');
    if (bus === undefined) continue;
    const members = await listMembers(qmp, `${path}/${bus.name}`);
    const used = members.find((each) => each.name.startsWith('child['));
    const hotplug = await readProperty(qmp, path, 'hotplug');
    ports.push({
      bus: bus.name,
      device: used === undefined ? undefined : (innerType(used.type, 'link') ?? used.type),
      // Before QEMU 5.0 there was no switch.
      canHotplug: hotplug !== false,
    });
  }
  return ports.sort((a, b) => a.bus.localeCompare(b.bus, 'en', { numeric: true }));
}

/** A port with room for a device. Throws `vf.unavailable` with what there is and what to do when there is none. */
export async function findFreePort(qmp: QmpClient): Promise<string> {
  const ports = await listHotplugPorts(qmp);
  const free = ports.find(({ device, canHotplug }) => device === undefined && canHotplug);
  if (free !== undefined) return free.bus;
  const used = ports.filter(({ device }) => device !== undefined).length;
  const fixed = ports.length - used;
  const what =
    ports.length === 0
      ? 'the VM has no pcie-root-port with an id'
      : `the VM has no free pcie-root-port: ${used} in use${fixed === 0 ? '' : `, ${fixed} with hotplug=off`}`;
  throw new VfleetError('vf.unavailable', what, {
    hint: 'Ports cannot be added while a VM runs: start it with more -device pcie-root-port,id=rp1,chassis=1,slot=1, or name a bus with --bus.',
  });
}

/** Devices of the host that the machine has through vfio, those with an id: id and PCI address on the host. */
export async function listVfioDevices(
  qmp: QmpClient,
): Promise<readonly { readonly id: string; readonly hostAddress: PciAddress }[]> {
  const devices: { id: string; hostAddress: PciAddress }[] = [];
  for (const { name, type } of await listMembers(qmp, devicesPath)) {
    if (innerType(type, 'child')?.startsWith('vfio-pci') !== true) continue;
    const host = await readProperty(qmp, `${devicesPath}/${name}`, 'host');
    const hostAddress = typeof host === 'string' ? parsePciAddress(host) : undefined;
    if (hostAddress !== undefined) devices.push({ id: name, hostAddress });
  }
  return devices;
}

/** Name of the VM (`-name`); undefined when it was given none. */
export async function readVmName(qmp: QmpClient): Promise<string | undefined> {
  const answer = await qmp.execute('query-name');
  const name = isObject(answer) ? answer['name'] : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** Whether the machine has a device of this id, one that waits for its guest to let go included. */
export async function hasDevice(qmp: QmpClient, id: string): Promise<boolean> {
  return (await listMembers(qmp, devicesPath)).some(({ name }) => name === id);
}

/**
 * Plugs a device in and looks whether it is there and works (`realized`). `properties` are those of the driver. Throws
 * `hypervisor.refused` with QEMU's words; the machine is then as it was.
 */
export async function plugDevice(
  qmp: QmpClient,
  device: {
    readonly driver: string;
    readonly id: string;
    readonly bus: string;
    readonly properties: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { driver, id, bus, properties } = device;
  await qmp.execute('device_add', { ...properties, driver, id, bus }, plugTimeoutMs);
  if ((await readProperty(qmp, `${devicesPath}/${id}`, 'realized')) === true) return;
  throw new VfleetError('hypervisor.refused', `QEMU took device ${id} and does not show it`, {
    details: { operation: 'device_add' },
  });
}

/**
 * Takes a device away and waits until its guest has let go of it; one that is not there is a success. Throws
 * `hypervisor.timeout` when the guest does not within `timeoutMs` (the request stays: the device may go later), and
 * `hypervisor.refused` when it says that it will not.
 */
export async function unplugDevice(qmp: QmpClient, id: string, timeoutMs: number): Promise<void> {
  const answer = qmp.expect(
    ({ name, data }) =>
      data['device'] === id &&
      // DEVICE_UNPLUG_GUEST_ERROR since QEMU 6.2 (qapi/qdev.json).
      (name === 'DEVICE_DELETED' || name === 'DEVICE_UNPLUG_GUEST_ERROR'),
  );
  try {
    if (!(await hasDevice(qmp, id))) return;
    await askToUnplug(qmp, id);
    const event = await answer.within(timeoutMs);
    if (event?.name === 'DEVICE_DELETED') return;
    // An event may be lost between two monitors; the tree says what is.
    if (!(await hasDevice(qmp, id))) return;
    if (event !== undefined) {
      throw new VfleetError('hypervisor.refused', `the guest refuses to let go of device ${id}`);
    }
    throw new VfleetError(
      'hypervisor.timeout',
      `the guest has not let go of device ${id} after ${timeoutMs / 1000} s`,
      {
        hint: 'A guest that is paused, still boots or has no hotplug driver does not answer. Try again, or shut it down.',
        details: { operation: 'device_del' },
      },
    );
  } finally {
    answer.stop();
  }
}

/** A request that was made before and is not answered yet is as good as ours. */
async function askToUnplug(qmp: QmpClient, id: string): Promise<void> {
  try {
    await qmp.execute('device_del', { id }, defaultTimeoutMs);
  } catch (error) {
    const { errorClass, description } = refusalOf(error) ?? {};
    const isGone = errorClass === 'DeviceNotFound';
    const isUnderWay = description?.includes('already in the process of unplug') === true;
    if (!isGone && !isUnderWay) throw error;
  }
}

/** Members of an object; none when it is not there. Throws `hypervisor.malformed` for another answer than QEMU's. */
async function listMembers(qmp: QmpClient, path: string): Promise<readonly QomMember[]> {
  let answer: unknown;
  try {
    answer = await qmp.execute('qom-list', { path });
  } catch (error) {
    if (refusalOf(error)?.errorClass === 'DeviceNotFound') return [];
    throw error;
  }
  if (!Array.isArray(answer) || !answer.every(isMember)) {
    throw new VfleetError('hypervisor.malformed', `QMP: qom-list ${path} returned no list of members`);
  }
  return answer;
}

function isMember(value: unknown): value is QomMember {
  return isObject(value) && typeof value['name'] === 'string' && typeof value['type'] === 'string';
}

/** A property of an object; undefined when there is no such property or object. */
async function readProperty(qmp: QmpClient, path: string, property: string): Promise<unknown> {
  try {
    return await qmp.execute('qom-get', { path, property });
  } catch (error) {
    if (refusalOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** `child<pcie-root-port>` → `pcie-root-port`. */
function innerType(type: string, kind: 'child' | 'link'): string | undefined {
  return type.startsWith(`${kind}<`) && type.endsWith('>') ? type.slice(kind.length + 1, -1) : undefined;
}
