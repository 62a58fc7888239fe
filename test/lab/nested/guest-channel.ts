// Owns the conversation with the program inside a VM: an order a line, and its answer.

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerEnd } from './guest-init.ts';

/** Nested software emulation: what a guest does for the first time can take most of a minute. */
const answerTimeoutMs = 300_000;
const connectPollMs = 100;

export interface Answer {
  /** Exit status of the order. */
  readonly status: number;
  readonly text: string;
}

export interface GuestChannel {
  /** Runs a line in the guest's shell. One at a time. */
  ask(line: string): Promise<Answer>;
  close(): void;
}

/** Connects to the socket behind a VM's channel; waits until it is there. */
export async function openGuestChannel(path: string): Promise<GuestChannel> {
  const socket = await connectWhenThere(path, Date.now() + answerTimeoutMs);
  socket.setEncoding('utf8');
  let unread = '';
  let lost: Error | undefined;
  let notice = (): void => undefined;
  socket.on('data', (text: string) => {
    unread += text;
    notice();
  });
  socket.on('error', (error) => (lost = error));
  socket.on('close', () => {
    lost ??= new Error('the VM is gone');
    notice();
  });
  const end = new RegExp(`^${answerEnd}(\\d+)\\r?\\n`, 'm');
  return {
    ask: async (line) => {
      socket.write(`${line}\n`);
      const timer = setTimeout(() => {
        lost ??= new Error(`nothing within ${answerTimeoutMs / 1000} s but ${JSON.stringify(unread)}`);
        notice();
      }, answerTimeoutMs);
      try {
        for (;;) {
          const match = end.exec(unread);
          if (match !== null) {
            const text = unread.slice(0, match.index).trimEnd();
            unread = unread.slice(match.index + match[0].length);
            return { status: Number(match[1]), text };
          }
          if (lost !== undefined) throw new Error(`no answer to ${line}: ${lost.message}`);
          await new Promise<void>((resolve) => (notice = resolve));
        }
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => socket.destroy(),
  };
}

async function connectWhenThere(path: string, end: number): Promise<Socket> {
  for (;;) {
    const socket = connect({ path });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(connectPollMs);
    }
  }
}
