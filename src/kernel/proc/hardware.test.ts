import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostFolder } from '../sysfs/igb-host.fixture.ts';
import { emptyHost } from '../sysfs/igb-host.fixture.ts';
import { readKernelCommandLine } from './cmdline.ts';
import { readCpuInfo } from './cpuinfo.ts';
import { readInterruptRemapping } from './interrupts.ts';
import { readLockedMemoryKb } from './limits.ts';
import { readMeminfo } from './meminfo.ts';

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

describe('/proc/cpuinfo', () => {
  it.each([
    ['GenuineIntel', 'fpu vmx hypervisor', { vendor: 'intel', virtualisation: 'vmx', isGuest: true }],
    ['GenuineIntel', 'fpu vmx_like', { vendor: 'intel', virtualisation: 'none', isGuest: false }],
    ['AuthenticAMD', 'svm fpu', { vendor: 'amd', virtualisation: 'svm', isGuest: false }],
    ['HygonGenuine', 'svm', { vendor: 'other', virtualisation: 'svm', isGuest: false }],
  ])('of %s with %j', (vendor, flags, expected) => {
    const second = 'processor\t: 1\nvendor_id\t: other\nflags\t\t: vmx svm hypervisor';
    host.write(
      '/proc/cpuinfo',
      `processor\t: 0\nvendor_id\t: ${vendor}\nmodel name\t: A: b\nvmx flags\t: vnmi\nflags\t\t: ${flags}\n\n${second}\n\n`,
    );
    expect(readCpuInfo(host.files)).toEqual({ ...expected, modelName: 'A: b' });
  });

  it('of another architecture has none of it', () => {
    host.write('/proc/cpuinfo', 'processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n\n');
    expect(readCpuInfo(host.files)).toEqual({
      vendor: 'other',
      modelName: undefined,
      virtualisation: 'none',
      isGuest: false,
    });
    host.remove('/proc/cpuinfo');
    expect(readCpuInfo(host.files)).toBeUndefined();
  });
});

describe('/proc/interrupts', () => {
  const header = '            CPU0       CPU1       \n';
  const timer = '   0:         24          0  IR-IO-APIC    2-edge      timer\n';
  const card = '  25:          0       7712  IR-PCI-MSIX-0000:01:00.0    0-edge      enp1s0\n';
  const unit = ' 120:          0          0  DMAR-MSI    0-edge      dmar0\n';
  const local = ' NMI:          0          0   Non-maskable interrupts\n ERR:          0\n';

  it.each([
    ['remapped, with the units’ own interrupt', header + timer + card + unit + local, true],
    ['not remapped', header + (timer + card).replaceAll('IR-', '') + local, false],
    ['one of two chips remapped', header + timer + card.replace('IR-', ''), false],
    [
      'a card alone, not remapped, on an older kernel',
      `${header}  25:   1   2   PCI-MSI 524288-edge   eth0\n`,
      false,
    ],
    [
      'a card alone, remapped, on an older kernel',
      `${header}  25:   1   2   IR-PCI-MSI 524288-edge   eth0\n`,
      true,
    ],
    ['without any device', header + unit + local, undefined],
    [
      'of another architecture',
      `${header}  11:   5   6   ITS-PCI-MSI-0000:01:00.0   0 Edge  eth0\n`,
      undefined,
    ],
    ['empty', '', undefined],
    ['rubbish', '\0\x01 : : :\n\n:::', undefined],
  ])('%s', (_, text, expected) => {
    host.write('/proc/interrupts', text);
    expect(readInterruptRemapping(host.files)).toBe(expected);
  });

  it('is not there', () => {
    expect(readInterruptRemapping(host.files)).toBeUndefined();
  });
});

describe('/proc/meminfo', () => {
  it('and the file of a node have one form', () => {
    host.write(
      '/proc/meminfo',
      'MemTotal:        4001234 kB\nMemFree:         1048575 kB\nHugePages_Total: 3\n',
    );
    expect(readMeminfo(host.files, '/proc/meminfo')).toEqual({ totalMb: 3907, freeMb: 1023 });
    host.write('/node', '\nNode 0 MemTotal:       1048576 kB\nNode 0 MemFree:   0 kB\nNode 0 Dirty: 1 kB\n');
    expect(readMeminfo(host.files, '/node')).toEqual({ totalMb: 1024, freeMb: 0 });
    expect(readMeminfo(host.files, '/nothing')).toEqual({ totalMb: undefined, freeMb: undefined });
  });
});

describe('/proc/self/limits', () => {
  it.each([
    ['8388608              8388608              bytes     ', 8192],
    ['unlimited            unlimited            bytes     ', 'unlimited'],
    ['18446744073709551615 unlimited            bytes     ', 'unlimited'],
    ['many                 unlimited            bytes     ', undefined],
  ])('locked memory %j', (limits, expected) => {
    host.write(
      '/proc/self/limits',
      `Max open files   1024  1024  files\nMax locked memory         ${limits}\n`,
    );
    expect(readLockedMemoryKb(host.files)).toBe(expected);
  });
});

it('the command line is whole', () => {
  expect(readKernelCommandLine(host.files)).toBeUndefined();
  host.write('/proc/cmdline', 'BOOT_IMAGE=/vmlinuz ro intel_iommu=on iommu=pt\n');
  expect(readKernelCommandLine(host.files)).toBe('BOOT_IMAGE=/vmlinuz ro intel_iommu=on iommu=pt');
});
