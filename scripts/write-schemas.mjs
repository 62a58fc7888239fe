// `npm run schemas`: writes the JSON Schemas in schema/ from the models.
// src/spec/schema.test.ts fails when the files are not what this writes.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const folder = mkdtempSync('schema-build-');
try {
  const build = await rolldown({ input: 'src/spec/schema.ts', platform: 'node' });
  await build.write({ dir: folder, format: 'esm', entryFileNames: 'schema.mjs' });
  await build.close();
  const { renderSchemas } = await import(pathToFileURL(join(folder, 'schema.mjs')).href);
  mkdirSync('schema', { recursive: true });
  for (const [fileName, text] of renderSchemas()) {
    writeFileSync(join('schema', fileName), text);
    console.log(join('schema', fileName));
  }
} finally {
  rmSync(folder, { recursive: true });
}
