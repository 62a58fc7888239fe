import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { guestCommand, guestEnvironment, hiddenFolderOf, renderOrders } from './command.ts';
import { defaultLabMachine } from './machine.ts';

describe('guestEnvironment', () => {
  it('leaves out what belongs to the host', () => {
    const env = guestEnvironment({
      HOME: '/home/me',
      TMPDIR: '/x',
      SSH_AUTH_SOCK: '/s',
      https_proxy: 'http://p.example',
      'BASH_FUNC_f%%': '() { :; }',
      CI: 'true',
      VFLEET_X: 'a b',
    });
    expect(env).toMatchObject({ HOME: '/root', USER: 'root', CI: 'true', VFLEET_X: 'a b' });
    expect(Object.keys(env)).not.toEqual(expect.arrayContaining(['TMPDIR']));
    expect(Object.keys(env).filter((name) => /SSH|proxy|BASH/.test(name))).toEqual([]);
  });

  it('finds vfleet first, and the programs of administrators last', () => {
    expect(guestEnvironment({ PATH: '/opt/bin:/usr/bin' })['PATH']).toMatch(
      /^\/run\/vfleet\/bin:\/opt\/bin:\/usr\/bin:.*\/usr\/sbin/,
    );
  });
});

describe('guestCommand', () => {
  const run = (command: readonly string[], folder = '/'): string => {
    const [program = '', ...args] = guestCommand(command, folder, { PATH: '/usr/bin:/bin', X: '$(id) "\n' });
    return execFileSync(program, args, { stdio: 'pipe' }).toString();
  };

  it('passes arguments, folder and environment as they are', () => {
    expect(run(['printf', '%s|', 'a b', '', '$(id)', '`id`', "'", '*'])).toBe("a b||$(id)|`id`|'|*|");
    expect(run(['pwd'], '/usr')).toBe('/usr\n');
    expect(run(['printenv', 'X'])).toBe('$(id) "\n\n');
  });

  it('gives a shell’s status for a program that is not there', () => {
    expect(() => run(['no-such-program'])).toThrow(expect.objectContaining({ status: 127 }));
  });
});

describe('hiddenFolderOf', () => {
  it('is the part that an empty /tmp or /run would hide', () => {
    expect(hiddenFolderOf('/tmp/checkout/src')).toBe('/tmp/checkout');
    expect(hiddenFolderOf('/run/user')).toBe('/run/user');
    expect(hiddenFolderOf('/tmp')).toBe('/tmp');
    expect(hiddenFolderOf('/tmpfiles/x')).toBeUndefined();
    expect(hiddenFolderOf('/home/tmp/x')).toBeUndefined();
  });
});

describe('renderOrders', () => {
  const orders = async (change: object): Promise<string[]> => {
    const task = {
      machine: defaultLabMachine,
      command: ['true'],
      cwd: '/',
      env: {},
      end: 'secret',
      hasInput: false,
    };
    return (await renderOrders({ ...task, ...change })).split('\n').map((line) => line.split(' ')[0] ?? '');
  };

  it('has the root before what needs it, and the command last', async () => {
    const words = await orders({ machine: { ...defaultLabMachine, netdevsimVfs: 4 }, hasInput: true });
    expect(words.filter((word) => word !== 'arg' && word !== 'keep')).toEqual([
      'igb',
      'root',
      'node',
      'main',
      'netdevsim',
      'end',
      'input',
      'switch',
      'run',
      '',
    ]);
  });

  it('asks for no NIC when there is none', async () => {
    expect(
      await orders({ machine: { ...defaultLabMachine, nics: { model: 'igb', count: 0 } } }),
    ).not.toContain('igb');
  });

  it('shows the guest a folder below /tmp', async () => {
    expect(await orders({ cwd: '/tmp/work' })).toContain('keep');
  });
});
