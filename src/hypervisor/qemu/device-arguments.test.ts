import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PciAddress } from '../../base/identifiers.ts';
import { vfioHostAddressesOf } from '../../kernel/proc/qemu-command.ts';
import { deviceIdOf, quoteForShell, renderDeviceArguments } from './device-arguments.ts';

const vf = '0000:01:10.0' as PciAddress;

describe('the arguments of a VF', () => {
  it('are what QEMU takes', () => {
    expect(renderDeviceArguments({ hostAddress: vf, bus: 'rp1' })).toEqual({
      list: ['-device', 'vfio-pci,host=0000:01:10.0,id=vfleet-0000-01-10-0,bus=rp1'],
      line: '-device vfio-pci,host=0000:01:10.0,id=vfleet-0000-01-10-0,bus=rp1',
    });
    expect(renderDeviceArguments({ hostAddress: vf }).line).not.toContain('bus');
  });

  it('name the VF alone, whatever the bus is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (bus) => {
        const { list } = renderDeviceArguments({ hostAddress: vf, bus });
        expect(vfioHostAddressesOf(['qemu', ...list])).toEqual([vf]);
      }),
    );
    expect(renderDeviceArguments({ hostAddress: vf, bus: 'a,host=0000:02:00.0' }).list[1]).toContain(
      'bus=a,,host=0000:02:00.0',
    );
  });

  it('have an id that QEMU finds well-formed, another for each address', () => {
    expect(deviceIdOf(vf)).toMatch(/^[A-Za-z][A-Za-z0-9._-]*$/);
    expect(deviceIdOf('10000:01:10.0' as PciAddress)).toBe('vfleet-10000-01-10-0');
  });

  it('are read by a shell as they are', () => {
    const words = fc.array(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
      {
        minLength: 1,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(words, (list) => {
        // The shell gets each line through its standard input, as somebody would paste it.
        const script = `printf '%s\\0' ${list.map(quoteForShell).join(' ')}\n`;
        const output = execFileSync('/bin/sh', [], { input: script });
        expect(output).toEqual(Buffer.from(list.map((word) => `${word}\0`).join('')));
      }),
      { numRuns: 40 },
    );
  });
});
