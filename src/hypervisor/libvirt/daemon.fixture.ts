// Owns a daemon for tests that speaks libvirt's protocol as each test likes, well or badly, on a socket of its own.

import { mkdtemp, rm } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from './message.ts';
import { encodeMessage, MessageSplitter } from './message.ts';
import type { Procedure } from './remote-protocol.ts';
import { MessageType, procedures, REMOTE_PROGRAM, remoteError } from './remote-protocol.ts';
import { encodeXdr } from './xdr.ts';

/** Hears a call and does something with the socket; answers whether it did. */
export type Behaviour = (call: Message, socket: Socket) => boolean;

export interface Daemon {
  readonly socketPath: string;
  readonly calls: Message[];
  readonly sockets: Set<Socket>;
  behave(behaviour: Behaviour): void;
  stop(): Promise<void>;
}

/** A daemon that lets everybody in; everything else is up to the behaviour. */
export async function startDaemon(authTypes: readonly number[] = [0]): Promise<Daemon> {
  const folder = await mkdtemp(join(tmpdir(), 'vfleet-daemon-'));
  const socketPath = join(folder, 'sock');
  let behaviour: Behaviour = () => false;
  const calls: Message[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const splitter = new MessageSplitter();
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      for (const call of splitter.push(chunk)) {
        calls.push(call);
        if (!behaviour(call, socket)) letIn(call, socket, authTypes);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  return {
    socketPath,
    calls,
    sockets,
    behave(next) {
      behaviour = next;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function letIn(call: Message, socket: Socket, authTypes: readonly number[]): void {
  const { procedure } = call.header;
  if (procedure === procedures.authList.number)
    reply(socket, call, procedures.authList, { types: authTypes });
  else if (procedure === procedures.connectOpen.number)
    reply(socket, call, procedures.connectOpen, undefined);
  else if (procedure === procedures.eventCallbackRegisterAny.number) {
    reply(socket, call, procedures.eventCallbackRegisterAny, { callbackId: 0 });
  } else if (procedure === procedures.connectClose.number)
    reply(socket, call, procedures.connectClose, undefined);
  else if (procedure === procedures.authPolkit.number) {
    reply(socket, call, procedures.authPolkit, { complete: 1 });
  }
}

export function reply<A, R>(socket: Socket, call: Message, procedure: Procedure<A, R>, ret: R): void {
  replyBytes(socket, call, encodeXdr(procedure.ret, ret));
}

export function replyBytes(socket: Socket, call: Message, payload: Buffer, status = 0): void {
  socket.write(encodeMessage({ ...call.header, type: MessageType.reply, status }, payload));
}

/** libvirt's way of saying no. */
export function refuse(socket: Socket, call: Message, code: number, message: string): void {
  const error = {
    code,
    domain: 10,
    message,
    level: 2,
    dom: undefined,
    str1: undefined,
    str2: undefined,
    str3: undefined,
    int1: -1,
    int2: -1,
    net: undefined,
  };
  replyBytes(socket, call, encodeXdr(remoteError, error), 1);
}

export function sendEvent(socket: Socket, procedure: number, payload: Buffer): void {
  socket.write(
    encodeMessage(
      { program: REMOTE_PROGRAM, version: 1, procedure, type: MessageType.message, serial: 0, status: 0 },
      payload,
    ),
  );
}
