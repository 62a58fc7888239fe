// Builds dist/: one bundle with its lazily loaded parts, so that a command starts quickly, and the licences of what is
// in it. koffi stays outside, because it brings native files.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rolldown } from 'rolldown';

const bundled = ['@xmldom/xmldom', 'commander', 'highs', 'yaml', 'zod'];

rmSync('dist', { recursive: true, force: true });
// The thread that sizes starts from a file of its own, and the solver reads its WebAssembly beside the bundle.
const input = { main: 'src/cli/main.ts', 'sizing-worker': 'src/cli/sizing-worker.ts' };
const build = await rolldown({ input, external: ['koffi'], platform: 'node' });
await build.write({ dir: 'dist/cli', format: 'esm', chunkFileNames: '[name]-[hash].js' });
await build.close();
chmodSync('dist/cli/main.js', 0o755);
copyFileSync('node_modules/highs/build/highs.wasm', 'dist/cli/highs.wasm');

mkdirSync('dist', { recursive: true });
const licences = bundled.map((name) => {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'));
  return `${name} ${version} (${license})\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8').trim()}\n`;
});
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', licences.join(`\n${'-'.repeat(80)}\n\n`));
