// Owns a kernel with one generic netlink family whose answers a test gives by command. For tests only.

import { encodeAcknowledgement, NLM_F_DUMP, NLMSG_DONE, NLMSG_ERROR } from '../netlink/message.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import { answerTo, ScriptedTransport } from '../netlink/replay.fixture.ts';
import {
  CTRL_CMD_NEWFAMILY,
  decodeGenlMessage,
  encodeFamily,
  encodeGenlMessage,
  GENL_ID_CTRL,
} from './family.ts';

const familyId = 40;
const EOPNOTSUPP = 95;

/** Attributes of each message of the answer to a command, or the errno it is refused with. Without one: EOPNOTSUPP. */
export type AnswersByCommand = Readonly<Record<number, readonly Uint8Array[] | number>>;

export function acknowledge(request: NetlinkMessage, errno = 0): Uint8Array {
  return answerTo(request, { type: NLMSG_ERROR, ...encodeAcknowledgement(request, { errno }) });
}

export function genlAnswer(
  request: NetlinkMessage,
  type: number,
  command: number,
  attributes: Uint8Array,
): Uint8Array {
  return answerTo(request, { type, payload: encodeGenlMessage({ command, version: 1, attributes }) });
}

/** The socket of a kernel that has one family. */
export function kernelWithFamily(name: string, answers: AnswersByCommand): ScriptedTransport {
  const family = encodeFamily({ name, id: familyId, version: 1, groups: new Map() });
  return new ScriptedTransport((request) => {
    if (request.type === GENL_ID_CTRL)
      return [genlAnswer(request, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, family), acknowledge(request)];
    const { command } = decodeGenlMessage(request.payload);
    const answer = answers[command] ?? EOPNOTSUPP;
    if (typeof answer === 'number') return [acknowledge(request, answer)];
    const isDump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP;
    return [
      ...answer.map((attributes) => genlAnswer(request, familyId, command, attributes)),
      isDump ? answerTo(request, { type: NLMSG_DONE }) : acknowledge(request),
    ];
  });
}
