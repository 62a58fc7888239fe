import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localKernel } from './local-kernel.ts';

function isFfiLoaded(): boolean {
  return Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('/koffi/'));
}

test('files need no FFI to libc, the first socket loads it', () => {
  const kernel = localKernel();
  expect(kernel.files.readBytes('/proc/self/stat')).toBeInstanceOf(Uint8Array);
  expect(isFfiLoaded()).toBe(false);
  kernel.openNetlink('route').close();
  expect(isFfiLoaded()).toBe(true);
});

test('a root moves the files, and the running kernel stays', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vfleet-'));
  try {
    writeFileSync(join(root, 'file'), 'here');
    const kernel = localKernel({ root });
    expect(kernel.files.readBytes('/file')).toEqual(new TextEncoder().encode('here'));
    expect(await kernel.ethtoolIoctl('lo', new Uint8Array(20).fill(0x37, 0, 1))).toHaveLength(20);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('the clock goes on while it sleeps', async () => {
  const { clock } = localKernel();
  const before = clock.nowMs();
  await clock.sleep(20);
  expect(clock.nowMs()).toBeGreaterThan(before);
});
