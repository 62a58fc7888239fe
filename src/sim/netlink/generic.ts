// Owns generic netlink on a simulated host: its families and their numbers (net/netlink/genetlink.c).
// What the families answer is in devlink.ts and ethtool.ts.

import { decodeAttributes } from '../../kernel/netlink/attributes.ts';
import { NLM_F_DUMP } from '../../kernel/netlink/message.ts';
import type { NetlinkMessage } from '../../kernel/netlink/message.ts';
import {
  controllerTable,
  CTRL_CMD_GETFAMILY,
  CTRL_CMD_NEWFAMILY,
  decodeGenlMessage,
  encodeFamily,
  encodeGenlMessage,
  GENL_ID_CTRL,
} from '../../kernel/genetlink/family.ts';
import type { GenlFamily } from '../../kernel/genetlink/family.ts';
import { refuse } from './answer.ts';
import type { Answer, Reply } from './answer.ts';
import { answerDevlink } from './devlink.ts';
import { answerEthtool } from './ethtool.ts';
import { refuseFamily } from './family-answer.ts';
import type { FamilyAnswer, FamilyMessage, FamilyRequest } from './family-answer.ts';
import type { RequestContext } from './request-context.ts';

interface ServedFamily extends GenlFamily {
  answer(context: RequestContext, request: FamilyRequest): Promise<FamilyAnswer>;
}

const genlHeaderBytes = 4;
const controller: ServedFamily = {
  name: 'nlctrl',
  id: GENL_ID_CTRL,
  version: 2,
  groups: new Map([['notify', GENL_ID_CTRL]]),
  answer: answerController,
};
const families: readonly ServedFamily[] = [
  controller,
  { name: 'ethtool', id: 21, version: 1, groups: new Map([['monitor', 5]]), answer: answerEthtool },
  { name: 'devlink', id: 22, version: 1, groups: new Map([['config', 6]]), answer: answerDevlink },
];

/** The mutex under which generic netlink works. */
const genlLock = 'genetlink';

export async function answerGeneric(context: RequestContext, request: NetlinkMessage): Promise<Answer> {
  const family = families.find(({ id }) => id === request.type);
  if (family === undefined) return refuse('ENOENT');
  if (request.payload.byteLength < genlHeaderBytes) return refuse('EINVAL');
  const { command, attributes } = decodeGenlMessage(request.payload);
  const isDump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP;
  if (isDump && context.isDumping) return refuse('EBUSY');
  const answer = await context.host.locks.run(genlLock, async () => {
    context.host.enter();
    return family.answer(context, { command, attributes, isDump });
  });
  if (answer.kind === 'refused') return refuse(answer.errno, answer.message);
  const replies: Reply[] = answer.messages.map((message) => ({
    type: family.id,
    payload: encodeGenlMessage({ ...message, version: family.version }),
  }));
  return isDump ? { kind: 'dump', replies, interrupted: false } : { kind: 'done', replies };
}

async function answerController(_context: RequestContext, request: FamilyRequest): Promise<FamilyAnswer> {
  if (request.command !== CTRL_CMD_GETFAMILY) return refuseFamily('EOPNOTSUPP');
  const messageOf = (family: GenlFamily): FamilyMessage => ({
    command: CTRL_CMD_NEWFAMILY,
    attributes: encodeFamily(family),
  });
  if (request.isDump) return { kind: 'messages', messages: families.map(messageOf) };
  const { familyId, familyName } = decodeAttributes(controllerTable, request.attributes);
  if (familyId === undefined && familyName === undefined) return refuseFamily('EINVAL');
  const family = families.find(({ id, name }) => id === familyId || name === familyName);
  return family === undefined ? refuseFamily('ENOENT') : { kind: 'messages', messages: [messageOf(family)] };
}
