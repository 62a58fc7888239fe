// Owns fsync(2) of a folder, after which the names in it survive a loss of power.

import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Writes to the disk which names a folder holds. Throws what Node throws for a folder that cannot be opened. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
