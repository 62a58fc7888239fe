// Owns how devlink is asked: about one device or all of them, and which refusals mean that there is nothing to tell.
// Knows no single message; devlink.ts and devlink-parameters.ts do.

import { VfleetError } from '../../base/errors.ts';
import { decodeAttributes, encodeAttributes } from '../netlink/attributes.ts';
import type { AttributesOf } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import { undefinedWhenRefused } from './absence.ts';
import { DEVLINK_GENL_NAME, devlinkTable } from './devlink-attributes.ts';
import { genlDump, genlRequest, readFamily } from './family.ts';

/** A device as devlink names it: (`pci`, `0000:01:00.0`) or (`netdevsim`, `netdevsim1`). */
export interface DevlinkDevice {
  readonly bus: string;
  readonly device: string;
}

export type DevlinkAttributes = AttributesOf<typeof devlinkTable>;
/** Attributes of an answer that says which device it is about. */
export type AddressedAttributes = DevlinkAttributes & DevlinkDevice;

/** Refusals that mean absence: the driver lacks the operation, or the device has no devlink (any more). */
export const absence: readonly string[] = ['EOPNOTSUPP', 'ENODEV'];

export function nameOf({ bus, device }: DevlinkDevice): string {
  return `${bus}/${device}`;
}

/**
 * Asks about one device. Undefined when it, or devlink itself, or the operation is not there, or on any other refusal
 * that the caller counts as absence. Throws `kernel.refused`, `kernel.malformed`.
 */
export async function askDevlink(
  client: NetlinkClient,
  device: DevlinkDevice,
  name: string,
  command: number,
  absentErrnos: readonly string[] = absence,
): Promise<DevlinkAttributes | undefined> {
  const family = await readFamily(client, DEVLINK_GENL_NAME);
  if (family === undefined) return undefined;
  const operation = `devlink ${name} ${nameOf(device)}`;
  const attributes = encodeAttributes(devlinkTable, { bus: device.bus, device: device.device });
  const answers = await undefinedWhenRefused(
    absentErrnos,
    genlRequest(client, family, { operation, command, attributes }),
  );
  if (answers === undefined) return undefined;
  const [answer] = answers;
  if (answer === undefined)
    throw new VfleetError('kernel.malformed', `${operation} was answered with nothing`);
  return decodeAttributes(devlinkTable, answer.attributes);
}

/**
 * Reads a table of devlink, of one device or of all. Kernels before 6.6 give the whole table whatever is asked, so the
 * answers are sifted here as well.
 */
export async function dumpDevlink(
  client: NetlinkClient,
  name: string,
  command: number,
  device?: DevlinkDevice,
): Promise<AddressedAttributes[]> {
  const family = await readFamily(client, DEVLINK_GENL_NAME);
  if (family === undefined) return [];
  const asked = device === undefined ? {} : { bus: device.bus, device: device.device };
  const answers = await undefinedWhenRefused(
    absence,
    genlDump(client, family, {
      operation: `devlink ${name}${device === undefined ? '' : ` ${nameOf(device)}`}`,
      command,
      attributes: encodeAttributes(devlinkTable, asked),
    }),
  );
  return (answers ?? [])
    .map((answer) => addressed(decodeAttributes(devlinkTable, answer.attributes)))
    .filter((found) => device === undefined || nameOf(found) === nameOf(device));
}

function addressed(attributes: DevlinkAttributes): AddressedAttributes {
  const { bus, device } = attributes;
  if (bus === undefined || device === undefined)
    throw new VfleetError('kernel.malformed', 'a devlink message names no device');
  return { ...attributes, bus, device };
}
