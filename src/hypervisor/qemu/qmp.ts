// Owns a connection to QEMU's monitor (QMP) on a Unix socket: greeting, commands with their answers, events, its end.
// Knows no command by meaning; devices.ts does.

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { VfleetError, messageOf } from '../../base/errors.ts';
import { readPeerCredentials } from '../../kernel/peer-credentials.ts';
import type { QmpEvent, QmpMessage } from './qmp-message.ts';
import { LineSplitter, parseMessage, renderCommand } from './qmp-message.ts';

/** QEMU answers in milliseconds, unless its main loop is busy, for example with the memory of a big VM. */
export const defaultTimeoutMs = 10_000;

interface Waiting {
  readonly command: string;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: VfleetError) => void;
}

/** An event that somebody is waiting for, from before the command that brings it. */
export interface ExpectedEvent {
  /** The first one that came since {@link QmpClient.expect}; undefined when none did in time. */
  within(timeoutMs: number): Promise<QmpEvent | undefined>;
  stop(): void;
}

/** Connects and leaves the mode of negotiation. See {@link QmpClient} for what can fail. */
export async function connectQmp(path: string, timeoutMs = defaultTimeoutMs): Promise<QmpClient> {
  const client = new QmpClient(path, connect({ path }));
  try {
    await client.begin(timeoutMs);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/**
 * A monitor. Every call can fail with `hypervisor.unreachable` when the socket or QEMU is gone, `hypervisor.timeout`,
 * `hypervisor.refused` with the class and the words of QEMU, and `hypervisor.malformed`, which ends the connection.
 */
export class QmpClient {
  readonly path: string;
  readonly #socket: Socket;
  readonly #splitter = new LineSplitter();
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #lastId = 0;
  #version: string | undefined;
  #failure: VfleetError | undefined;
  /** Called when the connection has its greeting, and when it has ended. */
  readonly #changed = new Set<() => void>();

  constructor(path: string, socket: Socket) {
    this.path = path;
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (cause) =>
      this.#fail(unreachable(`QEMU's monitor ${path} does not answer: ${cause.message}`, cause)),
    );
    socket.on('close', () => this.#fail(unreachable(`QEMU at ${path} has closed the connection`)));
  }

  /** Version of QEMU, for example `10.0.2`; empty when it does not say. */
  get version(): string {
    return this.#version ?? '';
  }

  /**
   * Number of the process that listens: QEMU's own, unless another one made the socket for it (SO_PEERCRED, unix(7)).
   * Undefined when it is none that we can see.
   */
  get listenerPid(): number | undefined {
    const pid = readPeerCredentials(this.#socket)?.pid ?? 0;
    return pid > 0 ? pid : undefined;
  }

  /** Waits for the greeting and answers it. */
  async begin(timeoutMs: number): Promise<void> {
    const isIn = await this.#until(() => this.#version !== undefined, timeoutMs);
    if (!isIn) {
      throw new VfleetError('hypervisor.timeout', `QEMU's monitor ${this.path} has sent no greeting`, {
        hint: 'A monitor speaks with one program at a time: end the other one, or give QEMU a second -qmp.',
      });
    }
    await this.execute('qmp_capabilities', {}, timeoutMs);
  }

  /** Runs a command and gives back what it returns. */
  async execute(
    command: string,
    commandArguments: Readonly<Record<string, unknown>> = {},
    timeoutMs = defaultTimeoutMs,
  ): Promise<unknown> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        const message = `QEMU has not answered ${command} after ${timeoutMs / 1000} s`;
        reject(new VfleetError('hypervisor.timeout', message, { details: { operation: command } }));
      }, timeoutMs);
      this.#waiting.set(id, { command, timer, resolve, reject });
      this.#socket.write(renderCommand(id, command, commandArguments));
    });
  }

  /** Looks for an event from now on. To be stopped. */
  expect(matches: (event: QmpEvent) => boolean): ExpectedEvent {
    let found: QmpEvent | undefined;
    const listener = (event: QmpEvent): void => {
      if (matches(event)) found ??= event;
    };
    this.#listeners.add(listener);
    return {
      within: async (timeoutMs) => {
        await this.#until(() => found !== undefined, timeoutMs);
        return found;
      },
      stop: () => void this.#listeners.delete(listener),
    };
  }

  close(): void {
    this.#fail(unreachable(`the connection to QEMU at ${this.path} is closed`));
  }

  /** Waits until something holds that a message brings. False when the time is over. Throws when the connection ends. */
  async #until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const end = (finish: () => void): void => {
        clearTimeout(timer);
        this.#changed.delete(look);
        finish();
      };
      const look = (): void => {
        if (holds()) end(() => resolve(true));
        else if (this.#failure !== undefined) end(() => reject(this.#failure));
      };
      const timer = setTimeout(() => end(() => resolve(false)), timeoutMs);
      this.#changed.add(look);
      look();
    });
  }

  #receive(bytes: Uint8Array): void {
    try {
      for (const line of this.#splitter.push(bytes)) {
        if (this.#failure !== undefined) return;
        this.#take(parseMessage(line));
      }
    } catch (error) {
      this.#fail(
        error instanceof VfleetError
          ? error
          : new VfleetError('internal.bug', messageOf(error), { cause: error }),
      );
    }
  }

  #take(message: QmpMessage): void {
    if (message.kind === 'greeting') this.#version ??= message.version;
    else if (message.kind === 'event') for (const listen of this.#listeners) listen(message.event);
    else this.#answer(message);
    this.#wake();
  }

  #answer(message: Extract<QmpMessage, { kind: 'return' | 'error' }>): void {
    const { id } = message;
    const isOurs = id !== undefined && Number.isInteger(id) && id >= 1 && id <= this.#lastId;
    if (!isOurs) {
      const words = message.kind === 'error' ? `: ${message.description}` : '';
      throw new VfleetError('hypervisor.malformed', `QMP: an answer to nothing that was asked${words}`);
    }
    const waiting = this.#waiting.get(id);
    // Its time was over; nobody waits any more.
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (message.kind === 'return') waiting.resolve(message.value);
    else waiting.reject(refused(waiting.command, message));
  }

  /** Ends the connection; the first reason stays. */
  #fail(failure: VfleetError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#socket.destroy();
    for (const { timer, reject } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(failure);
    }
    this.#waiting.clear();
    this.#wake();
  }

  #wake(): void {
    for (const look of this.#changed) look();
  }
}

function unreachable(message: string, cause?: unknown): VfleetError {
  return new VfleetError('hypervisor.unreachable', message, {
    hint: 'Start QEMU with -qmp unix:PATH,server=on,wait=off, and name that PATH.',
    cause,
  });
}

/** What QEMU said when it refused a command; undefined for any other failure. */
export function refusalOf(
  error: unknown,
): { readonly errorClass: string; readonly description: string } | undefined {
  if (!(error instanceof VfleetError) || error.code !== 'hypervisor.refused') return undefined;
  return error.cause instanceof QmpRefusal ? error.cause : undefined;
}

class QmpRefusal {
  /** `GenericError`, `CommandNotFound`, `DeviceNotFound` … (qapi/error.json). */
  readonly errorClass: string;
  readonly description: string;

  constructor(errorClass: string, description: string) {
    this.errorClass = errorClass;
    this.description = description;
  }
}

function refused(
  command: string,
  { errorClass, description }: Extract<QmpMessage, { kind: 'error' }>,
): VfleetError {
  return new VfleetError('hypervisor.refused', `QEMU refused ${command}: ${description} (${errorClass})`, {
    details: { operation: command },
    cause: new QmpRefusal(errorClass, description),
  });
}
