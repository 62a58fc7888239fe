// The main job on Linux's own igb and igbvf, as the README promises it: one file, applied, seen by `ip`, felt by `ping`,
// kept from a VF in use, and taken back.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySpec, showPf, vfleet, vfleetOk, writeSpec } from './command.ts';
import {
  interfaceOf,
  makeFolder,
  pf0,
  pictureOf,
  readIpLink,
  readSettledLink,
  resetLab,
  run,
  succeeds,
  vfOf,
} from './lab-host.ts';
import type { IpVf } from './lab-host.ts';

const macs = ['52:54:00:aa:00:01', '52:54:00:aa:00:02', '52:54:00:aa:00:03'] as const;
const namespaces = ['red', 'green', 'blue'] as const;
/** So long nobody answers where nobody shall. */
const silenceSeconds = 8;

/** Three VFs, the first two on VLAN 100, the third on another. */
function entries(lastVlan: number): string {
  return `  - match: { address: '${pf0}' }
    mtu: 1600
    up: true
    vfs:
      count: 3
      default: { driver: kernel, spoofCheck: true, trust: false, vlan: 100 }
      '0': { mac: '${macs[0]}', qos: 3, maxTxRateMbps: 500 }
      '1': { mac: '${macs[1]}', trust: true }
      '2': { mac: '${macs[2]}', vlan: ${lastVlan}, spoofCheck: false }
`;
}

/** Moves a VF's interface into its namespace and gives it the address 10.0.0.N, N from 1. */
async function moveToNamespace(index: number): Promise<void> {
  const name = interfaceOf(vfOf(pf0, index));
  const netns = namespaces[index] ?? '';
  await run('ip', ['link', 'set', 'dev', name, 'netns', netns]);
  await run('ip', ['-n', netns, 'addr', 'add', `10.0.0.${index + 1}/24`, 'dev', name]);
  await run('ip', ['-n', netns, 'link', 'set', 'dev', name, 'up']);
  await readSettledLink(name, netns);
}

/** Whether a ping is answered; one that is to be answered ends with its answers, however late they come. */
async function pings(from: number, to: number, longestSeconds = 120): Promise<boolean> {
  const ping = ['ping', '-n', '-q', '-c', '2', '-i', '0.2', '-w', `${longestSeconds}`, `10.0.0.${to + 1}`];
  return succeeds('ip', ['netns', 'exec', namespaces[from] ?? '', ...ping]);
}

/** What `ip` shows of the VFs, in a form that reads like the spec. */
async function vfsByIp(): Promise<unknown> {
  const { vfinfo_list: vfs = [] } = await readIpLink(interfaceOf(pf0));
  return vfs.map(({ address, vlan_list: [tag] = [], rate, spoofchk, trust }: IpVf) => ({
    mac: address,
    vlan: tag?.vlan ?? 0,
    qos: tag?.qos ?? 0,
    maxTxRateMbps: rate?.max_tx ?? 0,
    spoofCheck: spoofchk,
    trust,
  }));
}

describe('one file for an Intel 82576', () => {
  const state = makeFolder();
  let atBoot: unknown;

  beforeAll(async () => {
    await resetLab();
    atBoot = await pictureOf();
    for (const name of namespaces) await run('ip', ['netns', 'add', name]);
  });

  afterAll(resetLab);

  it('applies, and ip shows every value', async () => {
    const said = await applySpec(state, entries(200));
    expect(said).toContain('Applied and verified.');
    expect(await vfsByIp()).toEqual([
      { mac: macs[0], vlan: 100, qos: 3, maxTxRateMbps: 500, spoofCheck: true, trust: false },
      { mac: macs[1], vlan: 100, qos: 0, maxTxRateMbps: 0, spoofCheck: true, trust: true },
      { mac: macs[2], vlan: 200, qos: 0, maxTxRateMbps: 0, spoofCheck: false, trust: false },
    ]);
    const { mtu, flags } = await readIpLink(interfaceOf(pf0));
    expect({ mtu, up: flags.includes('UP') }).toEqual({ mtu: 1600, up: true });
    for (const [index, mac] of macs.entries()) {
      expect(await readIpLink(interfaceOf(vfOf(pf0, index)))).toMatchObject({ address: mac });
    }
  });

  it('changes nothing when applied again', async () => {
    const before = await pictureOf();
    expect(await vfleetOk(state, ['plan', writeSpec(state, entries(200)), '--exit-code'])).toContain(
      'No changes',
    );
    await applySpec(state, entries(200));
    expect(await pictureOf()).toEqual(before);
  });

  it('isolates: the VFs of one VLAN reach each other, and those of two do not', async () => {
    for (const index of [0, 1, 2]) await moveToNamespace(index);
    expect(await pings(0, 1)).toBe(true);
    expect(await pings(0, 2, silenceSeconds)).toBe(false);
  });

  it('refuses to cut off a VF that lives in a namespace, names it, and touches nothing', async () => {
    const before = await pictureOf();
    const { status, stderr } = await vfleet(state, ['apply', writeSpec(state, entries(100)), '--yes']);
    expect(status).toBe(3);
    expect(stderr).toContain(`VF 2 (0000:01:10.4) of ${pf0} is used by network namespace blue`);
    expect(await pictureOf()).toEqual(before);
    const pf = await showPf(state, pf0);
    expect(pf.vfs.map(({ holders: [holder] }) => [holder?.kind, holder?.name])).toEqual(
      namespaces.map((name) => ['netns', name]),
    );
  });

  it('does it when told to: the third VF joins the VLAN', async () => {
    await applySpec(state, entries(100), '--allow-disruption');
    // Its driver was started anew, which brought its interface back from the namespace.
    await moveToNamespace(2);
    expect(await pings(0, 2)).toBe(true);
    expect(await pings(1, 2)).toBe(true);
  });

  it('reverts what was applied last', async () => {
    await vfleetOk(state, ['revert', '--yes', '--allow-disruption']);
    await moveToNamespace(2);
    expect(await pings(0, 1)).toBe(true);
    expect(await pings(0, 2, silenceSeconds)).toBe(false);
    expect(await vfleet(state, ['revert', '--yes'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('the last apply was already reverted') as string,
    });
  });

  it('restores the start', async () => {
    await resetLab();
    const freshState = makeFolder();
    await applySpec(freshState, entries(200));
    expect(await pictureOf()).not.toEqual(atBoot);
    expect(await vfleetOk(freshState, ['revert', '--yes'])).toContain('Reverted and verified.');
    expect(await pictureOf()).toEqual(atBoot);
  });
});
