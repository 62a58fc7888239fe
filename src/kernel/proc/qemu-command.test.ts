import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { vfioHostAddressesOf, vmNameOf } from './qemu-command.ts';

test('the name in all its spellings', () => {
  const name = (...args: string[]): string | undefined => vmNameOf(['/usr/bin/qemu-system-x86_64', ...args]);
  expect(name('-name', 'guest=web-1,debug-threads=on', '-S')).toBe('web-1');
  expect(name('-name', 'web-1')).toBe('web-1');
  expect(name('-name', 'web-1,process=qemu:web')).toBe('web-1');
  expect(name('-name', 'debug-threads=on,guest=web-1')).toBe('web-1');
  expect(name('--name', 'web-1')).toBe('web-1');
  expect(name('-name', 'guest=a,,b,,,,c,debug-threads=on')).toBe('a,b,,c');
  expect(name('-name', 'a=b')).toBeUndefined();
  expect(name('-name', 'guest=a=b')).toBe('a=b');
  expect(name('-name', 'first', '-name', 'second')).toBe('second');
});

test('no name where there is none', () => {
  expect(vmNameOf([])).toBeUndefined();
  expect(vmNameOf(['qemu', '-name'])).toBeUndefined();
  expect(vmNameOf(['qemu', '-name', ''])).toBeUndefined();
  expect(vmNameOf(['qemu', '-name', 'debug-threads=on'])).toBeUndefined();
  expect(vmNameOf(['-name', 'x'])).toBeUndefined();
  expect(vmNameOf(['find', '.', '-iname', 'x'])).toBeUndefined();
});

test('host devices in all their spellings, once each', () => {
  expect(
    vfioHostAddressesOf([
      'qemu',
      '-device',
      'vfio-pci,host=0000:01:10.0,id=hostdev0',
      '-device',
      '{"driver":"vfio-pci","host":"0000:01:10.2","id":"hostdev1","bus":"pci.5"}',
      '-device',
      'vfio-pci,host=01:10.4',
      '-device',
      'driver=vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:01:10.6',
      '-device',
      'vfio-pci-nohotplug,host=0000:02:00.0',
      '-device',
      'vfio-pci,host=0000:01:10.0',
    ]),
  ).toEqual(['0000:01:10.0', '0000:01:10.2', '0000:01:10.4', '0000:01:10.6', '0000:02:00.0']);
});

test('other devices, broken JSON and mediated devices have no host address', () => {
  expect(
    vfioHostAddressesOf([
      'qemu',
      '-device',
      'virtio-net-pci,host=0000:01:10.0',
      '-device',
      '{"driver":"vfio-pci","host":',
      '-device',
      '{"driver":"vfio-pci","host":7}',
      '-device',
      'vfio-pci,sysfsdev=/sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01',
      '-device',
      'vfio-pci,host=nonsense',
      '-netdev',
      'vfio-pci,host=0000:01:10.0',
      '-device',
    ]),
  ).toEqual([]);
});

test('any arguments are taken', () => {
  const argument = fc.oneof(
    fc.string(),
    fc.constantFrom('-name', '-device', 'vfio-pci,host=', '{"driver":null}', ',,,'),
  );
  fc.assert(
    fc.property(fc.array(argument), (commandLine) => {
      expect(vfioHostAddressesOf(commandLine).length).toBeLessThanOrEqual(commandLine.length);
      expect(vmNameOf(commandLine)).not.toBe('');
    }),
  );
});
