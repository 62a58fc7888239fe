import { expect, it } from 'vitest';
import { readSnapshot } from '../../src/inventory/snapshot.ts';
import { localKernel } from '../../src/kernel/local-kernel.ts';
import { KernelSession } from '../../src/kernel/session.ts';

it('reads', async () => {
  const session = new KernelSession(localKernel());
  const t = Date.now();
  const snapshot = await readSnapshot(session, { detail: 'full' });
  console.log(JSON.stringify(snapshot, null, 1), Date.now() - t);
  session.close();
  expect(snapshot.pfs.length).toBe(3);
});
