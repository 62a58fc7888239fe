// Owns the dialogue on one netlink socket: sequence numbers, acknowledgements, dumps that were interrupted, time bounds.
// Knows no protocol family; what it sends and hands back are messages.

import { VfleetError } from '../../base/errors.ts';
import type { Clock, NetlinkTransport } from '../kernel.ts';
import { align4 } from './attributes.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  maxWordsOf,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  refusalOf,
  writeMessage,
} from './message.ts';
import type { NetlinkMessage, WrittenPayload } from './message.ts';
import { Watchdog } from './watchdog.ts';

/** A host whose interfaces change all the time interrupts dumps; more often than this in a row is a fault. */
const maxDumpAttempts = 10;
/** Longest time a request may be in the kernel: it waits for the RTNL lock, which slow drivers hold for minutes. */
const defaultTimeoutMs = 120_000;
/** An answer that never ends is no answer: 65,536 datagrams of 32 KiB are 2 GiB. */
const maxDatagramsPerAnswer = 65_536;
/** Sequence numbers go from 1 to this: the kernel's own messages have 0. */
const sequenceCount = 0xffff_ffff;
/** Most requests are a header and a few attributes. */
const usualRequestWords = 64;

/** A message to the kernel that is answered. */
export interface NetlinkRequest {
  /** Name for errors, for example `RTM_GETLINK eth0`. */
  readonly operation: string;
  readonly type: number;
  readonly flags?: number;
  readonly payload: Uint8Array | WrittenPayload;
  readonly timeoutMs?: number;
}

/** The messages of an answer, or why the request was refused. */
export type NetlinkAnswer = NetlinkMessage[] | VfleetError;

interface Conversation {
  readonly answers: readonly NetlinkAnswer[];
  readonly interrupted: boolean;
}

/** Requests and their answers over one socket, one at a time in the order of the calls. */
export class NetlinkClient {
  readonly #transport: NetlinkTransport;
  readonly #watchdog: Watchdog;
  #sequence = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #broken: VfleetError | undefined;
  /** A dump was asked for and its end not seen. */
  #isDumping = false;
  #outgoing = new Int32Array(usualRequestWords);

  /** `startTimer` is the host's, whose time can run faster than ours. */
  constructor(transport: NetlinkTransport, startTimer: Clock['startTimer'] = setTimeout) {
    this.#transport = transport;
    this.#watchdog = new Watchdog(startTimer);
  }

  /**
   * Sends a request and gives back the messages of the answer without the acknowledgement.
   * Throws `kernel.refused` with operation, errno and extended ack, `kernel.timeout`, `kernel.malformed`.
   */
  async request(options: NetlinkRequest): Promise<NetlinkMessage[]> {
    const { answers } = await this.#inTurn([options], NLM_F_ACK);
    return messagesOf(answers[0]);
  }

  /**
   * Sends several requests at once, which costs one trip to the kernel. One answer each, in their order: a refusal of
   * one does not touch the others. Throws `kernel.timeout` (of the first request's time), `kernel.malformed`.
   */
  async requestAll(requests: readonly NetlinkRequest[]): Promise<readonly NetlinkAnswer[]> {
    if (requests.length === 0) return [];
    const { answers } = await this.#inTurn(requests, NLM_F_ACK);
    return answers;
  }

  /** Reads a whole table; repeats it when the kernel says that it changed meanwhile (NLM_F_DUMP_INTR). */
  async dump(options: NetlinkRequest): Promise<NetlinkMessage[]> {
    for (let attempt = 1; attempt <= maxDumpAttempts; attempt++) {
      const { answers, interrupted } = await this.#inTurn([options], NLM_F_DUMP);
      const messages = messagesOf(answers[0]);
      if (!interrupted) return messages;
    }
    throw new VfleetError(
      'kernel.refused',
      `${options.operation}: the kernel's table changed during ${maxDumpAttempts} reads`,
      {
        details: { operation: options.operation, errno: 'EINTR' },
      },
    );
  }

