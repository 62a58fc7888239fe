import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { defaultLabMachine } from './machine.ts';
import { copyUntilMarker, runInLab } from './run.ts';

const end = 'the-end-of-it';

describe('copyUntilMarker', () => {
  it('waits for a slow target and loses nothing', async () => {
    const content = randomBytes(300_000);
    const source = new PassThrough();
    const chunks: Buffer[] = [];
    const target = new Writable({
      highWaterMark: 1000,
      write(chunk: Buffer, _, done) {
        chunks.push(chunk);
        setImmediate(done);
      },
    });
    const copied = copyUntilMarker(source as unknown as Socket, target, end);
    for (let start = 0; start < content.byteLength; start += 7001) {
      source.write(content.subarray(start, start + 7001));
    }
    source.write(end);
    await copied;
    await new Promise<void>((resolve) => {
      target.end(resolve);
    });
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  it('passes on that the target broke', async () => {
    const source = new PassThrough();
    const target = new Writable({
      highWaterMark: 1,
      write(_chunk, _, done) {
        done(new Error('EPIPE'));
      },
    });
    target.on('error', () => {});
    const copied = copyUntilMarker(source as unknown as Socket, target, end);
    source.write('abc');
    await expect(copied).rejects.toThrow('EPIPE');
  });
});

describe('runInLab', () => {
  it('refuses a machine that cannot be had before it starts anything', async () => {
    const task = { command: ['true'], cwd: '/', env: {}, stdout: process.stdout, stderr: process.stderr };
    await expect(runInLab({ ...defaultLabMachine, memoryMb: 4000 }, task)).rejects.toMatchObject({
      code: 'usage.invalid',
    });
  });
});
