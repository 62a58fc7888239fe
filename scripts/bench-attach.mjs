// Runs the comparison of attach times in the lab: `node scripts/bench-attach.mjs [ROUNDS]`.

import { resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { prepareLabVms } from './lab-vms.mjs';
import { run, setUp, vfleet } from './setup.mjs';

const [rounds = '7'] = process.argv.slice(2);
const folder = 'test/lab/nested/.build';

setUp();
const vms = await prepareLabVms();
if (vms === undefined) process.exit(1);
const build = await rolldown({
  input: 'test/lab/nested/attach-bench.ts',
  external: ['koffi'],
  platform: 'node',
});
await build.write({ dir: folder, format: 'esm' });
await build.close();
const program = [process.execPath, `${folder}/attach-bench.js`, rounds, resolve(vfleet)];
process.exit(
  run(process.execPath, [vfleet, 'lab', 'run', '--nic', 'igb:2', '--', ...program], {
    env: { ...process.env, VFLEET_LAB_VMS: vms },
  }),
);
