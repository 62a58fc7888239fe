// Owns how processes of the stress test ask the one simulated host: which calls there are, and their bytes on the way.

import { deserialize, serialize } from 'node:v8';
import { messageOf, VfleetError } from '../../src/base/errors.ts';
import type { VfleetErrorCode } from '../../src/base/errors.ts';
import type { Ground } from '../../src/assign/ground.ts';
import type { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import type { FileTree, NetlinkProtocol, NetlinkTransport } from '../../src/kernel/kernel.ts';

/**
 * Calls of the kernel port that may wait, of the hypervisor's, and what a VM's owner does. A netlink socket is a number.
 */
export interface HostCalls
  extends
    Pick<FileTree, 'readWaiting' | 'write'>,
    Pick<Hypervisor, 'listVms' | 'readVm' | 'hasNic' | 'attachNic' | 'detachNic'> {
  /** What an agent knows of the host before anything is given away. */
  ground(): Ground;
  openNetlink(protocol: NetlinkProtocol): number;
  send(socket: number, ...args: Parameters<NetlinkTransport['send']>): Promise<void>;
  receive(socket: number, ...args: Parameters<NetlinkTransport['receive']>): Promise<Uint8Array>;
  closeNetlink(socket: number): void;
  destroy(vm: string): Promise<void>;
  start(vm: string): Promise<void>;
}

export type CallName = keyof HostCalls;

export interface CallFrame {
  readonly name: CallName;
  readonly args: readonly unknown[];
}

type Failure = Pick<VfleetError, 'code' | 'message' | 'hint' | 'details'>;
export type Answer = { readonly value: unknown } | { readonly failure: Failure } | { readonly bug: string };

const lengthBytes = 4;

export function encodeFrame(content: CallFrame | Answer): Uint8Array {
  const body = serialize(content);
  const head = Buffer.alloc(lengthBytes);
  head.writeUInt32LE(body.byteLength);
  return Buffer.concat([head, body]);
}

export function answerOfError(thrown: unknown): Answer {
  if (!(thrown instanceof VfleetError)) return { bug: messageOf(thrown) };
  const { code, message, hint, details } = thrown;
  return { failure: { code, message, hint, details } };
}

/** What was answered, or what was thrown over there. */
export function valueOf(answer: Answer): unknown {
  if ('value' in answer) return answer.value instanceof Uint8Array ? ownBytes(answer.value) : answer.value;
  if ('bug' in answer) throw new Error(answer.bug);
  const { code, message, hint, details } = answer.failure;
  throw new VfleetError(code satisfies VfleetErrorCode, message, { hint, details });
}

/** Frames out of a stream of bytes, however it was cut. */
export class FrameReader {
  #bytes: Buffer = Buffer.alloc(0);

  add(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.byteLength === 0 ? Buffer.from(bytes) : Buffer.concat([this.#bytes, bytes]);
  }

  /** Undefined: the next frame is not whole yet. */
  next(): unknown {
    if (this.#bytes.byteLength < lengthBytes) return undefined;
    const end = lengthBytes + this.#bytes.readUInt32LE();
    if (this.#bytes.byteLength < end) return undefined;
    const content: unknown = deserialize(this.#bytes.subarray(lengthBytes, end));
    this.#bytes = this.#bytes.subarray(end);
    return content;
  }
}

/** Bytes that lie in no larger piece of memory. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
