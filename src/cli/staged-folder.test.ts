import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkFolder, stageFolder, type StagedFile } from './staged-folder.ts';

const files: readonly StagedFile[] = [
  { path: 'a-0/host.yaml', text: 'spec\n' },
  { path: 'a-1/host.yaml', text: '' },
];
const quiet = new AbortController().signal;

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'vfleet-stage-'));
}

/** Names below a folder, each with its kind. */
function listed(path: string): string[] {
  return (readdirSync(path, { recursive: true }) as string[]).sort();
}

describe('a folder that is written at once', () => {
  it('is there whole, for everybody to read, and nothing else is', async () => {
    const parent = newFolder();
    const target = join(parent, 'deep/hosts');
    const staged = await stageFolder(target, files, quiet);
    expect(readdirSync(join(parent, 'deep'))).not.toContain('hosts');
    expect(await staged.commit(false)).toBeUndefined();
    expect(listed(parent)).toEqual([
      'deep',
      'deep/hosts',
      'deep/hosts/a-0',
      'deep/hosts/a-0/host.yaml',
      'deep/hosts/a-1',
      'deep/hosts/a-1/host.yaml',
    ]);
    expect(readFileSync(join(target, 'a-0/host.yaml'), 'utf8')).toBe('spec\n');
    expect(statSync(target).mode & 0o777).toBe(0o755);
  });

  it('takes the place of an empty one, also behind a symbolic link', async () => {
    const parent = newFolder();
    mkdirSync(join(parent, 'real'));
    symlinkSync('real', join(parent, 'link'));
    await (await stageFolder(join(parent, 'link'), files, quiet)).commit(false);
    expect(readdirSync(join(parent, 'real'))).toEqual(['a-0', 'a-1']);
    expect(readdirSync(parent).sort()).toEqual(['link', 'real']);
  });

  it('never takes the place of one that holds something, and leaves nothing behind', async () => {
    const parent = newFolder();
    const target = join(parent, 'hosts');
    const staged = await stageFolder(target, files, quiet);
    mkdirSync(target);
    writeFileSync(join(target, 'mine'), 'x');
    await expect(staged.commit(false)).rejects.toMatchObject({ code: 'file.unreadable' });
    expect(listed(parent)).toEqual(['hosts', 'hosts/mine']);
    await expect(checkFolder(target, false)).rejects.toThrow(/not empty; nothing was written/);
  });

  it('puts what was there aside with force, as often as it is asked to', async () => {
    const parent = newFolder();
    const target = join(parent, 'hosts');
    mkdirSync(target);
    writeFileSync(join(target, 'mine'), 'x');
    const aside = [];
    for (let time = 0; time < 2; time += 1)
      aside.push(await (await stageFolder(target, files, quiet)).commit(true));
    expect(aside).toEqual([`${target}.old`, `${target}.old-2`]);
    expect(readFileSync(join(parent, 'hosts.old/mine'), 'utf8')).toBe('x');
    expect(readdirSync(parent).sort()).toEqual(['hosts', 'hosts.old', 'hosts.old-2']);
  });

  it('leaves nothing behind when its files cannot be made, when it is discarded, and after a signal', async () => {
    const parent = newFolder();
    const target = join(parent, 'hosts');
    function* failing(): Generator<StagedFile> {
      yield* files;
      throw new Error('no more');
    }
    await expect(stageFolder(target, failing(), quiet)).rejects.toMatchObject({ code: 'file.unreadable' });
    await (await stageFolder(target, files, quiet)).discard();
    const many = Array.from({ length: 40 }, (_, nth) => ({ path: `${nth}`, text: '' }));
    await expect(stageFolder(target, many, AbortSignal.abort())).rejects.toMatchObject({
      code: 'apply.interrupted',
    });
    expect(readdirSync(parent)).toEqual([]);
  });

  it('is refused where there is a file', async () => {
    const parent = newFolder();
    writeFileSync(join(parent, 'hosts'), 'x');
    await expect(checkFolder(join(parent, 'hosts'), true)).rejects.toMatchObject({ code: 'file.unreadable' });
    await expect(stageFolder(join(parent, 'hosts/in'), files, quiet)).rejects.toMatchObject({
      code: 'file.unreadable',
    });
    expect(readFileSync(join(parent, 'hosts'), 'utf8')).toBe('x');
  });
});
