// Owns the state of a simulated hypervisor: its VMs, and where they are kept between processes.
// What the hypervisor does with them is sim-hypervisor.ts's.

import { readFileSync, renameSync, statSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { VfleetError, messageOf } from '../../base/errors.ts';
import { tryLockFile } from '../../kernel/file-lock.ts';
import { Vm } from '../../model/vm.ts';

const fileMode = 0o600;
const lockPollMs = 5;
const memoryPollMs = 20;
const filePollMs = 500;
/** Events that a watcher which looks now and then cannot miss. */
const maxEvents = 200;

const SimVmEvent = z.strictObject({
  number: z.int(),
  kind: z.enum(['lifecycle', 'device-removed']),
  uuid: z.string(),
  name: z.string(),
  what: z.enum(['defined', 'undefined', 'started', 'suspended', 'resumed', 'stopped', 'crashed']).optional(),
  alias: z.string().optional(),
});
export type SimVmEvent = z.infer<typeof SimVmEvent>;

export const SimVms = z.strictObject({
  stateVersion: z.literal(1),
  vms: z.array(Vm),
  /** The latest ones. */
  events: z.array(SimVmEvent),
  nextEvent: z.int(),
  /** How often each fault was met. */
  faultCounts: z.record(z.string(), z.int()),
  /** The first VF that each standby in a running VM was paired with: aliases, by UUID and standby. */
  primaries: z.record(z.string(), z.string()).optional(),
});
export type SimVms = z.infer<typeof SimVms>;

/** Where a simulated hypervisor keeps its VMs. */
export interface SimVmStore {
  /** Something that differs when the content does. */
  stamp(): string;
  read(): SimVms;
  /** Waits until something may have changed: for a moment at least, for half a second at most. */
  waitForNews(signal: AbortSignal): Promise<void>;
  /** Reads, changes and writes; one at a time, of all processes. A change that throws is none. */
  change<T>(work: (vms: SimVms) => T): Promise<T>;
}

/** The VMs that a new simulated hypervisor has: two that run, one that does not. */
export function usualVms(): readonly Vm[] {
  return [newVm('web-1', 1, 'running'), newVm('web-2', 2, 'running'), newVm('db-1', 3, 'stopped')];
}

const uuidDigits = 12;

/** A VM with a stored definition, four vCPUs and 4 GiB. `number` makes its UUID. */
export function newVm(name: string, number: number, state: Vm['state'] = 'running'): Vm {
  return {
    name,
    uuid: `5f0c6a1e-7d1b-4f7a-9a55-${number.toString(16).padStart(uuidDigits, '0')}`,
    state,
    persistent: true,
    nics: [],
    storedNics: [],
    placement: { vcpuCount: 4, memoryMb: 4096, vcpuPins: {} },
  };
}

export function newSimVms(vms: readonly Vm[] = usualVms()): SimVms {
  return { stateVersion: 1, vms: [...vms], events: [], nextEvent: 1, faultCounts: {} };
}

/** Adds an event; the oldest go. */
export function addEvent(vms: SimVms, event: Omit<SimVmEvent, 'number'>): void {
  vms.events.push({ number: vms.nextEvent, ...event });
  vms.nextEvent += 1;
  vms.events.splice(0, Math.max(0, vms.events.length - maxEvents));
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch(() => undefined);
}

/** VMs in memory; `vms` is changed in place. */
export function memoryStore(vms: SimVms): SimVmStore {
  let count = 0;
  return {
    stamp: () => String(count),
    read: () => vms,
    waitForNews: async (signal) => pause(memoryPollMs, signal),
    async change(work) {
      const draft = structuredClone(vms);
      const result = work(draft);
      Object.assign(vms, draft);
      count += 1;
      return result;
    },
  };
}

/** VMs in a file, so that one process after another, and several at once, see the same. Throws `host.invalid`. */
export function fileStore(path: string): SimVmStore {
  const write = (vms: SimVms): void => {
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, JSON.stringify(vms), { mode: fileMode });
    renameSync(temporary, path);
  };
  const read = (): SimVms => {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return newSimVms();
    try {
      return SimVms.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch (cause) {
      throw new VfleetError(
        'host.invalid',
        `the simulated VMs in ${path} cannot be used: ${messageOf(cause)}`,
        {
          hint: 'Remove the file to begin with new ones.',
          details: { file: path },
          cause,
        },
      );
    }
  };
  return {
    stamp: () => {
      const found = statSync(path, { bigint: true, throwIfNoEntry: false });
      return found === undefined ? '' : `${found.ino} ${found.mtimeNs} ${found.size}`;
    },
    read,
    waitForNews: async (signal) => {
      const news = new AbortController();
      const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
        if (name === null || name === basename(path)) news.abort();
      });
      watcher.on('error', () => watcher.close());
      try {
        // What changed right before inotify began is seen after this time.
        await pause(filePollMs, AbortSignal.any([signal, news.signal]));
      } finally {
        watcher.close();
      }
    },
    async change(work) {
      for (;;) {
        const lock = tryLockFile(`${path}.lock`, `pid ${process.pid}`);
        if (!('release' in lock)) {
          await sleep(lockPollMs);
          continue;
        }
        try {
          const vms = read();
          const result = work(vms);
          write(vms);
          return result;
        } finally {
          lock.release();
        }
      }
    },
  };
}
