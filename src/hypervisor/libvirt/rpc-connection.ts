// Owns one connection to a libvirt daemon: sends calls, matches replies by their serial, answers keepalive pings.
// Knows neither domains nor how a lost connection is made again: it ends once, for good.

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { messageOf, VfleetError } from '../../base/errors.ts';
import type { Message } from './message.ts';
import { encodeMessage, MessageSplitter } from './message.ts';
import { readRefusal } from './refusal.ts';
import type { Procedure } from './remote-protocol.ts';
import {
  KEEPALIVE_PROC_PING,
  KEEPALIVE_PROC_PONG,
  KEEPALIVE_PROGRAM,
  KEEPALIVE_PROTOCOL_VERSION,
  MessageStatus,
  MessageType,
  REMOTE_PROGRAM,
  REMOTE_PROTOCOL_VERSION,
} from './remote-protocol.ts';
import { decodeXdr, encodeXdr } from './xdr.ts';

interface PendingCall {
  readonly procedure: Procedure<unknown, unknown>;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: VfleetError) => void;
}

/** What comes unasked: the procedure's number and its payload. Throws `hypervisor.malformed` to end the connection. */
export type OnMessage = (procedure: number, payload: Buffer) => void;

export class RpcConnection {
  readonly #socket: Socket;
  readonly #onMessage: OnMessage;
  readonly #splitter = new MessageSplitter();
  readonly #pending = new Map<number, PendingCall>();
  #serial = 0;
  #end: VfleetError | undefined;
  #onEnd: (error: VfleetError) => void = () => {};
  /** Settles, without an error, when the connection has ended. */
  readonly ended: Promise<VfleetError>;

  constructor(socket: Socket, onMessage: OnMessage) {
    this.#socket = socket;
    this.#onMessage = onMessage;
    this.ended = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.end(gone(error.message)));
    socket.on('close', () => this.end(gone('the connection was closed')));
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /**
   * Calls a procedure. Throws `hypervisor.unreachable` when the connection ends first, `hypervisor.timeout` when there is
   * no answer within the bound (the call may still take effect), and what {@link readRefusal} makes of a refusal.
   */
  call<A, R>(procedure: Procedure<A, R>, args: A, timeoutMs: number): Promise<R> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const payload = encodeXdr(procedure.args, args);
    this.#serial = this.#serial === 0xffff_ffff ? 1 : this.#serial + 1;
    const serial = this.#serial;
    return new Promise<R>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(serial);
        reject(
          new VfleetError(
            'hypervisor.timeout',
            `libvirt has not answered ${procedure.name} within ${timeoutMs} ms`,
            { details: { operation: procedure.name, pending: true } },
          ),
        );
      }, timeoutMs);
      this.#pending.set(serial, {
        procedure,
        timer,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      this.#send({
        header: {
          program: REMOTE_PROGRAM,
          version: REMOTE_PROTOCOL_VERSION,
          procedure: procedure.number,
          type: MessageType.call,
          serial,
          status: MessageStatus.ok,
        },
        payload,
      });
    });
  }

  /** Ends the connection: everything that waits fails with this error. */
  end(error: VfleetError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#socket.destroy();
    for (const { timer, reject } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
    this.#onEnd(error);
  }

  #send({ header, payload }: Message): void {
    this.#socket.write(encodeMessage(header, payload));
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#splitter.push(chunk)) {
        if (!this.isOpen) return;
        this.#dispatch(message);
      }
    } catch (thrown) {
      this.end(
        thrown instanceof VfleetError
          ? thrown
          : new VfleetError('hypervisor.malformed', `libvirt sent a broken message: ${messageOf(thrown)}`, {
              cause: thrown,
            }),
      );
    }
  }

  #dispatch({ header, payload }: Message): void {
    if (header.program === KEEPALIVE_PROGRAM) return this.#answerKeepalive(header.procedure);
    if (header.program !== REMOTE_PROGRAM || header.version !== REMOTE_PROTOCOL_VERSION) return;
    if (header.type === MessageType.message) return this.#onMessage(header.procedure, payload);
    if (header.type !== MessageType.reply) return;
    const call = this.#pending.get(header.serial);
    // A reply to a call that was given up after its timeout.
    if (call === undefined) return;
    this.#pending.delete(header.serial);
    clearTimeout(call.timer);
    this.#settle(call, header.status, payload);
  }

  #settle({ procedure, resolve, reject }: PendingCall, status: number, payload: Buffer): void {
    try {
      if (status === MessageStatus.ok) resolve(decodeXdr(procedure.ret, payload));
      else reject(readRefusal(payload, procedure.name));
    } catch (thrown) {
      const error =
        thrown instanceof VfleetError
          ? thrown
          : new VfleetError('hypervisor.malformed', `libvirt's answer is broken: ${messageOf(thrown)}`);
      reject(error);
      throw error;
    }
  }

  /** virkeepaliveprotocol.x: a ping that stays without a pong ends the connection on the daemon's side. */
  #answerKeepalive(procedure: number): void {
    if (procedure !== KEEPALIVE_PROC_PING) return;
    this.#send({
      header: {
        program: KEEPALIVE_PROGRAM,
        version: KEEPALIVE_PROTOCOL_VERSION,
        procedure: KEEPALIVE_PROC_PONG,
        type: MessageType.message,
        serial: 0,
        status: MessageStatus.ok,
      },
      payload: Buffer.alloc(0),
    });
  }
}

function gone(reason: string): VfleetError {
  return new VfleetError('hypervisor.unreachable', `libvirt is gone: ${reason}`);
}

/** Connects to a Unix socket. Throws the error of the operating system. */
export async function connectSocket(socketPath: string): Promise<Socket> {
  const socket = connect({ path: socketPath });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve();
    });
    socket.once('error', reject);
  });
  return socket;
}
