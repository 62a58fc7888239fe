// Owns what `npm run demo`, `npm test` and `npm run bench` need first: packages from the lock file, and a fresh build.
// Only Node's own modules here: nothing else is installed yet.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

/** Runs a program with our terminal; gives back its exit status. */
export function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', ...options });
  if (error !== undefined) throw error;
  return status ?? 1;
}

/** Runs a program, hands each line of its output on, and gives back its exit status. */
export function runLines(program, args, onLine, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
    let rest = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    child.on('error', reject);
    child.on('close', (status) => {
      if (rest !== '') onLine(rest);
      resolve(status ?? 1);
    });
  });
}

function isInstalled() {
  const marker = 'node_modules/.package-lock.json';
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync('package-lock.json').mtimeMs;
}

/** Installs what the lock file says when that has not been done, and builds dist/. Ends the process on failure. */
export function setUp() {
  if (!isInstalled()) {
    console.error('setup: installing npm packages (npm ci)');
    if (run('npm', ['ci', '--no-audit', '--no-fund']) !== 0) process.exit(1);
  }
  if (run(process.execPath, ['scripts/build.mjs']) !== 0) process.exit(1);
}

/** The vfleet of this checkout. */
export const vfleet = 'dist/cli/main.js';
