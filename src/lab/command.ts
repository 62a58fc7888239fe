// Owns what the guest is told about a command: its arguments, environment, folder, and which host folders it sees.
// Pure except that paths are resolved; must not start anything.

import { realpath } from 'node:fs/promises';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderOrder } from './guest.ts';
import type { LabMachine } from './machine.ts';
import { toolPath } from './program.ts';

/** Variables that say something about the host or the caller's session that does not hold in the guest. */
const hostOnly =
  /^(HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|MAIL|HOSTNAME|TMPDIR|TMP|TEMP|DISPLAY|WAYLAND_DISPLAY|TMUX|STY|NODE_EXTRA_CA_CERTS|SUDO_.*|SSH_.*|XDG_.*|DBUS_.*|.*_proxy|BASH_FUNC_.*)$/i;

/** The command's environment: the caller's, with what belongs to the host left out and root's put in. */
export function guestEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !hostOnly.test(name),
  );
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    HOME: '/root',
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/bash',
    PATH: ['/run/vfleet/bin', toolPath(env['PATH'])].join(delimiter),
  };
}

/** Arguments that start a command in a folder with exactly this environment. No part of it is read as shell text. */
export function guestCommand(
  command: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>>,
): string[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const start = 'cd -- "$1" || exit 126; shift; exec "$@"';
  return ['/usr/bin/env', '-i', ...variables, '/bin/sh', '-c', start, 'vfleet-lab', folder, ...command];
}

/**
 * The part of a path that a fresh /tmp and /run would hide: its first folder below them. Undefined for any other path.
 */
export function hiddenFolderOf(path: string): string | undefined {
  return /^\/(?:tmp|run)\/[^/]+/.exec(path)?.[0] ?? (/^\/(?:tmp|run)$/.test(path) ? path : undefined);
}

/** The orders that set the guest up for a machine and start a command in it. */
export async function renderOrders(task: {
  readonly machine: LabMachine;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What the guest writes after the last byte of each output. */
  readonly end: string;
  /** Whether the command's standard input comes from the host. */
  readonly hasInput: boolean;
  /** Size of the terminal that the command gets; undefined for no terminal. */
  readonly terminal?: { readonly rows: number; readonly columns: number } | undefined;
}): Promise<string> {
  const { machine, terminal } = task;
  const mainFile = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const paths = [task.cwd, process.execPath, mainFile];
  const hidden = new Set<string>();
  for (const path of [...paths, ...(await Promise.all(paths.map(resolvePath)))]) {
    const folder = hiddenFolderOf(path);
    if (folder !== undefined) hidden.add(folder);
  }
  const lines = [
    ...(machine.nics.count > 0 ? [renderOrder('igb', String(machine.nics.count))] : []),
    renderOrder('root'),
    ...[...hidden].map((folder) => renderOrder('keep', folder)),
    renderOrder('node', process.execPath),
    renderOrder('main', mainFile),
    ...(machine.netdevsimVfs === undefined ? [] : [renderOrder('netdevsim', String(machine.netdevsimVfs))]),
    renderOrder('end', task.end),
    ...(task.hasInput ? [renderOrder('input', '1')] : []),
    ...(terminal === undefined
      ? []
      : [
          renderOrder('terminal', '1'),
          renderOrder('rows', String(terminal.rows)),
          renderOrder('columns', String(terminal.columns)),
        ]),
    renderOrder('switch'),
    ...guestCommand(task.command, task.cwd, guestEnvironment(task.env)).map((arg) => renderOrder('arg', arg)),
    renderOrder('run'),
  ];
  return lines.join('');
}

/** The real path, as far as it exists. */
async function resolvePath(path: string): Promise<string> {
  return await realpath(path).catch(async () => await realpath(dirname(path)).catch(() => path));
}
