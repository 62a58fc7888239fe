// Owns the libvirt beside the machine's own that tests run with as well: builds what unpacks it, and runs that here.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { rolldown } from 'rolldown';

const folder = 'test/libvirt/newer/.build';

/** What there is of a newer libvirt, virtqemud and polkit: see test/libvirt/newer/prepare.ts. */
export async function prepareNewerLibvirt() {
  const build = await rolldown({ input: 'test/libvirt/newer/prepare.ts', platform: 'node' });
  await build.write({ dir: folder, format: 'esm' });
  await build.close();
  const { status, stdout } = spawnSync(process.execPath, [`${folder}/prepare.js`, resolve(folder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  return status === 0 ? JSON.parse(stdout) : { reason: 'it could not be prepared (see above)' };
}
