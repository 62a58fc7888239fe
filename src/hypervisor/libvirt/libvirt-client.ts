// Owns a working connection to libvirt: finds the socket, authenticates, opens the URI, asks for events, and makes the
// connection again when it was lost. Its calls are libvirt's own; what they mean for VMs is hypervisor.ts's in this folder.

import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VfleetError } from '../../base/errors.ts';
import { isRefusal } from './refusal.ts';
import type { DomainRef, Procedure } from './remote-protocol.ts';
import {
  AuthType,
  deviceRemovedMessage,
  lifecycleMessage,
  procedures,
  VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
  VIR_DOMAIN_EVENT_ID_LIFECYCLE,
} from './remote-protocol.ts';
import { connectSocket, RpcConnection } from './rpc-connection.ts';
import { decodeXdr } from './xdr.ts';

/** Where the daemons listen: libvirtd (or virtproxyd in its place), and the modular daemon for QEMU. */
const defaultSocketPaths = ['/run/libvirt/libvirt-sock', '/run/libvirt/virtqemud-sock'];
export const defaultUri = 'qemu:///system';

/**
 * A URI with the socket where that is none of the usual ones, as libvirt's own tools take it. Behind the usual ones are
 * the same VMs: a host changes from libvirtd to the modular daemons, and they go along.
 */
export function fullUri(uri: string, socketPath: string | undefined): string {
  if (socketPath === undefined) return uri;
  const path = realPath(socketPath);
  if (defaultSocketPaths.some((usual) => usual === path || realPath(usual) === path)) return uri;
  return `${uri.replace(':', '+unix:')}?socket=${encodeURI(path)}`;
}

/** The path without links, of which /var/run is one; what is not there is taken as it is written. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Reading takes under a millisecond; a daemon that works on a VM makes others wait for up to 30 s (qemu_conf.h). */
const readTimeoutMs = 45_000;
/** Plugging a VF locks and maps the whole memory of the VM: minutes, on a big one. */
export const changeTimeoutMs = 600_000;
const goodbyeTimeoutMs = 1000;
const firstBackoffMs = 50;
const maxBackoffMs = 2000;
/**
 * A daemon that has just started answers before it has found its VMs again, and says nothing of one that it finds dead
 * (qemuProcessReconnect): everybody looks once more when it must be done, which may take as long as QEMU's monitor may.
 */
const lookAgainMs = [2000, 35_000];

const rightsHint = 'Run as root, or as a member of the group libvirt.';

/** An event as libvirt sends it. */
export type DomainEvent =
  | { readonly kind: 'lifecycle'; readonly dom: DomainRef; readonly event: number; readonly detail: number }
  | { readonly kind: 'device-removed'; readonly dom: DomainRef; readonly alias: string }
  | { readonly kind: 'reconnected' };

export interface LibvirtOptions {
  /** Absent: the first of the usual ones where somebody answers. */
  readonly socketPath?: string;
  /** Absent: `qemu:///system`. */
  readonly uri?: string;
}

export class LibvirtClient {
  readonly uri: string;
  readonly #socketPaths: readonly string[];
  readonly #listeners = new Set<(event: DomainEvent) => void>();
  #connection: RpcConnection | undefined;
  #connecting: Promise<RpcConnection> | undefined;
  #everConnected = false;
  #reconnecting = false;
  readonly #closed = new AbortController();

  constructor(options: LibvirtOptions) {
    this.uri = options.uri ?? defaultUri;
    this.#socketPaths = options.socketPath === undefined ? defaultSocketPaths : [options.socketPath];
  }

  /** Calls a procedure, on a new connection when the last one was lost. */
  async call<A, R>(procedure: Procedure<A, R>, args: A, timeoutMs = readTimeoutMs): Promise<R> {
    const connection = await this.connect();
    return connection.call(procedure, args, timeoutMs);
  }

