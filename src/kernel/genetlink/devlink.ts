// Owns what devlink says of a device and its ports, its firmware versions and health, and the eswitch mode.
// Parameters are in devlink-parameters.ts, numbers and layouts in devlink-attributes.ts.
// Source: Documentation/networking/devlink/ and include/uapi/linux/devlink.h.

import { VfleetError } from '../../base/errors.ts';
import { present } from '../../base/present.ts';
import { encodeAttributes } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import {
  DEVLINK_CMD_ESWITCH_GET,
  DEVLINK_CMD_ESWITCH_SET,
  DEVLINK_CMD_GET,
  DEVLINK_CMD_HEALTH_REPORTER_GET,
  DEVLINK_CMD_INFO_GET,
  DEVLINK_CMD_PORT_GET,
  DEVLINK_GENL_NAME,
  devlinkTable,
  eswitchModes,
  portFlavours,
  reporterStates,
} from './devlink-attributes.ts';
import { absence, askDevlink, dumpDevlink, nameOf } from './devlink-request.ts';
import type { AddressedAttributes, DevlinkAttributes, DevlinkDevice } from './devlink-request.ts';
import { genlRequest, readFamily } from './family.ts';

export type EswitchMode = (typeof eswitchModes)[number];

/** Firmware and hardware versions by component name, in the driver's words. */
export interface DevlinkInfo {
  readonly driver?: string;
  readonly serialNumber?: string;
  readonly boardSerialNumber?: string;
  readonly versions: {
    /** Cannot change. */
    readonly fixed: Readonly<Record<string, string>>;
    /** Active now. */
    readonly running: Readonly<Record<string, string>>;
    /** In flash; active after a reset. */
    readonly stored: Readonly<Record<string, string>>;
  };
}

export interface DevlinkPort extends DevlinkDevice {
  readonly index: number;
  /** A word of devlink(8) (`physical`, `pcivf`), or `flavour N` for one that is newer than this program. */
  readonly flavour: string;
  readonly netdev?: string;
  readonly ifIndex?: number;
  readonly pfNumber?: number;
  /** Index of the VF that the port stands for. */
  readonly vfIndex?: number;
  /** Number of the physical port on the card. */
  readonly portNumber?: number;
  /** Host behind a smart NIC that the function belongs to; 0 is the NIC's own. */
  readonly controllerNumber?: number;
  readonly external?: boolean;
}

export interface DevlinkHealthReporter extends DevlinkDevice {
  readonly name: string;
  /** Port the reporter belongs to, absent for one of the device. */
  readonly portIndex?: number;
  readonly state: (typeof reporterStates)[number];
  readonly errorCount: number;
  readonly recoverCount: number;
}

/** Devices with devlink in our network namespace; none when the kernel has no devlink. */
export async function listDevlinkDevices(client: NetlinkClient): Promise<DevlinkDevice[]> {
  const found = await dumpDevlink(client, 'GET', DEVLINK_CMD_GET);
  return found.map(({ bus, device }) => ({ bus, device }));
}

/** Driver, serial number and versions. Undefined without devlink or when the driver does not tell. */
export async function readDevlinkInfo(
  client: NetlinkClient,
  device: DevlinkDevice,
): Promise<DevlinkInfo | undefined> {
  const attributes = await askDevlink(client, device, 'INFO_GET', DEVLINK_CMD_INFO_GET);
  return attributes === undefined ? undefined : infoOf(attributes);
}

export function infoOf(attributes: DevlinkAttributes): DevlinkInfo {
  return present({
    driver: attributes.driver,
    serialNumber: attributes.serialNumber,
    boardSerialNumber: attributes.boardSerialNumber,
    versions: {
      fixed: versionsOf(attributes.fixedVersion),
      running: versionsOf(attributes.runningVersion),
      stored: versionsOf(attributes.storedVersion),
    },
  });
}

function versionsOf(versions: readonly { name?: string; value?: string }[] = []): Record<string, string> {
  return Object.fromEntries(
    versions.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value ?? '']])),
  );
}

