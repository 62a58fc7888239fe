// Owns what a request on a simulated netlink socket can be answered with, and how that becomes datagrams.
// Framing as in net/netlink/af_netlink.c (netlink_rcv_skb, netlink_ack, netlink_dump) with extended and capped acks.

import { errnoNumberOf } from '../../kernel/errno-table.ts';
import { concatBytes } from '../../kernel/netlink/attributes.ts';
import {
  encodeAcknowledgement,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
} from '../../kernel/netlink/message.ts';
import type { NetlinkMessage } from '../../kernel/netlink/message.ts';

export interface Reply {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** A refusal: errno name, and the kernel's own words. */
export interface Refusal {
  readonly errno: string;
  readonly message?: string | undefined;
}

export type Answer =
  | { readonly kind: 'done'; readonly replies: readonly Reply[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'dump'; readonly replies: readonly Reply[]; readonly interrupted: boolean };

export const acknowledged: Answer = { kind: 'done', replies: [] };

export function refuse(errno: string, message?: string): Answer {
  return { kind: 'refused', refusal: message === undefined ? { errno } : { errno, message } };
}

const NLM_F_MULTI = 0x2;
/** The kernel's first datagram of a dump is about a page, the others as large as the reader's buffer, up to 32 KiB. */
const firstDumpBytes = 3712;
const laterDumpBytes = 32_384;
const unknownErrno = 5;

/** The datagrams of an answer, in order. */
export function datagramsOf(request: NetlinkMessage, answer: Answer, portId: number): Uint8Array[] {
  const { sequence } = request;
  if (answer.kind === 'dump') return dumpDatagrams(answer, sequence, portId);
  if (answer.kind === 'refused') return [acknowledgement(request, portId, answer.refusal)];
  const replies = answer.replies.map(({ type, payload }) =>
    encodeMessage({ type, flags: 0, sequence, portId, payload }),
  );
  return (request.flags & NLM_F_ACK) === 0 ? replies : [...replies, acknowledgement(request, portId)];
}

function acknowledgement(request: NetlinkMessage, portId: number, refusal?: Refusal): Uint8Array {
  const errno = refusal === undefined ? 0 : (errnoNumberOf(refusal.errno) ?? unknownErrno);
  const kernelMessage = refusal?.message;
  const { flags, payload } = encodeAcknowledgement(
    request,
    kernelMessage === undefined ? { errno } : { errno, kernelMessage },
  );
  return encodeMessage({ type: NLMSG_ERROR, flags, sequence: request.sequence, portId, payload });
}

function dumpDatagrams(
  dump: Extract<Answer, { kind: 'dump' }>,
  sequence: number,
  portId: number,
): Uint8Array[] {
  const flags = NLM_F_MULTI | (dump.interrupted ? NLM_F_DUMP_INTR : 0);
  const datagrams: Uint8Array[] = [];
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const flush = (): void => {
    if (pending.length > 0) datagrams.push(concatBytes(pending));
    pending = [];
    pendingBytes = 0;
  };
  for (const { type, payload } of dump.replies) {
    const message = aligned(encodeMessage({ type, flags, sequence, portId, payload }));
    const roomBytes = datagrams.length === 0 ? firstDumpBytes : laterDumpBytes;
    // A message that is larger than a datagram gets one of its own size (rtnl_calcit).
    if (pendingBytes > 0 && pendingBytes + message.byteLength > roomBytes) flush();
    pending.push(message);
    pendingBytes += message.byteLength;
  }
  flush();
  datagrams.push(encodeMessage({ type: NLMSG_DONE, flags, sequence, portId, payload: new Uint8Array(4) }));
  return datagrams;
}

/** A message with its padding: the next one begins at a multiple of four. */
function aligned(message: Uint8Array): Uint8Array {
  const rest = message.byteLength % 4;
  return rest === 0 ? message : concatBytes([message, new Uint8Array(4 - rest)]);
}
