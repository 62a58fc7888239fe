// What igb refuses: the error names the VF, the attribute, the driver and the reason, and no VF is left half-configured.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySpec, vfleet, writeSpec } from './command.ts';
import { makeFolder, pf0, pf1, pictureOf, resetLab } from './lab-host.ts';

describe('a setting that the driver refuses', () => {
  const state = makeFolder();

  beforeAll(async () => {
    await resetLab();
    const mac = (index: number): string =>
      `${index}: { mac: '52:54:00:aa:00:0${index}', vlan: ${index + 1} }`;
    await applySpec(
      state,
      `  - match: { address: '${pf0}' }\n    up: true\n    vfs: { count: 2, ${mac(0)}, ${mac(1)} }\n`,
    );
  });

  afterAll(resetLab);

  it('puts everything back, on all PFs', async () => {
    const before = await pictureOf();
    const spec = `  - match: { address: '${pf1}' }
    mtu: 1700
    vfs: { count: 1 }
  - match: { address: '${pf0}' }
    mtu: 1800
    vfs:
      default: { trust: true }
      0: { vlan: 50 }
      1: { vlan: 51, linkState: enable }
`;
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, spec), '--yes']);
    expect(status).toBe(5);
    expect(stderr).toContain(`VF 1 of ${pf0}: driver igb refused linkState enable: EOPNOTSUPP`);
    expect(stderr).toContain('Everything was put back.');
    expect(await pictureOf()).toEqual(before);
  });

  it('tells scripts the same', async () => {
    const spec = `  - match: { address: '${pf0}' }\n    vfs: { 0: { linkState: disable } }\n`;
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, spec), '--yes', '--json']);
    expect(status).toBe(5);
    expect(JSON.parse(stderr.split('\n').at(-1) ?? '')).toMatchObject({
      error: {
        code: 'apply.undone',
        details: { pf: pf0, vf: 0, attribute: 'linkState', driver: 'igb', errno: 'EOPNOTSUPP' },
      },
    });
  });

  it('leaves no VF behind where none was', async () => {
    const before = await pictureOf();
    const spec = `  - match: { address: '${pf1}' }\n    vfs: { count: 4, default: { vlan: 7 }, 3: { linkState: enable } }\n`;
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, spec), '--yes']);
    expect(status).toBe(5);
    expect(stderr).toContain(`VF 3 of ${pf1}: driver igb refused linkState enable: EOPNOTSUPP`);
    expect(await pictureOf()).toEqual(before);
  });
});
