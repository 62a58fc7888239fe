// `npm run demo`: plan, apply, show and revert on a simulated host, then attach and detach with simulated VMs, without root.
// `npm run demo -- --lab` does the first part on the lab, with Linux's own igb driver.

import { run, setUp, vfleet } from './setup.mjs';

setUp();
const inLab = process.argv.includes('--lab');
const node = process.execPath;
if (!inLab) process.exit(run(node, ['scripts/demo-steps.mjs', 'sim:igb']));

const setup = run(node, [vfleet, 'lab', 'setup', ...(process.getuid?.() === 0 ? ['--yes'] : [])]);
if (setup !== 0) process.exit(setup);
process.exit(
  run(node, [vfleet, 'lab', 'run', '--nic', 'igb:2', '--', node, 'scripts/demo-steps.mjs', 'local']),
);
