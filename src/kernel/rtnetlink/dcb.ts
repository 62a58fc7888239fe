// Owns the request for a port's priority flow control (IEEE 802.1Qbb) by dcbnl, the kernel's data center bridging.
// Source of numbers and layouts: include/uapi/linux/dcbnl.h; net/dcb/dcbnl.c. Reads only.

import { undefinedWhenRefused } from '../genetlink/absence.ts';
import {
  binary,
  concatBytes,
  decodeAttributes,
  encodeAttributes,
  nested,
  text,
} from '../netlink/attributes.ts';
import type { AttributeTable } from '../netlink/attributes.ts';
import type { NetlinkClient } from '../netlink/client.ts';

export const RTM_GETDCB = 78;
export const DCB_CMD_IEEE_GET = 21;
/** struct dcbmsg: family, command (8 bits each), pad (16). */
export const dcbmsgBytes = 4;

const ieeeTable = { pfc: { type: 2, codec: binary } } as const satisfies AttributeTable;

/** Attributes that vfleet reads or writes: DCB_ATTR_IFNAME, DCB_ATTR_IEEE with DCB_ATTR_IEEE_PFC. */
export const dcbTable = {
  ifName: { type: 1, codec: text },
  ieee: { type: 13, codec: nested(ieeeTable, { flagged: false }) },
} as const satisfies AttributeTable;

/** struct ieee_pfc: pfc_cap, pfc_en and mbc (8 bits each), delay (16), and counters behind. */
export const ieeePfcBytes = 136;
const pfcEnabledOffset = 1;
const priorities = [0, 1, 2, 3, 4, 5, 6, 7];
/** The driver has no DCB, or the kernel has none at all. */
const absence = ['EOPNOTSUPP'];

/** Bytes of struct dcbmsg. */
export function encodeDcbHeader(command: number): Uint8Array {
  return Uint8Array.of(0, command, 0, 0);
}

/**
 * Priorities, 0 to 7 in rising order, for which the port pauses instead of dropping; empty when flow control is for
 * none. Undefined when the driver, or the kernel, has no data center bridging or does not tell. Throws `kernel.refused`
 * (ENODEV: no such interface), `kernel.malformed`.
 */
export async function readFlowControlPriorities(
  client: NetlinkClient,
  ifName: string,
): Promise<number[] | undefined> {
  const answers = await undefinedWhenRefused(
    absence,
    client.request({
      operation: `RTM_GETDCB ${ifName}`,
      type: RTM_GETDCB,
      payload: concatBytes([encodeDcbHeader(DCB_CMD_IEEE_GET), encodeAttributes(dcbTable, { ifName })]),
    }),
  );
  const answer = answers?.find(({ type }) => type === RTM_GETDCB);
  return answer === undefined ? undefined : decodeFlowControl(answer.payload);
}

/** Priorities in the payload of an answer; undefined when it has no struct ieee_pfc. Throws `kernel.malformed`. */
export function decodeFlowControl(payload: Uint8Array): number[] | undefined {
  const { ieee } = decodeAttributes(dcbTable, payload.subarray(dcbmsgBytes));
  const enabled = ieee?.pfc?.[pfcEnabledOffset];
  return enabled === undefined ? undefined : priorities.filter((priority) => (enabled >> priority) & 1);
}

/** The payload of an answer, for the simulated host. */
export function encodeFlowControl(ifName: string, enabled: readonly number[]): Uint8Array {
  const pfc = new Uint8Array(ieeePfcBytes);
  pfc[0] = priorities.length;
  pfc[pfcEnabledOffset] = enabled.reduce((bits, priority) => bits | (1 << priority), 0);
  return concatBytes([
    encodeDcbHeader(DCB_CMD_IEEE_GET),
    encodeAttributes(dcbTable, { ifName, ieee: { pfc } }),
  ]);
}