/**
 * The eswitch mode. Undefined without devlink, when the driver has no eswitch, in a mode that is newer than this
 * program, and on EPERM: the kernel shows the mode only with CAP_NET_ADMIN, and older mlx5 drivers refuse so for
 * functions that do not manage the eswitch (eswitch_offloads.c, mlx5_devlink_eswitch_check).
 */
export async function readEswitchMode(
  client: NetlinkClient,
  device: DevlinkDevice,
): Promise<EswitchMode | undefined> {
  const attributes = await askDevlink(client, device, 'ESWITCH_GET', DEVLINK_CMD_ESWITCH_GET, [
    ...absence,
    'EPERM',
  ]);
  return attributes?.eswitchMode === undefined ? undefined : eswitchModes[attributes.eswitchMode];
}

/**
 * Sets the eswitch mode. The driver tears its interfaces down and makes them anew, which can take a minute.
 * Throws `kernel.absent` when the kernel has no devlink, `kernel.refused` (EOPNOTSUPP: the driver has no eswitch;
 * ENODEV: no such device), `kernel.timeout`.
 */
export async function setEswitchMode(
  client: NetlinkClient,
  device: DevlinkDevice,
  mode: EswitchMode,
  options: { timeoutMs?: number } = {},
): Promise<void> {
  const family = await readFamily(client, DEVLINK_GENL_NAME);
  if (family === undefined)
    throw new VfleetError('kernel.absent', `${nameOf(device)}: this kernel has no devlink`);
  await genlRequest(client, family, {
    operation: `devlink ESWITCH_SET ${nameOf(device)} ${mode}`,
    command: DEVLINK_CMD_ESWITCH_SET,
    attributes: encodeAttributes(devlinkTable, {
      bus: device.bus,
      device: device.device,
      eswitchMode: eswitchModes.indexOf(mode),
    }),
    timeoutMs: options.timeoutMs,
  });
}

/** Ports of one device, or of all devices. In switchdev mode a port of flavour `pcivf` leads to a VF's representor. */
export async function listDevlinkPorts(
  client: NetlinkClient,
  device?: DevlinkDevice,
): Promise<DevlinkPort[]> {
  const found = await dumpDevlink(client, 'PORT_GET', DEVLINK_CMD_PORT_GET, device);
  return found.map(portOf);
}

export function portOf(attributes: AddressedAttributes): DevlinkPort {
  const { bus, device, portIndex, portFlavour, portExternal } = attributes;
  if (portIndex === undefined)
    throw new VfleetError('kernel.malformed', `a devlink port of ${nameOf(attributes)} has no index`);
  // Kernels before 4.18 know no flavours; their ports are physical ones.
  const flavour = portFlavours[portFlavour ?? 0] ?? `flavour ${portFlavour}`;
  return present({
    bus,
    device,
    index: portIndex,
    flavour,
    netdev: attributes.portNetdevName,
    ifIndex: attributes.portNetdevIfIndex,
    pfNumber: attributes.pfNumber,
    vfIndex: attributes.vfNumber,
    portNumber: attributes.portNumber,
    controllerNumber: attributes.portControllerNumber,
    external: portExternal === undefined ? undefined : portExternal !== 0,
  });
}

/** Health reporters of one device and its ports, or of all devices. A count is of events since the driver was loaded. */
export async function listHealthReporters(
  client: NetlinkClient,
  device?: DevlinkDevice,
): Promise<DevlinkHealthReporter[]> {
  const found = await dumpDevlink(client, 'HEALTH_REPORTER_GET', DEVLINK_CMD_HEALTH_REPORTER_GET, device);
  return found.map(reporterOf);
}

export function reporterOf(attributes: AddressedAttributes): DevlinkHealthReporter {
  const { name, state, errorCount, recoverCount } = attributes.healthReporter ?? {};
  if (name === undefined)
    throw new VfleetError('kernel.malformed', `a health reporter of ${nameOf(attributes)} has no name`);
  return present({
    bus: attributes.bus,
    device: attributes.device,
    name,
    portIndex: attributes.portIndex,
    // Anything but healthy is worth a look.
    state: state === 0 ? reporterStates[0] : reporterStates[1],
    errorCount: errorCount ?? 0,
    recoverCount: recoverCount ?? 0,
  });
}
