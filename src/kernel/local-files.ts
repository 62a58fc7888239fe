// Owns access to the files of the machine we run on: the FileTree of the kernel port on node:fs.
// Decides which calls may be made in our own process and which need a child (waiting-child.ts).
// Knows no file of /sys or /proc by meaning; the readers in sysfs/, proc/ and pci-config/ do.

import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { posix } from 'node:path';
import { VfleetError } from '../base/errors.ts';
import { errnoNameOf } from './errno-table.ts';
import type { Errno, FileTree } from './kernel.ts';
import { attributeMaxBytes, readInChild, writeInChild } from './waiting-child.ts';

const defaultMaxBytes = 64 * 1024;

/**
 * Attributes whose store function takes no lock and calls no driver; only these are written in our own process.
 * `sriov_drivers_autoprobe` sets a flag (drivers/pci/iov.c, sriov_drivers_autoprobe_store).
 * All others may wait: `sriov_numvfs`, `bind`, `unbind`, `drivers_probe` and `reset` run driver code, and
 * `driver_override` takes the device lock that a hanging probe or unbind holds (drivers/base/driver.c,
 * driver_set_override; a spin lock only in kernels of 2026 and later).
 */
const promptAttributes: ReadonlySet<string> = new Set(['sriov_drivers_autoprobe']);

export interface LocalFilesOptions {
  /** Folder to put before every path: the copy of a tree stands in for the machine. Symbolic links must be relative. */
  readonly root?: string;
}

/**
 * The files of this machine. Reading costs about 10 µs a file, a write that may wait 1 ms (a child process).
 * Such a write never blocks the event loop, and a write that hangs in the kernel does not keep our process from
 * exiting. Throws `internal.bug` for a path that is not absolute and normalised.
 */
export function localFiles(options: LocalFilesOptions = {}): FileTree {
  const root = options.root ?? '';
  if (root !== '') checkPath(root);
  // Reused: thousands of small files are read one after another, and each answer is copied out.
  const scratch = Buffer.allocUnsafeSlow(defaultMaxBytes);

  function at(path: string): string {
    checkPath(path);
    return root + path;
  }

  return {
    readBytes(path, maxBytes = defaultMaxBytes) {
      const buffer = maxBytes <= scratch.length ? scratch : Buffer.allocUnsafeSlow(maxBytes);
      return readWhole(at(path), buffer, maxBytes);
    },
    async readWaiting(path, timeoutMs) {
      return readInChild(at(path), timeoutMs);
    },
    list(path) {
      const names = attempt(() => readdirSync(at(path)));
      return Array.isArray(names) ? names.sort() : [];
    },
    readLink(path) {
      const target = attempt(() => readlinkSync(at(path)));
      return typeof target === 'string' ? target : undefined;
    },
    identity(path) {
      const stat = attempt(() => statSync(at(path), { bigint: true, throwIfNoEntry: false }));
      return stat === undefined || 'errno' in stat ? undefined : `${stat.dev}:${stat.ino}`;
    },
    async write(path, text, timeoutMs) {
      const sizeBytes = Buffer.byteLength(text);
      if (sizeBytes === 0 || sizeBytes > attributeMaxBytes) {
        throw new VfleetError('internal.bug', `${sizeBytes} bytes cannot be written to ${path} in one call`);
      }
      const place = at(path);
      return promptAttributes.has(posix.basename(path))
        ? writeAtOnce(place, text)
        : writeInChild(place, text, timeoutMs);
    },
  };
}

function checkPath(path: string): void {
  const isPlain = path.startsWith('/') && posix.normalize(path) === path && !path.includes('\0');
  if (!isPlain) throw new VfleetError('internal.bug', `not an absolute, normalised path: ${path}`);
}

/** The answer of a file system call, or the errno it failed with. */
function attempt<T>(call: () => T): T | Errno {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof VfleetError) throw thrown;
    const { errno } = thrown as NodeJS.ErrnoException;
    if (errno === undefined) throw thrown;
    return { errno: errnoNameOf(Math.abs(errno)) };
  }
}

function readWhole(path: string, buffer: Buffer, maxBytes: number): Uint8Array | Errno {
  return attempt(() => {
    // Non-blocking: a FIFO in the way must not stop us; regular files and attributes do not care.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      let sizeBytes = 0;
      // Until nothing more comes: files of /proc give a page at a time, so a short read is not the end.
      while (sizeBytes < maxBytes) {
        const count = readSync(fd, buffer, sizeBytes, maxBytes - sizeBytes, null);
        if (count === 0) break;
        sizeBytes += count;
      }
      return new Uint8Array(buffer.subarray(0, sizeBytes));
    } finally {
      closeSync(fd);
    }
  });
}

function writeAtOnce(path: string, text: string): Errno | undefined {
  return attempt(() => {
    const fd = openSync(path, constants.O_WRONLY);
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
    return undefined;
  });
}
