// Owns data center bridging on a simulated host: which priorities have flow control (net/dcb/dcbnl.c dcb_doit).

import { decodeAttributes } from '../../kernel/netlink/attributes.ts';
import {
  DCB_CMD_IEEE_GET,
  dcbmsgBytes,
  dcbTable,
  encodeFlowControl,
  RTM_GETDCB,
} from '../../kernel/rtnetlink/dcb.ts';
import type { SimHost } from '../host.ts';
import { findLink } from '../links.ts';
import { refuse } from './answer.ts';
import type { Answer } from './answer.ts';

/** Answers an RTM_GETDCB. The kernel looks for the interface by name alone. */
export function answerDcb(host: SimHost, netns: number, payload: Uint8Array): Answer {
  if (payload.byteLength < dcbmsgBytes) return refuse('EINVAL');
  if (payload[1] !== DCB_CMD_IEEE_GET) return refuse('EOPNOTSUPP');
  const { ifName } = decodeAttributes(dcbTable, payload.subarray(dcbmsgBytes));
  if (ifName === undefined) return refuse('EINVAL');
  const link = findLink(host, netns, 0, ifName);
  if (link === undefined) return refuse('ENODEV');
  const priorities = link.role === 'pf' ? link.profile.flowControlPriorities : undefined;
  if (priorities === undefined) return refuse('EOPNOTSUPP');
  return { kind: 'done', replies: [{ type: RTM_GETDCB, payload: encodeFlowControl(ifName, priorities) }] };
}
