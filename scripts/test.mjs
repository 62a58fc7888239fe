// `npm test`: everything that runs anywhere, then the lab tests inside the lab's machine where it can run.
// The last line is `N passed, N failed, N skipped`, from the runners' own counts.

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { prepareLabVms } from './lab-vms.mjs';
import { run, runLines, setUp, vfleet } from './setup.mjs';
import { readCounts, resultMark } from './test-counts.mjs';

const isCi = process.env.CI === 'true';
const vitest = 'node_modules/vitest/vitest.mjs';
const counts = { passed: 0, failed: 0, skipped: 0 };
const add = (more) => {
  for (const name of Object.keys(counts)) counts[name] += more[name];
};

setUp();

/** Runs the tests of a vitest project on this machine. */
function testHere(project) {
  const report = join(tmpdir(), `vfleet-${project}-${process.pid}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const status = run(process.execPath, [vitest, 'run', `--project=${project}`, ...reporters]);
  const found = readCounts(report) ?? { passed: 0, failed: 1, skipped: 0 };
  rmSync(report, { force: true });
  add(found);
  // A file that does not even load fails no test of its own.
  if (status !== 0 && found.failed === 0) counts.failed += 1;
}

// Brings QEMU and libvirt as well, which some tests talk to on this machine.
const setUpLab = spawnSync(
  process.execPath,
  [vfleet, 'lab', 'setup', ...(process.getuid?.() === 0 ? ['--yes'] : [])],
  {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
  },
);
process.stderr.write(setUpLab.stderr);
testHere('unit');
if (setUpLab.status === 0) {
  console.log('\ntests with a libvirtd of their own');
  testHere('libvirt');
  console.log('\nlab tests, in a virtual machine with real drivers (software emulation: some minutes)');
  let lab;
  const vms = await prepareLabVms();
  const status = await runLines(
    process.execPath,
    [
      vfleet,
      'lab',
      'run',
      '--nic',
      'igb:2',
      '--netdevsim',
      '256',
      '--',
      process.execPath,
      'scripts/lab-tests.mjs',
    ],
    (line) => {
      if (line.startsWith(resultMark)) lab = JSON.parse(line.slice(resultMark.length));
      else console.log(line);
    },
    // Without the VMs only the tests that need them fail, each saying so.
    { env: { ...process.env, ...(vms === undefined ? {} : { VFLEET_LAB_VMS: vms }) } },
  );
  add(lab ?? { passed: 0, failed: 1, skipped: 0 });
  if (lab === undefined) console.error(`the lab ended with status ${status} and without a result`);
  else if (status !== 0 && lab.failed === 0) add({ passed: 0, failed: 1, skipped: 0 });
  console.log('\ntests that boot the lab themselves: half a minute each');
  testHere('boots');
} else {
  const listed = spawnSync(
    process.execPath,
    [vitest, 'list', '--project=libvirt', '--project=lab', '--project=boots', '--json'],
    {
      encoding: 'utf8',
    },
  );
  const tests = JSON.parse(listed.stdout || '[]').length;
  console.error(
    `\n${tests} tests of the lab and of libvirt ${isCi ? 'failed' : 'were skipped'}: the lab cannot run here (see above)`,
  );
  add(
    isCi ? { passed: 0, failed: Math.max(1, tests), skipped: 0 } : { passed: 0, failed: 0, skipped: tests },
  );
}

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