  close(): void {
    this.#watchdog.close();
    this.#transport.close();
  }

  async #inTurn(requests: readonly NetlinkRequest[], flags: number): Promise<Conversation> {
    const turn = this.#queue.then(async () => {
      if (this.#broken !== undefined) throw this.#broken;
      return this.#bounded(requests, flags);
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #bounded(requests: readonly NetlinkRequest[], flags: number): Promise<Conversation> {
    const { operation = '', timeoutMs = defaultTimeoutMs } = requests[0] ?? {};
    try {
      return await new Promise((resolve, reject) => {
        this.#watchdog.start(timeoutMs, () => {
          this.#broken = new VfleetError(
            'kernel.timeout',
            `${operation} has been in the kernel for ${timeoutMs / 1000} s; it cannot be cancelled`,
            { details: { operation, pending: true } },
          );
          reject(this.#broken);
        });
        this.#converse(requests, flags).then(resolve, reject);
      });
    } finally {
      this.#watchdog.stop();
    }
  }

  async #converse(requests: readonly NetlinkRequest[], flags: number): Promise<Conversation> {
    const first = this.#sequence;
    await this.#transport.send(this.#encode(requests, flags));
    this.#isDumping ||= (flags & NLM_F_DUMP) !== 0;
    const found = requests.map((): NetlinkMessage[] => []);
    const answers: NetlinkAnswer[] = [...found];
    let pending = requests.length;
    let interrupted = false;
    for (let datagrams = 0; datagrams < maxDatagramsPerAnswer; datagrams++) {
      for (const message of decodeMessages(await this.#transport.receive({ isDump: this.#isDumping }))) {
        const position = (message.sequence - first - 1 + sequenceCount) % sequenceCount;
        const request = requests[position];
        if (message.sequence === 0 || request === undefined) continue;
        interrupted ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
        if (message.type === NLMSG_NOOP) continue;
        if (message.type === NLMSG_OVERRUN) {
          throw new VfleetError(
            'kernel.malformed',
            `${request.operation}: the kernel lost part of its answer`,
          );
        }
        if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
          found[position]?.push(message);
          continue;
        }
        this.#isDumping = false;
        const answer = decodeAcknowledgement(message);
        if (answer.errno !== 0) answers[position] = refusalOf(request.operation, answer);
        pending -= 1;
        if (pending === 0) return { answers, interrupted };
      }
    }
    const [{ operation } = { operation: '' }] = requests;
    throw new VfleetError('kernel.malformed', `${operation}: the kernel's answer does not end`);
  }

  /** One datagram with all requests; their sequence numbers follow one another, without 0. */
  #encode(requests: readonly NetlinkRequest[], flags: number): Uint8Array {
    const messages = requests.map((request) => {
      this.#sequence = (this.#sequence % sequenceCount) + 1;
      const { type, payload, flags: more = 0 } = request;
      return { type, flags: more | flags | NLM_F_REQUEST, sequence: this.#sequence, payload };
    });
    const neededWords = messages.reduce((sum, message) => sum + maxWordsOf(message), 0);
    // Kept for the next request: fresh memory costs more than what is written into it. The kernel has done with it
    // when `send` is back, and after a timeout nothing is sent any more.
    if (this.#outgoing.length < neededWords) this.#outgoing = new Int32Array(neededWords);
    let sizeBytes = 0;
    for (const message of messages) {
      const start = align4(sizeBytes);
      sizeBytes = start + writeMessage(this.#outgoing, start / 4, message);
    }
    return new Uint8Array(this.#outgoing.buffer, 0, sizeBytes);
  }
}

function messagesOf(answer: NetlinkAnswer | undefined): NetlinkMessage[] {
  if (Array.isArray(answer)) return answer;
  throw answer ?? new VfleetError('internal.bug', 'a netlink request without an answer');
}
