// `npm test`: everything that runs anywhere, then the lab tests inside the lab's machine where it can run.
// The last line is `N passed, N failed, N skipped`, from the runners' own counts.

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { prepareLabVms } from './lab-vms.mjs';
import { prepareNewerLibvirt } from './newer-libvirt.mjs';
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
function testHere(project, env = {}) {
  const report = join(tmpdir(), `vfleet-${project}-${process.pid}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const status = run(process.execPath, [vitest, 'run', `--project=${project}`, ...reporters], {
    env: { ...process.env, ...env },
  });
  const found = readCounts(report) ?? { passed: 0, failed: 1, skipped: 0 };
  rmSync(report, { force: true });
  add(found);
  // A file that does not even load fails no test of its own.
  if (status !== 0 && found.failed === 0) counts.failed += 1;
}

/** Runs the tests of a vitest project in a boot of the lab. */
async function testInLab(project, env = {}) {
  let lab;
  const machine = ['--nic', 'igb:2', '--netdevsim', '256'];
  const program = [process.execPath, 'scripts/lab-tests.mjs', `--project=${project}`];
  const status = await runLines(
    process.execPath,
    [vfleet, 'lab', 'run', ...machine, '--', ...program],
    (line) => {
      if (line.startsWith(resultMark)) lab = JSON.parse(line.slice(resultMark.length));
      else console.log(line);
    },
    { env: { ...process.env, ...env } },
  );
  add(lab ?? { passed: 0, failed: 1, skipped: 0 });
  if (lab === undefined) console.error(`the lab ended with status ${status} and without a result`);
  else if (status !== 0 && lab.failed === 0) add({ passed: 0, failed: 1, skipped: 0 });
}

/** Counts tests that cannot run here: as failed where they must be able to. */
function leaveOut(projects, why, mustRun = isCi) {
  const listed = spawnSync(
    process.execPath,
    [vitest, 'list', ...projects.map((project) => `--project=${project}`), '--json'],
    // Tests that leave themselves out are not listed; in CI none does.
    { encoding: 'utf8', env: { ...process.env, CI: 'true' } },
  );
  const tests = JSON.parse(listed.stdout || '[]').length;
  console.error(`\n${tests} tests (${projects.join(', ')}) ${mustRun ? 'failed' : 'were skipped'}: ${why}`);
  add(
    mustRun
      ? { passed: 0, failed: Math.max(1, tests), skipped: 0 }
      : { passed: 0, failed: 0, skipped: tests },
  );
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
  const newer = await prepareNewerLibvirt();
  const polkit = newer.polkitRoot === undefined ? {} : { VFLEET_TEST_POLKIT_ROOT: newer.polkitRoot };
  console.log('\ntests with a libvirtd of their own');
  testHere('libvirt', polkit);
  const vms = await prepareLabVms();
  // Without the VMs only the tests that need them fail, each saying so.
  const saved = vms === undefined ? {} : { VFLEET_LAB_VMS: vms };
  console.log('\nlab tests, in a virtual machine with real drivers (software emulation: some minutes)');
  await testInLab('lab', saved);
  if (newer.libvirtRoot === undefined) {
    leaveOut(['libvirt', 'lab-libvirt'], `no newer libvirt: ${newer.reason}`, isCi && newer.isOwn !== true);
  } else {
    const other = { VFLEET_TEST_LIBVIRT_ROOT: newer.libvirtRoot };
    console.log('\ntests with a libvirtd of their own, of a newer libvirt');
    testHere('libvirt', { ...polkit, ...other });
    console.log('\nlab tests of VMs with the newer libvirt and with virtqemud');
    await testInLab('lab-libvirt', { ...saved, ...other });
  }
  console.log('\ntests that boot the lab themselves: half a minute each');
  testHere('boots');
} else {
  leaveOut(['libvirt', 'lab', 'lab-libvirt', 'boots'], 'the lab cannot run here (see above)');
}

console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
