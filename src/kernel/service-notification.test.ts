import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeNotifyAddress, notifyServiceManager } from './service-notification.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfleet-notify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a datagram socket under a name gets; perl is on every Debian, and Node has no such socket. */
async function received(name: string, send: () => boolean): Promise<string> {
  const program = `use Socket; $| = 1;
    socket(S, AF_UNIX, SOCK_DGRAM, 0) or die; my $n = $ARGV[0]; $n =~ s/^@/\\0/;
    bind(S, pack('S a*', AF_UNIX, $n)) or die $!; print "bound\\n"; recv(S, my $m, 4096, 0); print $m;`;
  const child = spawn('perl', ['-e', program, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      const wasBound = output.includes('bound');
      output += chunk.toString();
      if (!wasBound && output.includes('bound') && !send()) reject(new Error('not sent'));
    });
    child.on('error', reject);
    child.on('close', () => resolve(output.replace('bound\n', '')));
  });
}

describe('the line to the service manager', () => {
  it('reaches a socket in the file system and one in the abstract namespace', async () => {
    for (const name of [join(folder, 'notify'), `@vfleet-test-${process.pid}`]) {
      const text = await received(name, () => notifyServiceManager(name, 'READY=1\nSTATUS=fine'));
      expect(text).toBe('READY=1\nSTATUS=fine');
    }
  });

  it('is silent when nobody listens, or the name is none', () => {
    for (const name of [
      '',
      '/',
      '@',
      'relative',
      'vsock:2:1',
      `/${'x'.repeat(200)}`,
      '/a\0b',
      join(folder, 'gone'),
    ])
      expect(notifyServiceManager(name, 'READY=1')).toBe(false);
    expect(encodeNotifyAddress('@ab')).toEqual(Buffer.from([1, 0, 0, 0x61, 0x62]));
    expect(encodeNotifyAddress('/a')).toEqual(Buffer.from([1, 0, 0x2f, 0x61, 0]));
  });
});
