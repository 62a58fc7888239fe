// The completion scripts in real shells: bash everywhere, zsh and fish where they are installed. The program as it is built:
// scripts/test.mjs builds dist/ before the tests.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSimVms, newVm } from '../src/hypervisor/simulated/sim-vms.ts';

const program = resolve('dist/cli/main.js');
let folder = '';
let environment: NodeJS.ProcessEnv = {};

/** Would be made by a name that is executed. */
const trace = (): string => join(folder, 'trace');

/** Names that a shell does something with, unless they are quoted. `\n` and escape codes cannot be typed at all. */
function hostileNames(): readonly string[] {
  return [
    'my vm',
    'it\'s "quoted"',
    `$(touch ${trace()})`,
    `\`touch ${trace()}\``,
    `a;touch ${trace()}`,
    `a|touch ${trace()}&`,
    'back\\slash\\',
    '!!',
    '*',
    '~root',
    '#comment',
    '${HOME}',
    '{a,b}',
    'a=b:c@d',
    '<in>out',
    '日本語 の VM',
  ];
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfleet-completion-'));
  const state = join(folder, 'state');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  // What is completed is shown and not done.
  const script = [
    '#!/bin/sh',
    `case $1 in complet*) exec '${process.execPath}' '${program}' "$@" ;; esac`,
    'printf "<%s>" "$@"; echo',
  ];
  writeFileSync(join(bin, 'vfleet'), script.join('\n'));
  chmodSync(join(bin, 'vfleet'), 0o755);
  // The real one, for the test that waits for it, and a note of how long it lets the program run.
  mkdirSync(join(folder, 'impatient'));
  const { stdout: found } = spawnSync('sh', ['-c', 'command -v timeout'], { encoding: 'utf8' });
  const impatient = ['#!/bin/sh', 'echo "$1 $2 $3" >>"$HOME/limits"', `exec '${found.trim()}' "$@"`];
  writeFileSync(join(folder, 'impatient', 'timeout'), impatient.join('\n'), { mode: 0o755 });
  // A machine that is busy with other tests may take longer than a shell would wait.
  writeFileSync(join(bin, 'timeout'), '#!/bin/sh\nshift 3\nexec "$@"\n');
  chmodSync(join(bin, 'timeout'), 0o755);
  const { NO_COLOR: _, ...inherited } = process.env;
  environment = {
    ...inherited,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    ZDOTDIR: folder,
    TERM: 'dumb',
    LC_ALL: 'C.UTF-8',
    VFLEET_HOST: 'sim:igb',
    VFLEET_STATE: state,
  };
  const run = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [program, ...args], { env: environment, encoding: 'utf8', stdio: 'pipe' });
  run('apply', 'examples/networks.yaml', '--yes');
  const names = ['web-1', 'web-2', ...hostileNames(), `line\ntouch ${trace()}`, '\u001b[2J'];
  const vms = newSimVms(names.map((name, index) => newVm(name, index + 1)));
  writeFileSync(join(state, 'sim-igb', 'vms.json'), JSON.stringify(vms));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Reply {
  /** What would be put into the line. */
  readonly words: readonly string[];
  /** What bash is told besides: `-o default` for files. */
  readonly options: string;
  readonly stderr: string;
}

