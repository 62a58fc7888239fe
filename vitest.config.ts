import { defineConfig } from 'vitest/config';

// `unit` runs everywhere; `libvirt` where libvirtd is installed: it starts its own; `lab` holds the tests that need the lab's kernel and is run inside it; `boots` holds those that
// boot the lab themselves, once each (scripts/test.mjs).
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['**/*.lab.test.ts', '**/*.boots.test.ts', '**/*.libvirt.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'libvirt',
          include: ['test/**/*.libvirt.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['src/**/*.lab.test.ts', 'test/**/*.lab.test.ts'],
          setupFiles: ['test/lab/only-in-lab.ts'],
          // One kernel, one test at a time. Software emulation is some twenty times slower: modules are loaded once
          // for all files, in one thread.
          fileParallelism: false,
          isolate: false,
          pool: 'threads',
          testTimeout: 600_000,
          hookTimeout: 600_000,
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
