// Owns devlink's parameters: settings of a driver or its firmware with one value per configuration mode.
// Reads only. Source: Documentation/networking/devlink/devlink-params.rst, net/devlink/param.c.

import { VfleetError } from '../../base/errors.ts';
import { present } from '../../base/present.ts';
import { text, u16, u32, u64, u8 } from '../netlink/attributes.ts';
import type { AttributesOf } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import { configurationModes, DEVLINK_CMD_PARAM_GET } from './devlink-attributes.ts';
import type { parameterTable } from './devlink-attributes.ts';
import { dumpDevlink } from './devlink-request.ts';
import type { DevlinkDevice } from './devlink-request.ts';

export type ParameterType = 'u8' | 'u16' | 'u32' | 'u64' | 'string' | 'flag';

export interface DevlinkParameter extends DevlinkDevice {
  readonly name: string;
  /** One that several drivers share, described in devlink-params.rst; otherwise the driver's own. */
  readonly generic: boolean;
  /** Absent for a type that is newer than this program; its values are shown in hex. */
  readonly type?: ParameterType;
  /**
   * Value as text by configuration mode: `runtime` (now), `driverinit` (at the next reload), `permanent` (in the
   * card, after the next reset), or `mode N` for a newer one. A flag is `true` or `false`.
   */
  readonly values: Readonly<Record<string, string>>;
}

export type ParameterAttributes = AttributesOf<typeof parameterTable>;

/** Values of DEVLINK_ATTR_PARAM_TYPE: the kernel's own NLA_* numbers (include/net/netlink.h). */
const typeNumbers: Readonly<Record<ParameterType, number>> = {
  u8: 1,
  u16: 2,
  u32: 3,
  u64: 4,
  string: 5,
  flag: 6,
};
const integerCodecs = { u8, u16, u32, u64 } as const;

function typeOf(value: number | undefined): ParameterType | undefined {
  return (Object.keys(typeNumbers) as ParameterType[]).find((type) => typeNumbers[type] === value);
}

function valueText(type: ParameterType | undefined, data: Uint8Array | undefined): string {
  if (type === 'flag') return String(data !== undefined);
  if (data === undefined) return '';
  if (type === undefined) return Buffer.from(data).toString('hex');
  return type === 'string' ? text.decode(data) : String(integerCodecs[type].decode(data));
}

function valueBytes(type: ParameterType | undefined, value: string): Uint8Array | undefined {
  if (type === 'flag') return value === 'true' ? new Uint8Array(0) : undefined;
  if (type === undefined) return Buffer.from(value, 'hex');
  return type === 'string' ? text.encode(value) : integerCodecs[type].encode(Number(value));
}

/** What DEVLINK_ATTR_PARAM says. Throws `kernel.malformed` when it has no name or a value is shorter than its type. */
export function parameterOf(device: DevlinkDevice, attributes: ParameterAttributes): DevlinkParameter {
  const { name, generic, values } = attributes;
  if (name === undefined) {
    throw new VfleetError(
      'kernel.malformed',
      `a devlink parameter of ${device.bus}/${device.device} has no name`,
    );
  }
  const type = typeOf(attributes.type);
  const texts = (values?.value ?? []).map(({ mode = 0, data }) => [
    configurationModes[mode] ?? `mode ${mode}`,
    valueText(type, data),
  ]);
  return present({
    bus: device.bus,
    device: device.device,
    name,
    generic: generic === true,
    type,
    values: Object.fromEntries(texts) as Record<string, string>,
  });
}

/** DEVLINK_ATTR_PARAM for a parameter of a known type, for the simulated host. */
export function parameterAttributesOf(parameter: DevlinkParameter): ParameterAttributes {
  const { name, generic, type, values } = parameter;
  return present({
    name,
    generic: generic ? generic : undefined,
    type: type === undefined ? undefined : typeNumbers[type],
    values: {
      value: Object.entries(values).map(([mode, value]) =>
        present({ data: valueBytes(type, value), mode: modeNumber(mode) }),
      ),
    },
  });
}

function modeNumber(mode: string): number {
  const known = (configurationModes as readonly string[]).indexOf(mode);
  return known < 0 ? Number(mode.replace('mode ', '')) : known;
}

/** Parameters of one device, or of all devices; none without devlink. Some drivers ask their firmware for each value. */
export async function listDevlinkParameters(
  client: NetlinkClient,
  device?: DevlinkDevice,
): Promise<DevlinkParameter[]> {
  const found = await dumpDevlink(client, 'PARAM_GET', DEVLINK_CMD_PARAM_GET, device);
  return found.map((attributes) => parameterOf(attributes, attributes.parameter ?? {}));
}
