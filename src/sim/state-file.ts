// Owns the file that keeps the state of a simulated host between processes, as a kernel outlives the programs on it.
// Written whole after every change. A call into the simulated kernel has the file for itself until it waits for something.

import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { messageOf, VfleetError } from '../base/errors.ts';
import { tryLockFile } from '../kernel/file-lock.ts';
import type { SimStore } from './host.ts';
import { simStateVersion } from './state.ts';
import type { SimState } from './state.ts';

const fileMode = 0o600;
const lockPollMs = 1;
/** Locks that this process has, by path: all hosts on one file share it. */
const locked = new Set<string>();

export class StateFile implements SimStore {
  readonly #path: string;
  readonly #profile: string;
  /** Identity of the file as we know it; every write makes a new one. */
  #known: string | undefined;

  constructor(path: string, profile: string) {
    this.#path = path;
    this.#profile = profile;
  }

  readChanged(): SimState | undefined {
    this.#lock();
    const found = this.#identity();
    if (found === undefined || found === this.#known) return undefined;
    this.#known = found;
    return this.#read();
  }

  /** Throws `file.unreadable`. Not synced: it need not outlive the machine. */
  write(state: SimState): void {
    this.#lock();
    const temporary = `${this.#path}.${process.pid}.tmp`;
    try {
      writeFileSync(temporary, JSON.stringify(state), { mode: fileMode });
      renameSync(temporary, this.#path);
    } catch (cause) {
      throw new VfleetError('file.unreadable', `${this.#path} cannot be written: ${messageOf(cause)}`, {
        cause,
      });
    }
    this.#known = this.#identity();
  }

  /**
   * Keeps other processes out until this one's event loop turns: between looking and writing a call awaits nothing but
   * what is there already. It stands still meanwhile, as a program does inside the kernel.
   */
  #lock(): void {
    const path = `${this.#path}.lock`;
    if (locked.has(path)) return;
    for (;;) {
      const lock = tryLockFile(path, `pid ${process.pid}`);
      if ('release' in lock) {
        locked.add(path);
        setImmediate(() => {
          locked.delete(path);
          lock.release();
        });
        return;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockPollMs);
    }
  }

  #identity(): string | undefined {
    const found = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? undefined : `${found.ino} ${found.mtimeNs} ${found.size}`;
  }

  #read(): SimState {
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(this.#path, 'utf8'));
    } catch (cause) {
      throw this.#invalid(messageOf(cause), cause);
    }
    if (!isState(value)) throw this.#invalid('it is no state of this version of vfleet');
    if (value.profile !== this.#profile) throw this.#invalid(`it belongs to the profile ${value.profile}`);
    return value;
  }

  #invalid(why: string, cause?: unknown): VfleetError {
    return new VfleetError('host.invalid', `the simulated host in ${this.#path} cannot be used: ${why}`, {
      hint: 'Remove the file to begin with a new host.',
      details: { file: this.#path },
      cause,
    });
  }
}

function isState(value: unknown): value is SimState {
  return (
    typeof value === 'object' &&
    value !== null &&
    'stateVersion' in value &&
    value.stateVersion === simStateVersion &&
    'profile' in value &&
    'pfs' in value &&
    Array.isArray(value.pfs)
  );
}
