// 256 VFs on a real kernel: written by vfleet, written by `ip -batch`, read back right both times; and switchdev mode.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VfSettings } from '../../src/model/vf.ts';
import { applySpec, showPf, vfleet, vfleetOk, writeSpec } from './command.ts';
import {
  devicePath,
  interfaceOf,
  makeFolder,
  netdevsimPf,
  readIpLink,
  readSys,
  resetLab,
  run,
} from './lab-host.ts';
import type { IpVf } from './lab-host.ts';

const vfCount = 256;

type EverySetting = { readonly [Name in keyof VfSettings]-?: NonNullable<VfSettings[Name]> };

/** All settings of a VF, different from VF to VF; `round` makes other ones. */
function settingsOf(index: number, round: number): EverySetting {
  const hex = index.toString(16).padStart(2, '0');
  return {
    mac: `52:54:00:a${round}:00:${hex}`,
    vlan: 1 + ((index * 15 + round) % 4094),
    qos: (index + round) % 8,
    vlanProtocol: index % 3 === round ? '802.1ad' : '802.1Q',
    minTxRateMbps: 10 + index,
    maxTxRateMbps: 1000 + index + round,
    spoofCheck: (index + round) % 2 === 0,
    trust: (index + round) % 5 === 0,
    linkState: (['auto', 'enable', 'disable'] as const)[(index + round) % 3] ?? 'auto',
  };
}

const settings = (round: number): EverySetting[] =>
  Array.from({ length: vfCount }, (_, index) => settingsOf(index, round));

function entries(round: number): string {
  const vfs = settings(round).map((each, index) => `      ${index}: ${JSON.stringify(each)}\n`);
  return `  - match: { address: ${netdevsimPf} }\n    vfs:\n      count: ${vfCount}\n${vfs.join('')}`;
}

/** Lines for `ip -batch` that set what the settings say. */
function batch(netdev: string, round: number): string {
  const onOff = (value: boolean): string => (value ? 'on' : 'off');
  return settings(round)
    .map(
      ({ mac, vlan, qos, vlanProtocol, minTxRateMbps, maxTxRateMbps, spoofCheck, trust, linkState }, index) =>
        [
          `link set dev ${netdev} vf ${index} mac ${mac} vlan ${vlan} qos ${qos} proto ${vlanProtocol}`,
          `min_tx_rate ${minTxRateMbps} max_tx_rate ${maxTxRateMbps} spoofchk ${onOff(spoofCheck)}`,
          `trust ${onOff(trust)} state ${linkState}\n`,
        ].join(' '),
    )
    .join('');
}

function settingsByIp({ address, vlan_list: [tag] = [], rate, spoofchk, trust, link_state }: IpVf): unknown {
  return {
    mac: address,
    vlan: tag?.vlan,
    qos: tag?.qos ?? 0,
    // ip leaves the usual protocol out.
    vlanProtocol: tag?.protocol ?? '802.1Q',
    minTxRateMbps: rate?.min_tx,
    maxTxRateMbps: rate?.max_tx,
    spoofCheck: spoofchk,
    trust,
    linkState: link_state,
  };
}

