// vfleet without root: it shows what it can see and says what it cannot, and changes nothing.

import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { applySpec, startVfleet, writeSpec } from './command.ts';
import { makeFolder, pf0, pictureOf, resetLab, run } from './lab-host.ts';

/** The user nobody, without a capability. */
const asNobody = [
  'setpriv',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--inh-caps=-all',
  '--bounding-set=-all',
];

describe('vfleet of a user without rights', () => {
  const state = makeFolder();
  const ownState = join(state, 'nobody');

  beforeAll(async () => {
    await resetLab();
    await run('modprobe', ['vfio-pci']);
    await applySpec(
      state,
      `  - match: { address: '${pf0}' }\n    up: true\n    vfs: { count: 2, 0: { driver: vfio-pci }, 1: { driver: kernel, vlan: 5 } }\n`,
    );
    mkdirSync(ownState);
    chmodSync(ownState, 0o777);
    chmodSync(state, 0o755);
  });

  afterAll(resetLab);

  it('shows the host, and lists what it could not read', async () => {
    const { ended } = startVfleet(ownState, ['show', '--json'], asNobody);
    const { status, stdout, stderr } = await ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const snapshot = JSON.parse(stdout) as Snapshot;
    const pf = snapshot.pfs.find(({ address }) => address === pf0);
    expect(pf?.vfs.map(({ driver, settings }) => ({ driver, vlan: settings.vlan }))).toEqual([
      { driver: 'vfio-pci', vlan: 0 },
      { driver: 'igbvf', vlan: 5 },
    ]);
    // Nothing that needs rights is made up.
    expect(pf).not.toHaveProperty('msixVectors');
    expect(pf?.sriov).not.toHaveProperty('vfBars');
    expect(snapshot.unread.map(({ what, why }) => `${what}: ${why}`)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^PCI configuration space of .*0000:01:00\.0.*: needs CAP_SYS_ADMIN$/,
        ) as string,
        expect.stringMatching(/^open files of \d+ processes .*: needs CAP_SYS_PTRACE$/) as string,
      ]),
    );
  });

  it('does not apply, says which capability is missing, and touches nothing', async () => {
    const before = await pictureOf();
    const file = writeSpec(state, `  - match: { address: '${pf0}' }\n    vfs: { 1: { vlan: 6 } }\n`);
    const { ended } = startVfleet(ownState, ['apply', file, '--yes'], asNobody);
    const { status, stderr } = await ended;
    expect(status).toBe(3);
    expect(stderr).toContain('changing this host needs CAP_NET_ADMIN and CAP_DAC_OVERRIDE');
    expect(stderr).toContain('run as root');
    expect(existsSync(join(ownState, 'local'))).toBe(false);
    expect(await pictureOf()).toEqual(before);
  });
});
