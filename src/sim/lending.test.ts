import { describe, expect, it } from 'vitest';
import { openWithVfs, settingsOf } from './testing/opened-host.ts';

const address = '0000:01:10.0';
const guest = { vm: 'web,1=x', mac: '52:54:00:00:00:01', vlan: 7 };

describe('a VF that a hypervisor lends to a VM', () => {
  it('has the address and tag that the hypervisor sets, and is held by the VM', async () => {
    const opened = await openWithVfs('igb', 2);
    const { kernel } = opened;
    kernel.lendVf(address, guest);
    expect(await settingsOf(opened, 0)).toMatchObject({ mac: guest.mac, vlan: 7, qos: 0 });
    expect(kernel.state.pfs[0]?.vfs[0]).toMatchObject({ driver: 'vfio-pci', dirt: 'left by web,1=x' });
    expect(kernel.state.processes.at(-1)?.commandLine).toContain('guest=web,,1=x,debug-threads=on');
    expect(() => kernel.lendVf(address, guest)).toThrow(/in use/);
  });

  it('has its driver, address and tag again when it is taken back, and what the guest left in it', async () => {
    const opened = await openWithVfs('igb', 2);
    const { kernel } = opened;
    const before = kernel.state.pfs[0]?.vfs[0];
    const { driver, settings } = structuredClone({ driver: before?.driver, settings: before?.settings });
    kernel.lendVf(address, guest);
    kernel.returnVf(address);
    kernel.returnVf(address);
    const after = kernel.state.pfs[0]?.vfs[0];
    expect(after).toMatchObject({ driver, dirt: 'left by web,1=x' });
    expect({ ...after?.settings, mac: '' }).toEqual({ ...settings, mac: '' });
    expect(after?.netdev).toBeDefined();
    expect(after?.borrowed).toBeUndefined();
  });

  it('keeps its tag when the hypervisor has none for it, and loses its priority by being taken back', async () => {
    const opened = await openWithVfs('igb', 2);
    const { kernel } = opened;
    Object.assign(kernel.state.pfs[0]?.vfs[0]?.settings ?? {}, { vlan: 100, qos: 3 });
    kernel.lendVf(address, { vm: guest.vm, mac: guest.mac });
    expect(await settingsOf(opened, 0)).toMatchObject({ mac: guest.mac, vlan: 100, qos: 3 });
    kernel.returnVf(address);
    expect(await settingsOf(opened, 0)).toMatchObject({ vlan: 100, qos: 0 });
  });

  it('cannot be one that is not there', async () => {
    const { kernel } = await openWithVfs('igb', 1);
    expect(() => kernel.lendVf('0000:09:00.0', guest)).toThrow(/no device/);
    kernel.returnVf('0000:09:00.0');
    expect(kernel.state.processes.some(({ comm }) => comm.startsWith('qemu'))).toBe(false);
  });
});
