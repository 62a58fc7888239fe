// Owns the file port of a simulated host: paths, rights, faults, locks and time limits of reads and writes.
// What stands in the files is in tree/.

import { posix } from 'node:path';
import { VfleetError } from '../base/errors.ts';
import type { Errno, FileTree } from '../kernel/kernel.ts';
import { bounded } from './bounded.ts';
import type { FaultEffects } from './fault-set.ts';
import type { SimHost } from './host.ts';
import type { FileNode } from './tree/node.ts';
import { rootFolder } from './tree/root.ts';
import { isMissing, textOfLink, walk } from './tree/walk.ts';
import type { Found } from './tree/walk.ts';

const defaultMaxBytes = 64 * 1024;
/** One page: the most that sysfs takes in one call, as in the real port (waiting-child.ts). */
const attributeMaxBytes = 4096;
/** As many folders as one device's files lie in, many times over. */
const maxKnownFolders = 256;
/** Device numbers of the file systems, for identities. */
const fileSystems: Readonly<Record<string, number>> = { sys: 22, proc: 23, dev: 6, run: 25, etc: 254 };

export function simFiles(host: SimHost): FileTree {
  const root = rootFolder(host);
  const inodes = new Map<string, number>();

  // Readers ask for one file of a folder after another: the way to the folder is gone once.
  const folders = new Map<string, Found>();
  let generation = -1;

  function findFolder(path: string): Found | Errno {
    if (generation !== host.generation || folders.size > maxKnownFolders) folders.clear();
    generation = host.generation;
    const known = folders.get(path);
    if (known !== undefined) return known;
    const found = walk(root, path, { follow: true });
    if (!isMissing(found)) folders.set(path, found);
    return found;
  }

  function find(path: string, follow = true): Found | Errno {
    const start = findFolder(posix.dirname(path));
    return isMissing(start) ? start : walk(root, posix.basename(path), { follow, start });
  }

  function identityOf({ node, path }: Found): string {
    if (node.kind === 'file' && node.identity !== undefined) return node.identity;
    let inode = inodes.get(path);
    if (inode === undefined) inodes.set(path, (inode = inodes.size + 1));
    return `${fileSystems[path.split('/')[1] ?? ''] ?? 1}:${inode}`;
  }

  function read(path: string, maxBytes: number, effects: FaultEffects): Uint8Array | Errno {
    if (effects.errno !== undefined) return { errno: effects.errno };
    const found = find(path);
    if (isMissing(found)) return found;
    if (found.node.kind === 'folder') return { errno: found.node.refusal ?? 'EISDIR' };
    if (found.node.kind === 'link') return { errno: 'ENOENT' };
    if (found.node.read === undefined) return { errno: 'EACCES' };
    const content = found.node.read();
    if (typeof content !== 'string')
      return content instanceof Uint8Array ? content.slice(0, maxBytes) : content;
    return Uint8Array.from(Buffer.from(content).subarray(0, maxBytes));
  }

  /** The whole of a write, however long it takes. */
  async function write(path: string, text: string, file: FileNode): Promise<Errno | undefined> {
    const effects = await host.passFaults(['write', 'change'], {
      path,
      value: text,
      ...aboutWrite(host, file, text),
    });
    if (effects.errno !== undefined) return { errno: effects.errno };
    if (!effects.dropped) {
      // Anew: the device can have gone while the write waited.
      const found = find(path);
      if (isMissing(found)) return { errno: 'ENODEV' };
      if (found.node.kind !== 'file' || found.node.write === undefined) return { errno: 'EACCES' };
      const errno = await found.node.write(text);
      if (errno !== undefined) return { errno };
    }
    if (effects.kill === 'after') await host.die();
    return undefined;
  }

  return {
    readBytes(path, maxBytes = defaultMaxBytes) {
      checkPath(path);
      host.enter();
      const found = find(path);
      const file = fileOf(found);
      const lock = file?.lock?.(undefined);
      if (lock !== undefined && host.locks.isHeld(lock)) {
        throw new VfleetError(
          'internal.bug',
          `reading ${path} waits for the lock of ${lock}: it is for readWaiting`,
        );
      }
      // A fault that waits has no place here: such a read would stop everything.
      return read(path, maxBytes, host.meetFaults(['read'], { path, ...file?.about }));
    },
    async readWaiting(path, timeoutMs) {
      checkPath(path);
      host.enter();
      const file = fileOf(find(path));
      const work = async (): Promise<Uint8Array | Errno> => {
        host.enter();
        return read(path, attributeMaxBytes, await host.passFaults(['read'], { path, ...file?.about }));
      };
      const lock = file?.lock?.(undefined);
      return bounded(host.clock, timeoutMs, lock === undefined ? work() : host.locks.run(lock, work), {
        message: `the read of ${path} has been in the kernel for ${timeoutMs / 1000} s`,
        operation: `read ${path}`,
        file: path,
      });
    },
    list(path) {
      checkPath(path);
      host.enter();
      const found = find(path);
      if (isMissing(found) || found.node.kind !== 'folder') return [];
      return [...found.node.names()].sort();
    },
    readLink(path) {
      checkPath(path);
      host.enter();
      const found = find(path, false);
      return isMissing(found) || found.node.kind !== 'link' ? undefined : textOfLink(found.node, found.path);
    },
    identity(path) {
      checkPath(path);
      host.enter();
      const found = find(path);
      return isMissing(found) ? undefined : identityOf(found);
    },
    async write(path, text, timeoutMs) {
      const sizeBytes = Buffer.byteLength(text);
      if (sizeBytes === 0 || sizeBytes > attributeMaxBytes) {
        throw new VfleetError('internal.bug', `${sizeBytes} bytes cannot be written to ${path} in one call`);
      }
      checkPath(path);
      host.enter();
      const found = find(path);
      if (isMissing(found)) return found;
      const { node } = found;
      if (node.kind === 'folder') return { errno: 'EISDIR' };
      if (node.kind !== 'file' || node.write === undefined) return { errno: 'EACCES' };
      if (!host.hasCapability('CAP_DAC_OVERRIDE')) return { errno: 'EACCES' };
      const lock = node.lock?.(text);
      const work = async (): Promise<Errno | undefined> => write(path, text, node);
      return bounded(host.clock, timeoutMs, lock === undefined ? work() : host.locks.run(lock, work), {
        message: `the write to ${path} has been in the kernel for ${timeoutMs / 1000} s; it cannot be cancelled`,
        operation: `write ${path}`,
        file: path,
      });
    },
  };
}

function fileOf(found: Found | Errno): FileNode | undefined {
  return isMissing(found) || found.node.kind !== 'file' ? undefined : found.node;
}

function checkPath(path: string): void {
  const isPlain = path.startsWith('/') && posix.normalize(path) === path && !path.includes('\0');
  if (!isPlain) throw new VfleetError('internal.bug', `not an absolute, normalised path: ${path}`);
}

/** For faults: the VF or PF that a write is about, also where its address is the text (bind, unbind, drivers_probe). */
function aboutWrite(
  host: SimHost,
  file: FileNode,
  text: string,
): { pf?: string | undefined; vf?: number | undefined } {
  if (file.about !== undefined) return file.about;
  const fn = host.index.functions.get(text.trim());
  if (fn?.role === 'vf') return { pf: fn.pf.address, vf: fn.vf.index };
  return fn?.role === 'pf' ? { pf: fn.address } : {};
}
