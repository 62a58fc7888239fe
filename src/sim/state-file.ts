// Owns the file that keeps the state of a simulated host between processes, as a kernel outlives the programs on it.
// Written whole after every change; who writes last wins, so only one process at a time should change a host.

import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { messageOf, VfleetError } from '../base/errors.ts';
import type { SimStore } from './host.ts';
import { simStateVersion } from './state.ts';
import type { SimState } from './state.ts';

const fileMode = 0o600;

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
    const found = this.#identity();
    if (found === undefined || found === this.#known) return undefined;
    this.#known = found;
    return this.#read();
  }

  /** Throws `file.unreadable`. Not synced: it need not outlive the machine. */
  write(state: SimState): void {
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
