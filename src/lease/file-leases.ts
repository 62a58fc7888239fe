// Owns leases as files of the state folder: one per VF, made by link(2), which only one of many can win.
// Says nothing about when a lease may end; that is src/assign's.

import { closeSync, fstatSync, openSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VfleetError, messageOf } from '../base/errors.ts';
import { syncFolder } from '../kernel/folder-sync.ts';
import { tryLockDescriptor } from '../kernel/descriptor-lock.ts';
import { Lease } from '../model/lease.ts';
import type { CorruptLease, VfKey } from '../model/lease.ts';
import { corruptLease } from './lease-store.ts';
import type { LeaseStore } from './lease-store.ts';
import { createRecord, errnoOf, listNames, readRecord } from './record-file.ts';
import { parseVfFileName, vfFileName } from './vf-file-name.ts';
import { describeCorrupt, parseVfRecord } from './vf-record.ts';
import { watchFolder } from './folder-watch.ts';

const ending = '.json';
/** Whoever else ends this lease right now is done within a write to the disk. */
const deletePollMs = 2;

/** Where leases, their locks and quarantine records are. */
export function leaseFolder(stateFolder: string): string {
  return join(stateFolder, 'leases');
}

/**
 * Leases in a folder of the host, `leases/ADDRESS@INDEX.json`. The folder is made with the first lease. Every call can
 * fail with `file.unreadable`.
 */
export function openFileLeases(stateFolder: string): LeaseStore {
  const folder = leaseFolder(stateFolder);
  const pathOf = (key: VfKey): string => join(folder, `${vfFileName(key)}${ending}`);

  // The text is read each time: inode and time of a file can be those of the record before it. What it means is not
  // worked out again and again, by an agent that lists thousands. By path, what was read last.
  const known = new Map<string, { readonly text: string; readonly lease: Lease }>();

  /** Throws a plain Error for whatever is no lease of this VF. */
  function readLease(key: VfKey): Lease | undefined {
    const path = pathOf(key);
    const text = readRecord(path);
    if (text === undefined) {
      known.delete(path);
      return undefined;
    }
    const before = known.get(path);
    if (before?.text === text) return before.lease;
    const lease = parseVfRecord(text, Lease, key);
    known.set(path, { text, lease });
    return lease;
  }

  return {
    create: async (lease) => createRecord(pathOf(lease.key), `${JSON.stringify(Lease.parse(lease))}\n`),
    read: async (key) => {
      try {
        return readLease(key);
      } catch (cause) {
        throw corruptAt(pathOf(key), cause);
      }
    },
    deleteIfGeneration: async (key, generation) => deleteLease(pathOf(key), key, generation),
    list: async () => {
      const leases: Lease[] = [];
      const corrupt: CorruptLease[] = [];
      for (const name of listNames(folder)) {
        const key = name.endsWith(ending) ? parseVfFileName(name.slice(0, -ending.length)) : undefined;
        if (key === undefined) continue;
        try {
          const lease = readLease(key);
          // One that went between listing and reading has ended.
          if (lease !== undefined) leases.push(lease);
        } catch (cause) {
          corrupt.push({ key, why: describeCorrupt('lease', pathOf(key), cause) });
        }
      }
      return { leases: leases.sort(byVf), corrupt: corrupt.sort(byVf) };
    },
    watch: (signal) => watchFolder(folder, (name) => name.endsWith(ending), signal),
  };
}

/**
 * Between looking at the generation and unlinking nobody else may unlink: the record might be a newer one then. So who
 * ends a lease holds the lock of the record itself, and looks whether the name still leads to it. Nobody can make a
 * newer one meanwhile, because the name is taken.
 */
async function deleteLease(path: string, key: VfKey, generation: string): Promise<boolean> {
  for (;;) {
    const done = tryDelete(path, key, generation);
    if (done !== undefined) return done;
    await sleep(deletePollMs);
  }
}

/** Undefined: somebody else is at this record, or the name changed hands. */
function tryDelete(path: string, key: VfKey, generation: string): boolean | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    if (!tryLockDescriptor(fd)) return undefined;
    const mine = fstatSync(fd, { bigint: true });
    const named = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (named?.ino !== mine.ino || named.dev !== mine.dev) return undefined;
    if (parseAt(path, readFileSync(fd, 'utf8'), key).generation !== generation) return false;
    unlinkSync(path);
    syncFolder(dirname(path));
    return true;
  } catch (cause) {
    if (cause instanceof VfleetError) throw cause;
    if (fd === undefined && errnoOf(cause) === 'ENOENT') return false;
    throw new VfleetError('file.unreadable', `${path}: ${messageOf(cause)}`, {
      cause,
      details: { file: path },
    });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function parseAt(path: string, text: string, key: VfKey): Lease {
  try {
    return parseVfRecord(text, Lease, key);
  } catch (cause) {
    throw corruptAt(path, cause);
  }
}

function corruptAt(path: string, cause: unknown): VfleetError {
  return corruptLease(describeCorrupt('lease', path, cause), { file: path });
}

function byVf(a: { readonly key: VfKey }, b: { readonly key: VfKey }): number {
  return compare(a.key.pf, b.key.pf) || a.key.vf - b.key.vf;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
