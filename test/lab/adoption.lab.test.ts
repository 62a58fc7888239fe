// A host as it is, written down: as a spec that changes nothing, and as a snapshot that stands in for it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { applySpec, showHost, vfleet, vfleetOk, writeSpec } from './command.ts';
import {
  interfaceOf,
  makeFolder,
  netdevsimPf,
  pf0,
  pf1,
  pictureOf,
  readSettledLink,
  resetLab,
  run,
} from './lab-host.ts';

const configured = `  - match: { address: '${pf0}' }
    mtu: 2000
    up: true
    vfs:
      count: 4
      default: { driver: kernel, spoofCheck: true }
      0: { mac: '52:54:00:aa:00:01', vlan: 100, qos: 3, maxTxRateMbps: 250 }
      1-2: { driver: vfio-pci, trust: true }
      3: { driver: none, mac: auto }
  - match: { address: '${pf1}' }
    vfs: { count: 1 }
  - match: { address: ${netdevsimPf} }
    vfs:
      count: 8
      default: { spoofCheck: false, linkState: enable }
      0-3: { vlan: 50, vlanProtocol: 802.1ad }
      7: { mac: '52:54:00:aa:00:08', minTxRateMbps: 10, maxTxRateMbps: 20 }
`;
const other = `  - match: { address: '${pf0}' }
    mtu: 1500
    vfs: { count: 2, 0: { vlan: 7 } }
  - match: { address: ${netdevsimPf} }
    eswitch: switchdev
    vfs: { count: 16, default: { trust: true } }
`;

/** A snapshot without what changes by itself: the time, and the memory that is free. */
function atAnyTime({ platform, ...rest }: Snapshot): unknown {
  const numa = platform?.numa.map((node) => ({ ...node, memoryFreeMb: 0 }));
  return { ...rest, takenAt: '', platform: { ...platform, numa } };
}

describe('a configured host', () => {
  const state = makeFolder();
  const snapshotFile = join(state, 'host.json');
  const saved = `snapshot:${snapshotFile}`;

  beforeAll(async () => {
    await resetLab();
    await run('modprobe', ['vfio-pci']);
    await applySpec(state, configured);
    // What is read of the port now is compared with what is read later.
    await readSettledLink(interfaceOf(pf0));
    await vfleetOk(state, ['snapshot', '-o', snapshotFile]);
  });

  afterAll(resetLab);

  it('is described by adopt: a plan of its file is empty', async () => {
    const file = join(state, 'adopted.yaml');
    writeFileSync(file, await vfleetOk(state, ['adopt']));
    const { status, stdout } = await vfleet(state, ['plan', file, '--exit-code']);
    expect(stdout).toContain('No changes');
    expect(status).toBe(0);
  });

  it('is the same from a snapshot', async () => {
    const shown = JSON.parse(await vfleetOk(state, ['show', '--json'], saved)) as Snapshot;
    const live = await showHost(state);
    expect(atAnyTime(shown)).toEqual(atAnyTime(live));
    const adopted = async (host?: string): Promise<string> =>
      // The first lines say when the host was read.
      (await vfleetOk(state, ['adopt'], host)).replaceAll(/^#.*$/gm, '');
    expect(await adopted(saved)).toBe(await adopted());
  });

  it('has the same plan from a snapshot', async () => {
    const file = writeSpec(state, other);
    const live = await vfleet(state, ['plan', file, '--json', '--exit-code']);
    expect(live.status).toBe(2);
    expect(await vfleet(state, ['plan', file, '--json', '--exit-code'], saved)).toEqual(live);
  });

  it('is not changed through a snapshot', async () => {
    const before = await pictureOf();
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, other), '--yes'], saved);
    expect(status).toBe(3);
    expect(stderr).toContain('can be read but not changed');
    expect(await pictureOf()).toEqual(before);
  });
});
