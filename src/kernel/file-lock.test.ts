import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tryLockFile } from './file-lock.ts';

describe('a lock file on a full disk', () => {
  it.skipIf(!existsSync('/dev/full'))('is locked all the same, and free again afterwards', () => {
    for (let turn = 0; turn < 2; turn += 1) {
      const lock = tryLockFile('/dev/full', 'vfleet detach');
      expect(lock).toHaveProperty('release');
      if ('release' in lock) lock.release();
    }
  });
});
