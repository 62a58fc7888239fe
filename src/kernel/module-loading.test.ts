import { describe, expect, it } from 'vitest';
import { loadModule } from './module-loading.ts';

describe('loading a module', () => {
  it('says ENOENT for one that there is not', async () => {
    expect(await loadModule('vfleet_no_such_module', 30_000)).toEqual({ errno: 'ENOENT' });
  });

  it.each(['--help', '', 'a b', '../x', 'a;b', 'x'.repeat(65)])('takes no %j for a name', async (name) => {
    await expect(loadModule(name, 1000)).rejects.toMatchObject({ code: 'internal.bug' });
  });
});
