// Owns the dialogue on one netlink socket: sequence numbers, acknowledgements, dumps that were interrupted, time bounds.
// Knows no protocol family; what it sends and hands back are messages.

import { VfleetError } from '../../base/errors.ts';
import type { NetlinkTransport } from '../kernel.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
  refusalOf,
} from './message.ts';
import type { NetlinkMessage } from './message.ts';

/** A host whose interfaces change all the time interrupts dumps; more often than this in a row is a fault. */
const maxDumpAttempts = 10;
/** Longest time a request may be in the kernel: it waits for the RTNL lock, which slow drivers hold for minutes. */
const defaultTimeoutMs = 120_000;
/** An answer that never ends is no answer: 65,536 datagrams of 32 KiB are 2 GiB. */
const maxDatagramsPerAnswer = 65_536;

interface RequestOptions {
  /** Name for errors, for example `RTM_GETLINK eth0`. */
  readonly operation: string;
  readonly type: number;
  readonly flags?: number;
  readonly payload: Uint8Array;
  readonly timeoutMs?: number;
}

/** Requests and their answers over one socket, one at a time in the order of the calls. */
export class NetlinkClient {
  readonly #transport: NetlinkTransport;
  #sequence = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #broken: VfleetError | undefined;

  constructor(transport: NetlinkTransport) {
    this.#transport = transport;
  }

  /**
   * Sends a request and gives back the messages of the answer without the acknowledgement.
   * Throws `kernel.refused` with operation, errno and extended ack, `kernel.timeout`, `kernel.malformed`.
   */
  async request(options: RequestOptions): Promise<NetlinkMessage[]> {
    const { messages } = await this.#exchange(options, NLM_F_ACK);
    return messages;
  }

  /** Reads a whole table; repeats it when the kernel says that it changed meanwhile (NLM_F_DUMP_INTR). */
  async dump(options: RequestOptions): Promise<NetlinkMessage[]> {
    for (let attempt = 1; attempt <= maxDumpAttempts; attempt++) {
      const { messages, interrupted } = await this.#exchange(options, NLM_F_DUMP);
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
    this.#transport.close();
  }

  async #exchange(
    options: RequestOptions,
    flags: number,
  ): Promise<{ messages: NetlinkMessage[]; interrupted: boolean }> {
    const turn = this.#queue.then(async () => {
      if (this.#broken !== undefined) throw this.#broken;
      return this.#bounded(options, this.#converse(options, flags));
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #bounded<T>(options: RequestOptions, work: Promise<T>): Promise<T> {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#broken = new VfleetError(
          'kernel.timeout',
          `${options.operation} has been in the kernel for ${timeoutMs / 1000} s; it cannot be cancelled`,
          { details: { operation: options.operation } },
        );
        reject(this.#broken);
      }, timeoutMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #converse(
    options: RequestOptions,
    flags: number,
  ): Promise<{ messages: NetlinkMessage[]; interrupted: boolean }> {
    this.#sequence = (this.#sequence % 0xffff_ffff) + 1;
    const sequence = this.#sequence;
    await this.#transport.send(
      encodeMessage({
        type: options.type,
        flags: (options.flags ?? 0) | flags | NLM_F_REQUEST,
        sequence,
        payload: options.payload,
      }),
    );
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (let datagrams = 0; datagrams < maxDatagramsPerAnswer; datagrams++) {
      for (const message of decodeMessages(await this.#transport.receive())) {
        if (message.sequence !== sequence) continue;
        interrupted ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
        if (message.type === NLMSG_NOOP) continue;
        if (message.type === NLMSG_OVERRUN) {
          throw new VfleetError(
            'kernel.malformed',
            `${options.operation}: the kernel lost part of its answer`,
          );
        }
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          const answer = decodeAcknowledgement(message);
          if (answer.errno !== 0) throw refusalOf(options.operation, answer);
          return { messages, interrupted };
        }
        messages.push(message);
      }
    }
    throw new VfleetError('kernel.malformed', `${options.operation}: the kernel's answer does not end`);
  }
}
