// Owns the saved VMs that lab tests continue: builds what makes them, and runs it on this machine.

import { resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { run } from './setup.mjs';

const folder = 'test/lab/nested/.build';

/** Makes the saved VMs unless they are there; gives their folder, or undefined when it failed. */
export async function prepareLabVms() {
  const build = await rolldown({ input: 'test/lab/nested/prepare.ts', platform: 'node' });
  await build.write({ dir: folder, format: 'esm' });
  await build.close();
  const vms = resolve(folder, 'vms');
  return run(process.execPath, [`${folder}/prepare.js`, vms]) === 0 ? vms : undefined;
}