describe('256 VFs', () => {
  const state = makeFolder();

  beforeAll(resetLab);
  afterAll(resetLab);

  it('come with all their settings, and all come back right', async () => {
    await applySpec(state, entries(0));
    expect(readSys(`${devicePath(netdevsimPf)}/sriov_numvfs`)).toBe(String(vfCount));
    const { vfs } = await showPf(state, netdevsimPf);
    expect(vfs.map((vf) => vf.settings)).toEqual(settings(0));
  });

  it('are seen alike by ip, as far as it sees them', async () => {
    // The length of the list wraps at 64 KiB, and ip believes it (docs/kernel-interfaces.md).
    const { vfinfo_list: vfs = [] } = await readIpLink(interfaceOf(netdevsimPf));
    expect(vfs.length).toBeGreaterThan(0);
    expect(vfs.length).toBeLessThan(vfCount);
    expect(vfs.map((vf) => settingsByIp(vf))).toEqual(settings(0).slice(0, vfs.length));
  });

  it('are left alone by a second apply', async () => {
    const result = await applySpec(state, entries(0), '--json');
    expect(JSON.parse(result)).toMatchObject({ result: 'unchanged', plan: { steps: [], changes: [] } });
  });

  it('are read right when ip -batch has set them', async () => {
    const file = join(state, 'batch');
    writeFileSync(file, batch(interfaceOf(netdevsimPf), 1));
    await run('ip', ['-batch', file]);
    const { vfs } = await showPf(state, netdevsimPf);
    expect(vfs.map((vf) => vf.settings)).toEqual(settings(1));
    const plan = await vfleet(state, ['plan', writeSpec(state, entries(1)), '--exit-code']);
    expect(plan).toMatchObject({ status: 0, stderr: '' });
  });

  it('are put back by revert', async () => {
    await vfleetOk(state, ['revert', '--yes']);
    expect(readSys(`${devicePath(netdevsimPf)}/sriov_numvfs`)).toBe('0');
    expect((await showPf(state, netdevsimPf)).vfs).toEqual([]);
  });
});

interface DevlinkPorts {
  readonly port: Readonly<
    Record<string, { readonly flavour: string; readonly vfnum?: number; readonly netdev?: string }>
  >;
}

describe('switchdev mode', () => {
  const state = makeFolder();
  const representedVfs = 32;

  beforeAll(resetLab);
  afterAll(async () => {
    await resetLab();
    await run('devlink', ['dev', 'eswitch', 'set', netdevsimPf, 'mode', 'legacy']);
  });

  async function eswitchMode(): Promise<string | undefined> {
    const { dev } = JSON.parse(await run('devlink', ['-j', 'dev', 'eswitch', 'show', netdevsimPf])) as {
      dev: Readonly<Record<string, { readonly mode: string }>>;
    };
    return dev[netdevsimPf]?.mode;
  }

  function entriesFor(mode: 'legacy' | 'switchdev'): string {
    return `  - match: { address: ${netdevsimPf} }
    eswitch: ${mode}
    vfs: { count: ${representedVfs}, 0: { mac: '52:54:00:aa:00:01' } }
`;
  }

  it('is reached with a representor for each VF, as devlink has it', async () => {
    await applySpec(state, entriesFor('switchdev'));
    expect(await eswitchMode()).toBe('switchdev');
    const { port } = JSON.parse(await run('devlink', ['-j', 'port', 'show'])) as DevlinkPorts;
    const byDevlink = new Map(
      Object.values(port)
        .filter(({ flavour }) => flavour === 'pcivf')
        .map(({ vfnum, netdev }) => [vfnum, netdev]),
    );
    const { vfs, netdevs, devlink } = await showPf(state, netdevsimPf);
    expect(byDevlink.size).toBe(representedVfs);
    expect(new Map(vfs.map(({ index, representor }) => [index, representor]))).toEqual(byDevlink);
    expect(netdevs).toHaveLength(1);
    expect(devlink?.eswitchMode).toBe('switchdev');
    expect(vfs[0]?.settings.mac).toBe('52:54:00:aa:00:01');
  });

  it('is left again, and the VFs stay', async () => {
    await applySpec(state, entriesFor('legacy'));
    expect(await eswitchMode()).toBe('legacy');
    const { vfs, netdevs } = await showPf(state, netdevsimPf);
    expect(vfs.map(({ representor }) => representor)).toEqual(Array.from({ length: representedVfs }));
    expect(vfs[0]?.settings.mac).toBe('52:54:00:aa:00:01');
    expect(netdevs).toHaveLength(1);
  });

  it('comes back by revert', async () => {
    await vfleetOk(state, ['revert', '--yes']);
    expect(await eswitchMode()).toBe('switchdev');
  });
});
