// Owns a netlink socket of a simulated host: datagrams in, datagrams out, groups, closing.
// What a request means is the protocol's business (route.ts, generic.ts).

import { VfleetError } from '../../base/errors.ts';
import type { NetlinkProtocol, NetlinkTransport } from '../../kernel/kernel.ts';
import { encodeMessage, NLM_F_ACK, NLM_F_REQUEST } from '../../kernel/netlink/message.ts';
import type { NetlinkMessage } from '../../kernel/netlink/message.ts';
import { RTM_DELLINK, RTM_NEWLINK } from '../../kernel/rtnetlink/link.ts';
import { RTNLGRP_LINK } from '../../kernel/rtnetlink/link-events.ts';
import { socketFailure } from '../fault-set.ts';
import type { LinkEventKind, SimHost } from '../host.ts';
import { netnsOf } from '../host-index.ts';
import type { SimLink } from '../host-index.ts';
import { acknowledged, datagramsOf, refuse } from './answer.ts';
import type { Answer } from './answer.ts';
import { answerGeneric } from './generic.ts';
import { encodeLinkMessage } from './link-message.ts';
import { answerRoute } from './route.ts';

const headerSizeBytes = 16;
/** Below are control messages (NLMSG_MIN_TYPE). */
const firstOwnType = 0x10;
/** Larger ones are refused by sendmsg: a socket's send buffer is 208 KiB by default (net.core.wmem_default). */
const maxSendBytes = 212_992;
/** Keeps the process alive while somebody waits, as the watch on a real socket does. */
const keepAliveMs = 0x3fff_ffff;

let nextPortId = 0x1000;

interface Waiting {
  readonly resolve: (datagram: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

export class SimNetlinkSocket implements NetlinkTransport {
  readonly #host: SimHost;
  readonly #protocol: NetlinkProtocol;
  readonly #netns: number;
  readonly #portId = nextPortId++;
  readonly #queue: (Uint8Array | Error)[] = [];
  #waiting: Waiting | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Datagrams of a dump that were not received yet: until then another one is refused. */
  #dumpEnd: Uint8Array | undefined;
  #listener: ((kind: LinkEventKind, link: SimLink) => void) | undefined;

  constructor(host: SimHost, protocol: NetlinkProtocol, netns: number) {
    this.#host = host;
    this.#protocol = protocol;
    this.#netns = netns;
  }

  joinGroup(group: number): void {
    this.#checkOpen();
    if (this.#protocol !== 'route' || group !== RTNLGRP_LINK || this.#listener !== undefined) return;
    this.#listener = (kind, link) => this.#onLink(kind, link);
    this.#host.linkListeners.add(this.#listener);
  }

  async send(datagram: Uint8Array): Promise<void> {
    this.#checkOpen();
    if (datagram.byteLength > maxSendBytes) throw socketFailure('send to netlink', 'EMSGSIZE');
    this.#host.enter();
    for (const request of requestsOf(datagram)) {
      const answer = await this.#answer(request);
      if (answer === undefined) continue;
      const datagrams = datagramsOf(request, answer, this.#portId);
      if (answer.kind === 'dump') this.#dumpEnd = datagrams.at(-1);
      for (const each of datagrams) this.#push(each);
    }
  }

  async receive(): Promise<Uint8Array> {
    this.#checkOpen();
    const next = this.#queue.shift();
    if (next instanceof Error) throw next;
    if (next !== undefined) return this.#taken(next);
    const datagram = await new Promise<Uint8Array>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#keepAlive = setInterval(() => undefined, keepAliveMs);
    });
    return this.#taken(datagram);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#listener !== undefined) this.#host.linkListeners.delete(this.#listener);
    const waiting = this.#stopWaiting();
    waiting?.reject(socketFailure('use a closed netlink socket', 'EBADF'));
  }

  async #answer(request: NetlinkMessage): Promise<Answer | undefined> {
    const isRequest = (request.flags & NLM_F_REQUEST) !== 0;
    if (!isRequest || request.type < firstOwnType) {
      return (request.flags & NLM_F_ACK) === 0 ? undefined : acknowledged;
    }
    const context = { host: this.#host, netns: this.#netns, isDumping: this.#dumpEnd !== undefined };
    try {
      return this.#protocol === 'route'
        ? await answerRoute(context, request)
        : await answerGeneric(context, request);
    } catch (error) {
      // Bytes that break the format are the sender's fault and nobody else's.
      if (error instanceof VfleetError && error.code === 'kernel.malformed') return refuse('EINVAL');
      throw error;
    }
  }

  #onLink(kind: LinkEventKind, link: SimLink): void {
    if (netnsOf(link.netdev) !== this.#netns) return;
    const { errno } = this.#host.meetFaults(['event'], { attribute: link.netdev.name });
    if (errno !== undefined) {
      this.#push(socketFailure('receive from netlink', errno));
      return;
    }
    const payload = encodeLinkMessage(link, { vfs: false, statistics: true });
    const type = kind === 'new' ? RTM_NEWLINK : RTM_DELLINK;
    this.#push(encodeMessage({ type, flags: 0, sequence: 0, payload }));
  }

  #push(next: Uint8Array | Error): void {
    if (this.#isClosed) return;
    const waiting = this.#stopWaiting();
    if (waiting === undefined) this.#queue.push(next);
    else if (next instanceof Error) waiting.reject(next);
    else waiting.resolve(next);
  }

  #stopWaiting(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    clearInterval(this.#keepAlive);
    return waiting;
  }

  #taken(datagram: Uint8Array): Uint8Array {
    if (datagram === this.#dumpEnd) this.#dumpEnd = undefined;
    return datagram;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw socketFailure('use a closed netlink socket', 'EBADF');
  }
}

/** The messages of a datagram up to the first whose length is wrong: the kernel drops the rest without a word. */
function* requestsOf(datagram: Uint8Array): Generator<NetlinkMessage> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let offset = 0;
  while (offset + headerSizeBytes <= datagram.byteLength) {
    const length = view.getUint32(offset, true);
    if (length < headerSizeBytes || offset + length > datagram.byteLength) return;
    yield {
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      portId: view.getUint32(offset + 12, true),
      payload: datagram.slice(offset + headerSizeBytes, offset + length),
    };
    offset += (length + 3) & ~3;
  }
}
