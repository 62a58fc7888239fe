// Owns what may stand where a record of a VF is looked for, and is none: each is put there in its own way.

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Put = (path: string) => void;

const withText =
  (text: string): Put =>
  (path) =>
    writeFileSync(path, text, 'latin1');

const places: readonly [what: string, put: Put][] = [
  ['no JSON', withText('{"kind":')],
  ['nothing', withText('')],
  ['another kind', withText('{"kind":"Plan"}')],
  ['bytes', withText('\xff\xfe\0\x01')],
  ['what acts on a terminal', withText('{"\x1b[2J\n\x9b31m')],
  ['a name without an end', withText(JSON.stringify({ ['x\n'.repeat(20_000)]: 1 }))],
  ['more than any record', withText(' '.repeat(100_000))],
  [
    'a folder',
    (path) => {
      mkdirSync(path);
      writeFileSync(join(path, 'inside'), 'x');
    },
  ],
  ['a pipe, whose reading never ends', (path) => void execFileSync('mkfifo', [path])],
  ['a link that leads nowhere', (path) => symlinkSync('gone', path)],
];

/** For `it.each`: what it is, and a function that puts it at a path, whatever stands there. */
export const hostileRecords: readonly [what: string, put: Put][] = places.map(([what, put]) => [
  what,
  (path) => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(path, { recursive: true, force: true });
    put(path);
  },
]);
