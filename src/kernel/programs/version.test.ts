import { describe, expect, it } from 'vitest';
import { localKernel } from '../local-kernel.ts';
import type { Kernel, ToolName } from '../kernel.ts';
import { probeLldp, readLibvirtVersion, readQemuVersion } from './version.ts';

const timeoutMs = 1000;

/** A machine on which these programs are installed and print these lines. */
function kernelWith(outputs: Partial<Record<ToolName, string>>): Kernel {
  return {
    ...localKernel(),
    runTool: async (program) => {
      const output = outputs[program];
      if (output === undefined) return { errno: 'ENOENT' };
      return output === '' ? { errno: 'EIO' } : new Uint8Array(Buffer.from(output));
    },
  };
}

describe('the version of QEMU', () => {
  it.each([
    ['QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright (c) 2003-2025\n', '10.0.2'],
    ['QEMU emulator version 9.2\n', '9.2'],
    ['QEMU emulator version 8.2.50 (v8.2.0-123-gabcdef)\n', '8.2.50'],
  ])('is read from %j', async (output, version) => {
    expect(await readQemuVersion(kernelWith({ 'qemu-system-x86_64': output }), timeoutMs)).toBe(version);
  });

  it('comes from qemu-kvm where that is its name', async () => {
    const kernel = kernelWith({ 'qemu-kvm': 'QEMU emulator version 9.0.0 (qemu-kvm-9.0.0-10.el9)\n' });
    expect(await readQemuVersion(kernel, timeoutMs)).toBe('9.0.0');
  });

  it('is refused where there is none, or the answer is another', async () => {
    expect(await readQemuVersion(kernelWith({}), timeoutMs)).toEqual({ errno: 'ENOENT' });
    const strange = { 'qemu-system-x86_64': 'no version 1.2.3\n', 'qemu-kvm': 'QEMU emulator version 9.0.0' };
    expect(await readQemuVersion(kernelWith(strange), timeoutMs)).toEqual({ errno: 'EIO' });
    expect(await readQemuVersion(kernelWith({ 'qemu-system-x86_64': '' }), timeoutMs)).toEqual({
      errno: 'EIO',
    });
  });
});

describe('the version of libvirt', () => {
  it.each([
    [{ libvirtd: '/usr/sbin/libvirtd (libvirt) 9.0.0\n' }, '9.0.0'],
    [{ libvirtd: 'libvirtd (libvirt) 11.3.0\n' }, '11.3.0'],
    [{ virtqemud: 'virtqemud (libvirt) 10.10.0\n' }, '10.10.0'],
  ])('is read from %j', async (outputs, version) => {
    expect(await readLibvirtVersion(kernelWith(outputs), timeoutMs)).toBe(version);
  });
});

describe('lldpd', () => {
  it('answers, does not run, or is not installed', async () => {
    expect(await probeLldp(kernelWith({ lldpcli: '{"local-chassis":[]}' }), timeoutMs)).toBeUndefined();
    expect(await probeLldp(kernelWith({ lldpcli: '' }), timeoutMs)).toEqual({ errno: 'EIO' });
    expect(await probeLldp(kernelWith({}), timeoutMs)).toEqual({ errno: 'ENOENT' });
  });
});
