// Owns generic netlink's frame (struct genlmsghdr) and the controller that knows which families there are.
// Knows no family besides the controller; devlink.ts and the ethtool folder do.

import { VfleetError } from '../../base/errors.ts';
import {
  concatBytes,
  decodeAttributes,
  encodeAttributes,
  nested,
  numbered,
  text,
  u16,
  u32,
} from '../netlink/attributes.ts';
import type { AttributeTable } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import { undefinedWhenRefused } from './absence.ts';

// include/uapi/linux/genetlink.h
export const GENL_ID_CTRL = 0x10;
export const CTRL_CMD_NEWFAMILY = 1;
export const CTRL_CMD_GETFAMILY = 3;
/** struct genlmsghdr: command (8), version (8), reserved (16). */
const genlHeaderBytes = 4;
/** The controller takes any version; 1 is what kernels before 3.x knew. */
const controllerVersion = 1;

const groupTable = {
  name: { type: 1, codec: text },
  id: { type: 2, codec: u32 },
} as const satisfies AttributeTable;

/** CTRL_ATTR_*, include/uapi/linux/genetlink.h. The controller's nests carry no NLA_F_NESTED. */
export const controllerTable = {
  familyId: { type: 1, codec: u16 },
  familyName: { type: 2, codec: text },
  version: { type: 3, codec: u32 },
  groups: {
    type: 7,
    codec: numbered(nested(groupTable, { flagged: false }), { flagged: false }),
  },
} as const satisfies AttributeTable;

/** A family of this kernel; the id is given out at boot or when a module is loaded. */
export interface GenlFamily {
  readonly name: string;
  readonly id: number;
  readonly version: number;
  /** Multicast groups by name, for NetlinkTransport.joinGroup. */
  readonly groups: ReadonlyMap<string, number>;
}

/** A generic netlink message without the netlink header. */
export interface GenlMessage {
  readonly command: number;
  readonly version: number;
  readonly attributes: Uint8Array;
}

/** Payload of a netlink message: genlmsghdr and attributes. */
export function encodeGenlMessage(message: GenlMessage): Uint8Array {
  return concatBytes([Uint8Array.of(message.command, message.version, 0, 0), message.attributes]);
}

/** Reads the payload of a netlink message. Throws `kernel.malformed` when it has no whole header. */
export function decodeGenlMessage(payload: Uint8Array): GenlMessage {
  const [command, version] = payload;
  if (command === undefined || version === undefined || payload.byteLength < genlHeaderBytes) {
    throw new VfleetError(
      'kernel.malformed',
      `a generic netlink message of ${payload.byteLength} bytes has no header`,
    );
  }
  return { command, version, attributes: payload.subarray(genlHeaderBytes) };
}

/** Reads the attributes of CTRL_CMD_NEWFAMILY. Throws `kernel.malformed`. */
export function decodeFamily(attributes: Uint8Array): GenlFamily {
  const { familyId, familyName, version, groups = [] } = decodeAttributes(controllerTable, attributes);
  if (familyId === undefined || familyName === undefined)
    throw new VfleetError('kernel.malformed', 'a generic netlink family has no id or no name');
  const named = groups.flatMap(({ name, id }) =>
    name === undefined || id === undefined ? [] : [[name, id] as const],
  );
  return { name: familyName, id: familyId, version: version ?? 0, groups: new Map(named) };
}

/** Attributes of CTRL_CMD_NEWFAMILY, for the simulated host. */
export function encodeFamily(family: GenlFamily): Uint8Array {
  return encodeAttributes(controllerTable, {
    familyId: family.id,
    familyName: family.name,
    version: family.version,
    groups: Array.from(family.groups, ([name, id]) => ({ name, id })),
  });
}

interface GenlRequest {
  /** Name for errors, for example `devlink INFO_GET pci/0000:01:00.0`. */
  readonly operation: string;
  readonly command: number;
  readonly attributes: Uint8Array;
  readonly timeoutMs?: number | undefined;
}

function framed(family: Pick<GenlFamily, 'id' | 'version'>, request: GenlRequest) {
  const { operation, command, attributes, timeoutMs } = request;
  return {
    operation,
    type: family.id,
    payload: encodeGenlMessage({ command, version: family.version, attributes }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

function answersOf(family: Pick<GenlFamily, 'id'>, messages: readonly NetlinkMessage[]): GenlMessage[] {
  return messages.filter(({ type }) => type === family.id).map(({ payload }) => decodeGenlMessage(payload));
}

/** Sends one request of a family and gives back the answers. Throws as {@link NetlinkClient.request}. */
export async function genlRequest(
  client: NetlinkClient,
  family: Pick<GenlFamily, 'id' | 'version'>,
  request: GenlRequest,
): Promise<GenlMessage[]> {
  return answersOf(family, await client.request(framed(family, request)));
}

/** Reads a whole table of a family. Throws as {@link NetlinkClient.dump}. */
export async function genlDump(
  client: NetlinkClient,
  family: Pick<GenlFamily, 'id' | 'version'>,
  request: GenlRequest,
): Promise<GenlMessage[]> {
  return answersOf(family, await client.dump(framed(family, request)));
}

const familiesByClient = new WeakMap<NetlinkClient, Map<string, GenlFamily>>();

/**
 * Finds a family by name; the kernel loads its module when it can. Undefined when the kernel has none (ENOENT).
 * What was found is kept for the client; an absent family is asked for again, since its module may come later.
 * Throws `kernel.refused`, `kernel.malformed`.
 */
export async function readFamily(client: NetlinkClient, name: string): Promise<GenlFamily | undefined> {
  const known = familiesByClient.get(client)?.get(name);
  if (known !== undefined) return known;
  const answers = await undefinedWhenRefused(
    ['ENOENT'],
    genlRequest(
      client,
      { id: GENL_ID_CTRL, version: controllerVersion },
      {
        operation: `CTRL_CMD_GETFAMILY ${name}`,
        command: CTRL_CMD_GETFAMILY,
        attributes: encodeAttributes(controllerTable, { familyName: name }),
      },
    ),
  );
  if (answers === undefined) return undefined;
  const [answer] = answers;
  if (answer === undefined)
    throw new VfleetError('kernel.malformed', `CTRL_CMD_GETFAMILY ${name} was answered with nothing`);
  const family = decodeFamily(answer.attributes);
  const families = familiesByClient.get(client) ?? new Map<string, GenlFamily>();
  familiesByClient.set(client, families.set(name, family));
  return family;
}
