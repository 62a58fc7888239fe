import { describe, expect, it } from 'vitest';
import type { PciAddress } from '../base/identifiers.ts';
import { readLink, setLink, setVfSettings } from '../kernel/rtnetlink/link.ts';
import type { VfInfoSettings } from '../kernel/rtnetlink/vf-info.ts';
import { readNetdevFiles } from '../kernel/sysfs/net.ts';
import { openWithVfs, settingsOf, timeoutMs } from './testing/opened-host.ts';

describe('VF settings', () => {
  it('keeps what igb takes and refuses what it does not', async () => {
    const opened = await openWithVfs('igb', 2);
    const { client, ifIndex } = opened;
    const settings = {
      mac: '52:54:00:aa:00:01',
      vlan: 100,
      qos: 3,
      minTxRateMbps: 0,
      maxTxRateMbps: 500,
      spoofCheck: false,
      trust: true,
    };
    await setVfSettings(client, ifIndex, [{ index: 1, settings }]);
    expect(await settingsOf(opened, 1)).toMatchObject({ ...settings, vlanProtocol: '802.1Q' });
    const refused = async (change: VfInfoSettings, index = 0): Promise<unknown> =>
      setVfSettings(client, ifIndex, [{ index, settings: change }]).then(
        () => 'taken',
        (error: { details: { errno: string } }) => error.details.errno,
      );
    expect(await refused({ linkState: 'disable' })).toBe('EOPNOTSUPP');
    expect(await refused({ minTxRateMbps: 10, maxTxRateMbps: 100 })).toBe('EINVAL');
    expect(await refused({ maxTxRateMbps: 1001 })).toBe('EINVAL');
    expect(await refused({ vlan: 5, vlanProtocol: '802.1ad' })).toBe('EPROTONOSUPPORT');
    expect(await refused({ vlan: 4096 })).toBe('EINVAL');
    expect(await refused({ mac: '01:00:5e:00:00:01' })).toBe('EINVAL');
    expect(await refused({ trust: true }, 2)).toBe('EINVAL');
    await setLink(client, ifIndex, { up: false });
    expect(await refused({ maxTxRateMbps: 100 })).toBe('EINVAL');
  });

  it('stops at the first refusal and keeps what came before', async () => {
    const opened = await openWithVfs('igb', 4);
    const failure = setVfSettings(opened.client, opened.ifIndex, [
      { index: 0, settings: { vlan: 10 } },
      { index: 1, settings: { vlan: 11, linkState: 'enable' } },
      { index: 2, settings: { vlan: 12 } },
    ]);
    await expect(failure).rejects.toMatchObject({ details: { errno: 'EOPNOTSUPP' } });
    const vlans = (await readLink(opened.client, opened.ifIndex, { vfs: true })).vfs?.map(
      (vf) => vf.settings.vlan,
    );
    // The VLAN of VF 1 comes before its link state in the kernel's order.
    expect(vlans).toEqual([10, 11, 0, 0]);
  });

  it('takes everything on netdevsim, 256 VFs in one message', async () => {
    const opened = await openWithVfs('netdevsim', 256);
    const settings = {
      mac: '52:54:00:bb:00:01',
      vlan: 7,
      qos: 2,
      vlanProtocol: '802.1ad',
      minTxRateMbps: 5,
      maxTxRateMbps: 900,
      spoofCheck: true,
      trust: true,
      linkState: 'disable',
    } as const;
    const all = Array.from({ length: 256 }, (_, index) => ({ index, settings }));
    await setVfSettings(opened.client, opened.ifIndex, all);
    expect(await settingsOf(opened, 255)).toMatchObject(settings);
    expect(await settingsOf(opened, 0)).toMatchObject(settings);
  });

  it('refuses settings of an i40e VF for a while after it was made', async () => {
    const opened = await openWithVfs('i40e', 1);
    const change = async () =>
      setVfSettings(opened.client, opened.ifIndex, [{ index: 0, settings: { mac: '52:54:00:cc:00:01' } }]);
    const setUnready = (untilMs: number): void =>
      opened.kernel.change((state) => {
        const vf = state.pfs[0]?.vfs[0];
        if (vf !== undefined) vf.unreadyUntilMs = untilMs;
      });
    setUnready(opened.kernel.clock.nowMs() + 86_400_000);
    await expect(change()).rejects.toMatchObject({ details: { errno: 'EAGAIN' } });
    setUnready(0);
    await change();
    expect((await settingsOf(opened, 0))?.mac).toBe('52:54:00:cc:00:01');
  });

  it('gives the VF driver the address of the PF, and a random one otherwise', async () => {
    const opened = await openWithVfs('igb', 1);
    const { kernel, client, ifIndex } = opened;
    const vf = '0000:01:10.0' as PciAddress;
    const first = (await settingsOf(opened, 0))?.mac;
    expect(readNetdevFiles(kernel.files, 'enp1s0v0').mac).toBe(first);
    await setVfSettings(client, ifIndex, [{ index: 0, settings: { mac: '52:54:00:aa:00:09' } }]);
    // igbvf has to start anew to see it.
    expect(readNetdevFiles(kernel.files, 'enp1s0v0').mac).toBe(first);
    await kernel.files.write('/sys/bus/pci/drivers/igbvf/unbind', vf, timeoutMs);
    await kernel.files.write('/sys/bus/pci/drivers/igbvf/bind', vf, timeoutMs);
    expect(readNetdevFiles(kernel.files, 'enp1s0v0').mac).toBe('52:54:00:aa:00:09');
  });
});
