import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { labCacheFolder, preparing } from './cache.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-cache-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('labCacheFolder', () => {
  it('follows the variables in their order', () => {
    expect(labCacheFolder({ HOME: '/h' })).toBe('/h/.cache/vfleet/lab');
    expect(labCacheFolder({ HOME: '/h', XDG_CACHE_HOME: '/x' })).toBe('/x/vfleet/lab');
    expect(labCacheFolder({ HOME: '/h', XDG_CACHE_HOME: '/x', VFLEET_LAB_CACHE: '/v' })).toBe('/v');
  });

  it('takes an empty or relative one for none', () => {
    expect(labCacheFolder({ HOME: '/h', XDG_CACHE_HOME: 'x', VFLEET_LAB_CACHE: '' })).toBe(
      '/h/.cache/vfleet/lab',
    );
  });
});

describe('preparing', () => {
  it('lets one work at a time', async () => {
    const cache = newFolder();
    let active = 0;
    let most = 0;
    const work = async (folder: string): Promise<string> => {
      active += 1;
      most = Math.max(most, active);
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
      active -= 1;
      return folder;
    };
    const folders = await Promise.all([1, 2, 3].map(async () => preparing(cache, () => {}, undefined, work)));
    expect(most).toBe(1);
    expect(new Set(folders).size).toBe(3);
    expect(readdirSync(cache)).toEqual(['lock']);
  });

  it('removes its folder when the work fails, and is free again', async () => {
    const cache = newFolder();
    const failing = preparing(
      cache,
      () => {},
      undefined,
      async (folder) => {
        mkdirSync(join(folder, 'half'));
        throw new Error('no');
      },
    );
    await expect(failing).rejects.toThrow('no');
    expect(
      await preparing(
        cache,
        () => {},
        undefined,
        async () => readdirSync(cache).length,
      ),
    ).toBe(2);
  });

  it('removes what a killed process left', async () => {
    const cache = newFolder();
    mkdirSync(join(cache, 'work-old', 'kernel'), { recursive: true });
    await preparing(
      cache,
      () => {},
      undefined,
      async () => {},
    );
    expect(existsSync(join(cache, 'work-old'))).toBe(false);
  });

  it('stops waiting when it is interrupted', async () => {
    const cache = newFolder();
    const controller = new AbortController();
    await preparing(
      cache,
      () => {},
      undefined,
      async () => {
        const second = preparing(
          cache,
          () => {},
          controller.signal,
          async () => {},
        );
        controller.abort(new Error('interrupted'));
        await expect(second).rejects.toThrow('interrupted');
      },
    );
  });
});
