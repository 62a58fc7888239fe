import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockHost } from './host-lock.ts';

function stateFolder(): string {
  return mkdtempSync(join(tmpdir(), 'vfleet-lock-'));
}

describe('the lock of a host', () => {
  it('is held by one at a time, and the next is told by whom', async () => {
    const folder = stateFolder();
    const first = await lockHost(folder, { command: 'apply', waitMs: 0 });
    const refusal = await lockHost(folder, { command: 'revert', waitMs: 0 }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'lock.held', exitStatus: 4 });
    expect(String(refusal)).toContain(`vfleet apply (pid ${process.pid}`);
    first.release();
    (await lockHost(folder, { command: 'revert', waitMs: 0 })).release();
  });

  it('is waited for', async () => {
    const folder = stateFolder();
    const first = await lockHost(folder, { command: 'apply', waitMs: 0 });
    const waiting: string[] = [];
    const second = lockHost(folder, {
      command: 'revert',
      waitMs: 30_000,
      onWait: (heldBy) => waiting.push(heldBy),
    });
    setTimeout(() => first.release(), 250);
    (await second).release();
    expect(waiting).toHaveLength(1);
  });

  it('is free when its holder was killed', async () => {
    const folder = stateFolder();
    const holder = spawn('flock', ['-x', join(folder, 'lock'), 'sleep', '60'], {
      stdio: 'ignore',
      detached: true,
    });
    await once(holder, 'spawn');
    await expect
      .poll(async () =>
        lockHost(folder, { command: 'apply', waitMs: 0 }).then(
          (lock) => (lock.release(), 'free'),
          () => 'held',
        ),
      )
      .toBe('held');
    process.kill(-(holder.pid ?? 0), 'SIGKILL');
    (await lockHost(folder, { command: 'apply', waitMs: 10_000 })).release();
  });

  it('is shared by many that give and take VFs, and by nobody who changes the whole', async () => {
    const folder = stateFolder();
    const holders = await Promise.all(
      Array.from({ length: 8 }, async () =>
        lockHost(folder, { command: 'attach', waitMs: 0, mode: 'shared' }),
      ),
    );
    const refusal = await lockHost(folder, { command: 'apply', waitMs: 0 }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'lock.held' });
    for (const holder of holders) holder.release();
    const whole = await lockHost(folder, { command: 'apply', waitMs: 0 });
    const late = lockHost(folder, { command: 'attach', waitMs: 0, mode: 'shared' });
    await expect(late).rejects.toMatchObject({
      code: 'lock.held',
      message: expect.stringContaining('vfleet apply') as unknown,
    });
    whole.release();
  });

  it('is waited for by itself while it is shared for a moment', async () => {
    const folder = stateFolder();
    const shared = await lockHost(folder, { command: 'attach', waitMs: 0, mode: 'shared' });
    const waiting: string[] = [];
    const whole = lockHost(folder, {
      command: 'apply',
      waitMs: 0,
      onWait: (heldBy) => waiting.push(heldBy),
    });
    setTimeout(() => shared.release(), 50);
    (await whole).release();
    expect(waiting).toEqual([]);
  });

  it('names no earlier holder when it is shared', async () => {
    const folder = stateFolder();
    (await lockHost(folder, { command: 'revert', waitMs: 0 })).release();
    const shared = await lockHost(folder, { command: 'attach', waitMs: 0, mode: 'shared' });
    const refusal = await lockHost(folder, { command: 'apply', waitMs: 0 }).catch((error: unknown) => error);
    expect(String(refusal)).toContain('this host is being changed by vfleet, which gives or takes a VF');
    shared.release();
  });
});
