// Owns the bytes of QMP: lines of JSON, and what each line from QEMU says. Pure.
// The format is QEMU's docs/interop/qmp-spec.rst. What commands mean is not known here.

import { VfleetError } from '../../base/errors.ts';

/** The longest answer, the whole schema, is some 300 KB; QEMU itself takes lines of up to 64 MiB. */
export const maxLineBytes = 8 * 1024 * 1024;
/** What of somebody's bytes is shown in a message. */
const shownCharacters = 80;

export interface QmpEvent {
  /** `DEVICE_DELETED`, `SHUTDOWN` … */
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type QmpMessage =
  | { readonly kind: 'greeting'; readonly version: string }
  | { readonly kind: 'return'; readonly id: number | undefined; readonly value: unknown }
  | {
      readonly kind: 'error';
      readonly id: number | undefined;
      readonly errorClass: string;
      readonly description: string;
    }
  | { readonly kind: 'event'; readonly event: QmpEvent };

/** The line of a command; the id comes back with its answer. */
export function renderCommand(
  id: number,
  command: string,
  commandArguments: Readonly<Record<string, unknown>>,
): string {
  return `${JSON.stringify({ execute: command, arguments: commandArguments, id })}\n`;
}

/** Reads one line. Throws `hypervisor.malformed` for anything that QMP has not. */
export function parseMessage(line: string): QmpMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw malformed('no JSON', line, cause);
  }
  if (!isObject(value)) throw malformed('no JSON object', line);
  if ('QMP' in value) return { kind: 'greeting', version: versionOf(value['QMP']) };
  if (typeof value['event'] === 'string') {
    const { data } = value;
    return { kind: 'event', event: { name: value['event'], data: isObject(data) ? data : {} } };
  }
  const id = typeof value['id'] === 'number' ? value['id'] : undefined;
  const { error } = value;
  if (isObject(error) && typeof error['class'] === 'string' && typeof error['desc'] === 'string')
    return { kind: 'error', id, errorClass: error['class'], description: error['desc'] };
  if ('return' in value) return { kind: 'return', id, value: value['return'] };
  throw malformed('neither answer nor event', line);
}

/** Whether a value of somebody's JSON is an object with members. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `10.0.2`; empty when QEMU does not say. */
function versionOf(greeting: unknown): string {
  const version = isObject(greeting) ? greeting['version'] : undefined;
  const qemu = isObject(version) ? version['qemu'] : undefined;
  if (!isObject(qemu)) return '';
  const parts = [qemu['major'], qemu['minor'], qemu['micro']];
  return parts.every((part) => typeof part === 'number') ? parts.join('.') : '';
}

function malformed(what: string, line: string, cause?: unknown): VfleetError {
  const shown = JSON.stringify(line.slice(0, shownCharacters));
  return new VfleetError('hypervisor.malformed', `QMP: a line is ${what}: ${shown}`, { cause });
}

/** Cuts a stream of bytes into lines. */
export class LineSplitter {
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  readonly #maxBytes: number;

  constructor(maxBytes = maxLineBytes) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The lines that end in these bytes, without their ends and without empty ones. Throws `hypervisor.malformed` when a
   * line grows over the limit; the stream is of no use after that.
   */
  push(bytes: Uint8Array): string[] {
    const lines: string[] = [];
    let rest = bytes;
    for (;;) {
      const end = rest.indexOf(0x0a);
      const piece = end < 0 ? rest : rest.subarray(0, end);
      this.#keep(piece);
      if (end < 0) return lines;
      const line = this.#take();
      if (line !== '') lines.push(line);
      rest = rest.subarray(end + 1);
    }
  }

  #keep(piece: Uint8Array): void {
    this.#sizeBytes += piece.length;
    if (this.#sizeBytes > this.#maxBytes) {
      this.#parts.length = 0;
      throw new VfleetError('hypervisor.malformed', `QMP: a line has more than ${this.#maxBytes} bytes`);
    }
    if (piece.length > 0) this.#parts.push(piece);
  }

  #take(): string {
    const text = Buffer.concat(this.#parts).toString('utf8');
    this.#parts.length = 0;
    this.#sizeBytes = 0;
    return text.trim();
  }
}
