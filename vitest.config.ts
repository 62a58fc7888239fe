import { defineConfig } from 'vitest/config';

// `unit` runs everywhere; `libvirt` where libvirtd is installed: it starts its own; `lab` holds the tests that need the
// lab's kernel and is run inside it; `lab-libvirt` those that put another libvirt there, in a boot of their own; `boots`
// holds those that boot the lab themselves, once each (scripts/test.mjs).

/** Vitest's own second is less than a busy machine may take to start one process. */
const patient = { poll: { timeout: 30_000 } } as const;

const inLab = {
  setupFiles: 'test/lab/only-in-lab.ts',
  // One kernel, one test at a time. Software emulation is some twenty times slower: modules are loaded once for all files,
  // in one thread.
  fileParallelism: false,
  isolate: false,
  pool: 'threads',
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: 300_000 } },
} as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [
            '**/*.lab.test.ts',
            '**/*.lab-libvirt.test.ts',
            '**/*.boots.test.ts',
            '**/*.libvirt.test.ts',
          ],
          // Only ends what hangs: many start the program a dozen times. Hooks start hosts, agents and programs as tests do.
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: patient,
        },
      },
      {
        test: {
          name: 'libvirt',
          include: ['test/**/*.libvirt.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          expect: patient,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['src/**/*.lab.test.ts', 'test/**/*.lab.test.ts'],
          ...inLab,
        },
      },
      {
        test: {
          name: 'lab-libvirt',
          include: ['test/lab/*.lab-libvirt.test.ts'],
          ...inLab,
        },
      },
      {
        test: {
          name: 'boots',
          include: ['test/boots/*.boots.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
        },
      },
    ],
  },
});
