// The steps of the demo on one host, each shown as the command that a user would type. Stops at the first that fails.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, vfleet } from './setup.mjs';

const [host = 'sim:igb'] = process.argv.slice(2);
const state = mkdtempSync(join(tmpdir(), 'vfleet-demo-'));
const steps = [
  { args: ['plan', 'examples/igb.yaml', '--exit-code'], expected: 2 },
  { args: ['apply', 'examples/igb.yaml', '--yes'], expected: 0 },
  { args: ['show'], expected: 0 },
  { args: ['plan', 'examples/igb.yaml', '--exit-code'], expected: 0 },
  { args: ['revert', '--yes'], expected: 0 },
  { args: ['show'], expected: 0 },
];
// The simulated host has a simulated hypervisor; there is no libvirt in the lab's machine for the demo.
const vmSteps = [
  { args: ['apply', 'examples/networks.yaml', '--yes'], expected: 0 },
  { args: ['attach', 'web-1', '--network', 'storage'], expected: 0 },
  { args: ['attach', 'db-1', '--network', 'frontend', '--persistent'], expected: 0 },
  { args: ['vms'], expected: 0 },
  { args: ['leases'], expected: 0 },
  { args: ['show'], expected: 0 },
  { args: ['detach', 'web-1'], expected: 0 },
  { args: ['detach', 'db-1'], expected: 0 },
  { args: ['revert', '--yes'], expected: 0 },
];
if (host !== 'local') steps.push(...vmSteps);
try {
  for (const { args, expected } of steps) {
    console.log(`\n$ vfleet ${args.join(' ')}${host === 'local' ? '' : ` --host ${host}`}`);
    const status = run(process.execPath, [vfleet, ...args, '--host', host, '--state', state]);
    if (status === expected) continue;
    console.error(`demo: exit status ${status} where ${expected} was expected`);
    process.exitCode = 1;
    break;
  }
} finally {
  rmSync(state, { recursive: true });
}
