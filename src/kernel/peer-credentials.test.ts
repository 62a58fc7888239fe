import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readPeerCredentials } from './peer-credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfleet-peer-'));
let server: Server | undefined;
afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function accept(path: string): Promise<{ theirs: Socket; ours: Socket }> {
  return new Promise((resolve, reject) => {
    server = createServer((ours) => resolve({ theirs, ours }));
    server.on('error', reject);
    let theirs: Socket;
    server.listen(path, () => {
      theirs = connect(path);
    });
  });
}

describe('the peer of a connection', () => {
  it('is the process that connected, with the groups that the kernel knows', async () => {
    const { theirs, ours } = await accept(join(folder, 's'));
    const groups = execFileSync('id', ['-G'], { encoding: 'utf8' }).trim().split(/\s+/).map(Number);
    const peer = readPeerCredentials(ours);
    expect(peer).toMatchObject({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
    // `id` also names the primary group.
    expect(new Set([peer?.gid, ...(peer?.groups ?? [])])).toEqual(new Set(groups));
    theirs.destroy();
    ours.destroy();
    expect(readPeerCredentials(ours)).toBeUndefined();
  });
});
