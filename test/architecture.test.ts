import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

// Which room of src/ may import which; docs/architecture.md explains it. A room may always import itself.
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ['base'],
  catalogue: ['base', 'model'],
  kernel: ['base'],
  inventory: ['base', 'model', 'kernel'],
  spec: ['base', 'model'],
  validated: ['base', 'model', 'spec'],
  capacity: ['base', 'model'],
  doctor: ['base', 'model', 'catalogue', 'capacity', 'validated'],
  sizing: ['base', 'model', 'catalogue', 'capacity', 'spec'],
  report: ['base', 'model', 'sizing', 'placement'],
  planner: ['base', 'model'],
  apply: ['base', 'model', 'kernel', 'inventory', 'planner'],
  lease: ['base', 'model', 'kernel'],
  choice: ['base', 'model', 'capacity', 'catalogue'],
  placement: ['base', 'model'],
  hypervisor: ['base', 'model', 'kernel'],
  assign: ['base', 'model', 'kernel', 'inventory', 'apply', 'planner', 'lease', 'choice', 'hypervisor'],
  agent: [
    'base',
    'model',
    'kernel',
    'inventory',
    'spec',
    'planner',
    'apply',
    'lease',
    'choice',
    'hypervisor',
    'assign',
  ],
  sim: ['base', 'model', 'kernel'],
  lab: ['base'],
  cli: [
    'base',
    'model',
    'catalogue',
    'kernel',
    'inventory',
    'spec',
    'validated',
    'capacity',
    'doctor',
    'sizing',
    'report',
    'planner',
    'apply',
    'lease',
    'choice',
    'placement',
    'hypervisor',
    'assign',
    'agent',
    'sim',
    'lab',
  ],
};

/** Rooms that are pure: no files, no processes, no clock, no randomness. */
const pureRooms = [
  'base',
  'capacity',
  'choice',
  'model',
  'catalogue',
  'doctor',
  'placement',
  'planner',
  'sizing',
  'report',
  'spec',
  'validated',
];
const impureModules = /^node:(fs|child_process|net|dgram|http|https|os|process|timers|worker_threads)/;

/** The lab command hands this process's streams and environment to a machine; `program.ts` looks for programs on PATH. */
const ownsTheProcess = ['src/cli/main.ts', 'src/cli/commands/lab.ts', 'src/lab/program.ts'];

interface Source {
  readonly file: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

const sources: readonly Source[] = listFiles('src').map((file) => {
  const text = readFileSync(file, 'utf8');
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  return { file, room: file.split('/')[1] ?? '', text, imports };
});
const product = sources.filter(({ file }) => !/\.test\.ts$|\.fixture\.ts$|\/testing\//.test(file));

describe('architecture', () => {
  it('knows every room', () => {
    expect([...new Set(product.map(({ room }) => room))].sort()).toEqual(Object.keys(mayImport).sort());
  });

  it('imports only along the allowed ways', () => {
    const strays = product.flatMap(({ file, room, imports }) =>
      imports
        .filter((target) => target.startsWith('.'))
        .map((target) => relative('src', resolve(dirname(file), target)).split('/')[0] ?? '')
        .filter((target) => target !== room && mayImport[room]?.includes(target) !== true)
        .map((target) => `${file} imports ${target}`),
    );
    expect(strays).toEqual([]);
  });

  it('keeps input and output out of the pure rooms', () => {
    const strays = product
      .filter(({ room }) => pureRooms.includes(room))
      .flatMap(({ file, text, imports }) => [
        ...imports.filter((name) => impureModules.test(name)).map((name) => `${file} imports ${name}`),
        ...(text.match(/\b(?:Date\.now|new Date\(\)|Math\.random|process\.)/g) ?? []).map(
          (use) => `${file} uses ${use}`,
        ),
      ]);
    expect(strays).toEqual([]);
  });

  it('reads the environment and exits only in the composition root', () => {
    const strays = product
      .filter(({ file }) => !ownsTheProcess.includes(file))
      .flatMap(({ file, text }) =>
        (text.match(/process\.(?:env|exit\b|exitCode|argv)/g) ?? []).map((use) => `${file} uses ${use}`),
      );
    expect(strays).toEqual([]);
  });

  it('gives no string to a shell', () => {
    const strays = sources
      .filter(({ text }) => /\bexec(?:Sync)?\(|shell: true/.test(text.replaceAll(/\.exec\(/g, '')))
      .map(({ file }) => file);
    expect(strays).toEqual([]);
  });
});
