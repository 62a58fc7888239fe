import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toolOutputMaxBytes } from './kernel.ts';
import type { ToolName } from './kernel.ts';
import { runTool } from './tool.ts';

const timeoutMs = 30_000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfleet-tool-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Installs a script as lldpcli and asks it; the folders of the shell's own programs come after. */
async function ask(script: string, args: readonly string[] = [], limitMs = timeoutMs): Promise<unknown> {
  writeFileSync(join(folder, 'lldpcli'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const answer = await runTool('lldpcli', args, limitMs, `${folder}:/usr/bin:/bin`);
  return answer instanceof Uint8Array ? Buffer.from(answer).toString('utf8') : answer;
}

describe('a program', () => {
  it('gives its standard output, and gets its arguments as they are', async () => {
    const args = ['-f', 'json0', '$HOME; echo "no"', ''];
    const answer = await ask(String.raw`echo noise >&2; printf '<%s>\n' "$@"`, args);
    expect(answer).toBe('<-f>\n<json0>\n<$HOME; echo "no">\n<>\n');
  });

  it('sees nothing of our environment and no input', async () => {
    // The shell adds PWD and SHLVL on its own.
    const names = await ask("cat; env | cut -d= -f1 | grep -v '^_\\|^PWD\\|^SHLVL\\|^OLDPWD' | sort");
    expect(names).toBe('LC_ALL\nPATH\n');
  });

  it('that is not installed is ENOENT, one that may not be run EACCES', async () => {
    expect(await runTool('lldpcli', [], timeoutMs, folder)).toEqual({ errno: 'ENOENT' });
    writeFileSync(join(folder, 'virtqemud'), '', { mode: 0o644 });
    expect(await runTool('virtqemud', [], timeoutMs, folder)).toEqual({ errno: 'EACCES' });
  });

  it('that fails is EIO, also when a signal ended it', async () => {
    expect(await ask('echo half; exit 1')).toEqual({ errno: 'EIO' });
    expect(await ask('kill -SEGV $$')).toEqual({ errno: 'EIO' });
  });

  it('that prints too much is EFBIG', async () => {
    expect(await ask(`head -c ${toolOutputMaxBytes + 1} /dev/zero`)).toEqual({ errno: 'EFBIG' });
    expect(await ask(`head -c ${toolOutputMaxBytes} /dev/zero`)).toHaveLength(toolOutputMaxBytes);
  });

  it('that does not answer is killed after its time', async () => {
    await expect(ask('trap "" TERM; exec sleep 600', [], 100)).rejects.toMatchObject({
      code: 'kernel.timeout',
    });
  });

  it('must be one of the list, and no argument can hold a zero byte', async () => {
    await expect(runTool('sh' as ToolName, ['-c', 'true'], timeoutMs)).rejects.toMatchObject({
      code: 'internal.bug',
    });
    await expect(runTool('lldpcli', ['a\0b'], timeoutMs)).rejects.toMatchObject({ code: 'internal.bug' });
  });
});
