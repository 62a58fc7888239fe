import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CpioMode, writeCpio } from './cpio.ts';

describe('writeCpio', () => {
  it('writes the fields of the format', () => {
    const bytes = writeCpio([{ path: 'a', mode: CpioMode.file, content: Buffer.from('hello') }]);
    const header = bytes.toString('latin1', 0, 110);
    expect(header.slice(0, 6)).toBe('070701');
    const fields = Array.from({ length: 13 }, (_, index) =>
      parseInt(header.slice(6 + index * 8, 14 + index * 8), 16),
    );
    expect(fields).toEqual([1, 0o100644, 0, 0, 1, 0, 5, 0, 0, 0, 0, 2, 0]);
    expect(bytes.toString('latin1', 110, 112)).toBe('a\0');
    // Name and content are each padded to four bytes.
    expect(bytes.toString('latin1', 112, 120)).toBe('hello\0\0\0');
    expect(bytes.toString('latin1', 120 + 110, 120 + 121)).toBe('TRAILER!!!\0');
    expect(bytes.byteLength % 4).toBe(0);
  });

  it('gives equal bytes for equal entries', () => {
    const entries = [{ path: 'd', mode: CpioMode.folder }];
    expect(writeCpio(entries)).toEqual(writeCpio(entries));
  });

  it('is what cpio reads, where cpio is installed', ({ skip }) => {
    const archive = writeCpio([
      { path: 'bin', mode: CpioMode.folder },
      { path: 'bin/x', mode: CpioMode.program, content: Buffer.from('abc') },
    ]);
    try {
      const listed = execFileSync('cpio', ['-tv', '--quiet'], { input: archive, stdio: 'pipe' }).toString();
      expect(listed).toMatch(/^drwxr-xr-x .* bin\n-rwxr-xr-x .* 3 .* bin\/x\n$/);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') skip('cpio is not installed');
      throw error;
    }
  });
});