/** Completes a line as bash does: variables, function, COMPREPLY. */
function completeInBash(line: string, more: NodeJS.ProcessEnv = {}): Reply {
  const script = `
    source <(vfleet completion bash)
    compopt() { told+="$*"; }
    COMP_LINE=$1 COMP_POINT=\${#1}
    [[ $(complete -p vfleet) == *'-F _vfleet'* ]] || exit 1
    _vfleet vfleet
    printf '%s\\0' "$told" "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '--noprofile', '-c', script, 'bash', line], {
    env: { ...environment, COMP_WORDBREAKS: ' \t\n"\'@><=;|&(:', ...more },
    encoding: 'utf8',
  });
  const [options = '', ...words] = stdout.split('\0').slice(0, -1);
  return { words, options, stderr };
}

/** What bash makes of a line's words. */
function wordsOf(line: string): readonly string[] {
  const script = `printf '%s\\0' ${line}`;
  return execFileSync('bash', ['--norc', '-c', script], { env: environment, encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);
}

describe('in bash', () => {
  it.each([
    ['vfleet att', ['attach']],
    ['vf att', ['attach']],
    ['vfleet attach web-1 --net', ['--network']],
    ['vfleet attach web-1 --network ', ['frontend', 'storage']],
    ['vfleet attach web-1 --network=st', ['storage']],
    ['vfleet attach --accept-risk no-', ['no-iommu', 'no-interrupt-remapping']],
    ['vfleet --host sim:ig', ['igb']],
    ['vfleet attach web', ['web-1', 'web-2']],
    ['vfleet attach web-1 --mac ', []],
    ['vfleet lab run --iommu a', ['amd']],
  ])('%s', (line, words) => {
    expect(completeInBash(line)).toEqual({ words, options: '', stderr: '' });
  });

  it('files are left to bash, and nothing else is', () => {
    expect(completeInBash('vfleet apply ex')).toMatchObject({ words: [], options: '-o default' });
    expect(completeInBash('vfleet --state ')).toMatchObject({ words: [], options: '-o dirnames' });
    expect(completeInBash('vfleet show > fi')).toMatchObject({ words: [], options: '-o default' });
    expect(completeInBash('vfleet attach --network nonsense')).toMatchObject({ words: [], options: '' });
  });

  it.each(['', '"', "'"])('a hostile name is one word, and is not executed, behind %j', (quote) => {
    const { words, stderr } = completeInBash(`vfleet attach ${quote}`);
    expect(stderr).toBe('');
    const names = [
      'web-1',
      'web-2',
      ...hostileNames().filter((name) => quote !== '"' || !name.includes('!')),
    ];
    expect(wordsOf(words.map((word) => `${quote}${word}${quote}`).join(' '))).toEqual(names);
    expect(existsSync(trace())).toBe(false);
  });

  it('a hypervisor that hangs keeps nobody waiting for long, and nothing is said', () => {
    const socket = join(folder, 'silent.sock');
    // Whoever connects is let in by the kernel, and never answered.
    const server = createServer(() => undefined).listen(socket);
    try {
      const realTimeout = `${join(folder, 'impatient')}:${environment['PATH']}`;
      const more = { VFLEET_HOST: 'local', VFLEET_LIBVIRT: socket, PATH: realTimeout };
      const reply = completeInBash('vfleet attach ', more);
      expect(reply).toEqual({ words: [], options: '', stderr: '' });
      expect(readFileSync(join(folder, 'limits'), 'utf8')).toBe('-s KILL 2\n');
    } finally {
      server.close();
    }
  });

  it('whatever is wrong is not said in the middle of a line', () => {
    const broken = { VFLEET_HOST: 'nonsense', VFLEET_STATE: '/dev/null' };
    for (const line of ['vfleet attach ', 'vfleet attach --network ', 'vfleet "', 'vfleet $(', ''])
      expect(completeInBash(line, broken)).toMatchObject({ stderr: '' });
    expect(readdirSync(folder)).not.toContain('nonsense');
  });
});

/** Each key that completes starts the program, and a busy machine takes seconds for that. */
const atTerminalMs = 300_000;

/** Types at a terminal where a shell reads, a key after the other, and gives back what the shell has shown. */
async function typeInto(shell: readonly string[], lines: readonly string[]): Promise<string> {
  const child = spawn('script', ['-qec', shell.join(' '), '/dev/null'], { env: environment });
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
  });
  for (const [index, line] of lines.entries()) {
    child.stdin.write(line);
    // Its echo comes before, so the mark is put together only by the shell.
    child.stdin.write(`\recho do''ne${index}\r`);
    await expect.poll(() => shown, { timeout: atTerminalMs }).toContain(`done${index}`);
  }
  child.stdin.end('exit\r');
  await new Promise((resolve) => child.once('close', resolve));
  return shown;
}

function isMissing(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status !== 0;
}

describe.skipIf(isMissing('script'))('at a terminal (program script)', { timeout: atTerminalMs }, () => {
  const typed = [
    'vfleet att\tmy\t--net\tst\t',
    'vfleet attach it\t',
    "vfleet attach '$(\t",
    'vfleet attach "my\t',
    'vfleet --host sim:ig\tattach --network=fr\t',
    'vfleet attach a=\t',
  ];
  const shownLines = (): readonly string[] => [
    '<attach><my vm><--network><storage>',
    '<attach><it\'s "quoted">',
    `<attach><$(touch ${trace()})>`,
    '<attach><my vm>',
    '<--host><sim:igb><attach><--network=frontend>',
    '<attach><a=b:c@d>',
  ];

  it('bash puts in what is meant', async () => {
    const shown = await typeInto(
      ['bash', '--norc', '--noprofile', '-i'],
      ['source <(vfleet completion bash)', ...typed],
    );
    for (const line of shownLines()) expect(shown).toContain(line);
    expect(existsSync(trace())).toBe(false);
  });

  it.skipIf(isMissing('zsh'))('zsh puts in what is meant', async () => {
    const shown = await typeInto(
      ['zsh', '-f', '-i'],
      ['autoload -Uz compinit && compinit -u', 'source <(vfleet completion zsh)', ...typed],
    );
    for (const line of shownLines()) expect(shown).toContain(line);
    expect(existsSync(trace())).toBe(false);
  });
});

describe.skipIf(isMissing('fish'))('in fish', () => {
  function completeInFish(line: string): readonly string[] {
    const script = 'vfleet completion fish | source; complete -C $argv[1]';
    return execFileSync('fish', ['--no-config', '-c', script, line], { env: environment, encoding: 'utf8' })
      .trimEnd()
      .split('\n')
      .map((each) => each.split('\t')[0] ?? '');
  }

  it('each word is what it is', () => {
    expect(completeInFish('vfleet att')).toEqual(['attach']);
    expect(completeInFish('vfleet attach web-1 --network ')).toEqual(['frontend', 'storage']);
    expect(completeInFish('vfleet attach web-1 --network=st')).toEqual(['--network=storage']);
    expect(completeInFish('vfleet attach --accept-ri')).toEqual(['--accept-risk']);
    expect(completeInFish('vfleet apply README')).toEqual(['README.md']);
    expect(completeInFish('vfleet attach ').toSorted()).toEqual(
      ['web-1', 'web-2', ...hostileNames()].toSorted(),
    );
    expect(existsSync(trace())).toBe(false);
  });
});
