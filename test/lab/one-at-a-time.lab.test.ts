// Two processes that want to change one host: the second is told who is at it, or waits.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVfleet, vfleet, writeSpec } from './command.ts';
import { listVfs, makeFolder, pf0, resetLab } from './lab-host.ts';

describe('two applies at once', () => {
  const state = makeFolder();

  beforeAll(resetLab);
  afterAll(resetLab);

  it('do not mix: one is told who holds the lock, one waits and finds its work done', async () => {
    const file = writeSpec(
      state,
      `  - match: { address: '${pf0}' }\n    up: true\n    vfs: { count: 7, default: { driver: kernel, vlan: 9 } }\n`,
    );
    const first = startVfleet(state, ['apply', file, '--yes']);
    await first.said(/^\[1\//m);
    const holder = `vfleet apply (pid ${first.child.pid}`;
    const hasty = await vfleet(state, ['apply', file, '--yes']);
    expect(hasty).toMatchObject({ status: 4, stderr: expect.stringContaining(holder) as string });
    const patient = await vfleet(state, ['apply', file, '--yes', '--wait', '600']);
    expect(patient.stderr).toContain(`waiting for ${holder}`);
    expect(patient).toMatchObject({ status: 0, stdout: expect.stringContaining('No changes') as string });
    expect(await first.ended).toMatchObject({ status: 0 });
    expect(listVfs(pf0)).toHaveLength(7);
  });
});
