// Owns the two netlink transports of the tests: one that plays a recorded dialogue with a kernel, one that answers by a
// function. For tests only.

import { VfleetError } from '../../base/errors.ts';
import type { NetlinkTransport } from '../kernel.ts';
import { decodeMessages, encodeMessage } from './message.ts';
import type { NetlinkMessage } from './message.ts';

/** One request and its answers as hex, as they went over the socket. White space does not count. */
export interface Exchange {
  readonly sent: string;
  readonly received: readonly string[];
}

export function bytesOfHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
}

/** What a test wants to hand out: a datagram, or the errno with which receiving fails. */
type Delivery = Uint8Array | { readonly errno: string };

/** A transport whose answers come from a function. Like the real one it waits when there is nothing, and can be closed. */
export class ScriptedTransport implements NetlinkTransport {
  readonly groups: number[] = [];
  readonly requests: NetlinkMessage[] = [];
  isClosed = false;
  readonly #answer: (request: NetlinkMessage) => readonly Delivery[];
  readonly #queue: Delivery[] = [];
  #wake: (() => void) | undefined;

  constructor(answer: (request: NetlinkMessage) => readonly Delivery[] = () => []) {
    this.#answer = answer;
  }

  /** Puts a datagram into the socket, as the kernel does with events. */
  deliver(...deliveries: readonly Delivery[]): void {
    this.#queue.push(...deliveries);
    this.#wake?.();
  }

  async send(datagram: Uint8Array): Promise<void> {
    // The bytes are the sender's again afterwards.
    for (const request of decodeMessages(Uint8Array.from(datagram))) {
      this.requests.push(request);
      this.deliver(...this.#answer(request));
    }
  }

  async receive(): Promise<Uint8Array> {
    for (;;) {
      if (this.isClosed) throw refusal('EBADF');
      const next = this.#queue.shift();
      if (next instanceof Uint8Array) return next;
      if (next !== undefined) throw refusal(next.errno);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  joinGroup(group: number): void {
    this.groups.push(group);
  }

  close(): void {
    this.isClosed = true;
    this.#wake?.();
  }
}

function refusal(errno: string): VfleetError {
  return new VfleetError('kernel.refused', `receive from netlink: ${errno}`, { details: { errno } });
}

/**
 * Plays recorded exchanges in their order. A request that differs from the recorded one in anything but its sequence
 * number fails the test; the answers get the number that was asked with.
 */
export function replay(exchanges: readonly Exchange[]): ScriptedTransport {
  const rest = [...exchanges];
  return new ScriptedTransport((request) => {
    const exchange = rest.shift();
    const recorded = exchange === undefined ? undefined : hexWithoutSequence(bytesOfHex(exchange.sent));
    const sent = hexWithoutSequence(encodeMessage(request));
    if (exchange === undefined || recorded !== sent)
      throw new Error(`sent ${sent}, recorded was ${recorded}`);
    return exchange.received.map((hex) => withSequence(bytesOfHex(hex), request.sequence));
  });
}

function hexWithoutSequence(datagram: Uint8Array): string {
  return Buffer.from(withSequence(datagram, 0)).toString('hex');
}

function withSequence(datagram: Uint8Array, sequence: number): Uint8Array {
  const bytes = Uint8Array.from(datagram);
  const view = new DataView(bytes.buffer);
  for (const { payload } of decodeMessages(bytes)) view.setUint32(payload.byteOffset - 8, sequence, true);
  return bytes;
}

/** A datagram with one message of the answer to a request. */
export function answerTo(
  request: NetlinkMessage,
  message: { readonly type: number; readonly flags?: number; readonly payload?: Uint8Array },
): Uint8Array {
  const { type, flags = 0, payload = new Uint8Array(0) } = message;
  return encodeMessage({ type, flags, sequence: request.sequence, payload });
}