  /** Hears every event from now on; the answer ends that. While somebody hears, a lost connection is made again. */
  listen(listener: (event: DomainEvent) => void): () => void {
    this.#listeners.add(listener);
    if (this.#connection?.isOpen !== true) void this.#reconnect();
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The open connection, made when there is none. Throws `hypervisor.unreachable`, `permission.missing`. */
  async connect(): Promise<RpcConnection> {
    if (this.#closed.signal.aborted) throw closed();
    if (this.#connection?.isOpen === true) return this.#connection;
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Takes leave of the daemon, which otherwise writes an error into its log. */
  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#listeners.clear();
    const connection = this.#connection;
    if (connection?.isOpen !== true) return;
    void connection
      .call(procedures.connectClose, undefined, goodbyeTimeoutMs)
      .catch(() => undefined)
      .then(() => connection.end(closed()));
  }

  async #open(): Promise<RpcConnection> {
    const connection = await this.#connectToDaemon();
    try {
      await authenticate(connection);
      await connection.call(procedures.connectOpen, { name: this.uri, flags: 0 }, readTimeoutMs);
      // Events are asked for on every connection: whoever asks later would miss some.
      await Promise.all(
        [VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED].map((eventId) =>
          connection.call(procedures.eventCallbackRegisterAny, { eventId, dom: undefined }, readTimeoutMs),
        ),
      );
    } catch (thrown) {
      connection.end(new VfleetError('hypervisor.unreachable', 'the connection could not be opened'));
      throw thrown;
    }
    this.#connection = connection;
    void connection.ended.then(() => this.#reconnect());
    if (this.#closed.signal.aborted) connection.end(closed());
    else if (this.#everConnected) this.#emit({ kind: 'reconnected' });
    this.#everConnected = true;
    for (const delayMs of lookAgainMs) {
      setTimeout(() => {
        if (connection.isOpen) this.#emit({ kind: 'reconnected' });
      }, delayMs).unref();
    }
    return connection;
  }

  async #connectToDaemon(): Promise<RpcConnection> {
    const problems: string[] = [];
    for (const path of this.#socketPaths) {
      try {
        return new RpcConnection(await connectSocket(path), (procedure, payload) =>
          this.#hear(procedure, payload),
        );
      } catch (thrown) {
        problems.push(`${path}: ${errnoOf(thrown)}`);
      }
    }
    throw new VfleetError('hypervisor.unreachable', `libvirt does not answer (${problems.join('; ')})`, {
      hint: problems.some((problem) => problem.endsWith('EACCES'))
        ? rightsHint
        : 'Start libvirtd (or virtqemud), or name its socket.',
    });
  }

  /** Goes on until there is a connection again or nobody hears. */
  async #reconnect(): Promise<void> {
    if (this.#reconnecting) return;
    this.#reconnecting = true;
    let backoffMs = firstBackoffMs;
    try {
      while (this.#listeners.size > 0 && !this.#closed.signal.aborted && this.#connection?.isOpen !== true) {
        try {
          await this.connect();
        } catch {
          // Why it does not answer is said to whoever calls; here only the next try counts.
          await sleep(backoffMs, undefined, { signal: this.#closed.signal }).catch(() => undefined);
          backoffMs = Math.min(2 * backoffMs, maxBackoffMs);
        }
      }
    } finally {
      this.#reconnecting = false;
    }
  }

  #hear(procedure: number, payload: Buffer): void {
    if (procedure === lifecycleMessage.number) {
      this.#emit({ kind: 'lifecycle', ...decodeXdr(lifecycleMessage.codec, payload) });
    } else if (procedure === deviceRemovedMessage.number) {
      this.#emit({ kind: 'device-removed', ...decodeXdr(deviceRemovedMessage.codec, payload) });
    }
  }

  #emit(event: DomainEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function closed(): VfleetError {
  return new VfleetError('hypervisor.unreachable', 'the connection was closed');
}

/** AUTH_LIST answers `none` to root also where polkit is set (remoteDispatchAuthList). */
async function authenticate(connection: RpcConnection): Promise<void> {
  const { types } = await connection.call(procedures.authList, undefined, readTimeoutMs);
  if (types.length === 0 || types.includes(AuthType.none)) return;
  if (!types.includes(AuthType.polkit)) {
    throw new VfleetError('permission.missing', 'libvirt asks for a password (SASL) at its socket', {
      hint: 'Run as root with `auth_unix_rw = "none"` or "polkit" in libvirtd.conf.',
    });
  }
  try {
    await connection.call(procedures.authPolkit, undefined, readTimeoutMs);
  } catch (thrown) {
    // It says no with many errors, and with others when polkit cannot be asked: either way this user is not let in.
    if (!(thrown instanceof VfleetError) || !isRefusal(thrown)) throw thrown;
    throw new VfleetError('permission.missing', thrown.message, {
      hint: rightsHint,
      details: thrown.details,
      cause: thrown,
    });
  }
}

function errnoOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : messageOf(thrown);
}
