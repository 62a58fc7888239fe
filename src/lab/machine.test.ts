import { describe, expect, it } from 'vitest';
import {
  checkLabMachine,
  defaultLabMachine,
  kernelArguments,
  labIommus,
  parseIommu,
  parseNics,
  qemuArguments,
} from './machine.ts';
import type { LabMachine } from './machine.ts';

const files = {
  kernelFile: '/cache/vmlinuz',
  initramfsFile: '/cache/initramfs',
  modulesFolder: '/cache/lib/modules',
  consoleFile: '/cache/logs/a,b.log',
  ports: { control: 3, stdout: 4 },
};

function valuesOf(option: string, args: readonly string[]): string[] {
  return args.filter((_, index) => args[index - 1] === option);
}

describe('checkLabMachine', () => {
  it.each([
    { memoryMb: 2001 },
    { memoryMb: 100 },
    { memoryMb: Number.NaN },
    { nics: { model: 'igb', count: 9 } },
    { nics: { model: 'igb', count: -1 } },
    { netdevsimVfs: 0 },
    { netdevsimVfs: 1.5 },
    { cpus: 0 },
  ] as Partial<LabMachine>[])('refuses %j', (change) => {
    expect(() => checkLabMachine({ ...defaultLabMachine, ...change })).toThrow(
      expect.objectContaining({ code: 'usage.invalid' }),
    );
  });

  it('says why there is no more memory', () => {
    expect(() => checkLabMachine({ ...defaultLabMachine, memoryMb: 4000 })).toThrow(/VF BARs above 4 GB/);
  });

  it('takes the machine it offers, without NICs too', () => {
    expect(() => checkLabMachine(defaultLabMachine)).not.toThrow();
    expect(() =>
      checkLabMachine({ ...defaultLabMachine, nics: { model: 'igb', count: 0 }, netdevsimVfs: 256 }),
    ).not.toThrow();
  });
});

describe('parseNics', () => {
  it('reads model and count', () => {
    expect(parseNics('igb:2')).toEqual({ model: 'igb', count: 2 });
    expect(parseNics('igb')).toEqual({ model: 'igb', count: 1 });
  });

  it.each(['foo:0', 'igb:', 'igb:-1', 'igb:2x', '', 'igb:1234', 'IGB:1'])('refuses %j', (text) => {
    expect(() => parseNics(text)).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
  });
});

describe('parseIommu', () => {
  it('reads each name it offers', () => {
    expect(labIommus.map((name) => parseIommu(name))).toEqual([...labIommus]);
  });

  it('refuses others', () => {
    expect(() => parseIommu('smmu')).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
  });
});

describe('qemuArguments', () => {
  it('never uses KVM', () => {
    const args = qemuArguments(defaultLabMachine, files);
    expect(valuesOf('-accel', args)).toEqual(['tcg,thread=multi']);
    expect(args.join(' ')).not.toMatch(/kvm/i);
  });

  it('puts each NIC behind a root port of its own, after the IOMMU', () => {
    const devices = valuesOf('-device', qemuArguments(defaultLabMachine, files));
    expect(devices[0]).toMatch(/^intel-iommu,/);
    expect(devices.filter((device) => /root-port|igb/.test(device))).toEqual([
      'pcie-root-port,id=rp1,chassis=1,slot=1',
      'igb,bus=rp1,netdev=net1,mac=52:54:00:00:01:00,romfile=',
      'pcie-root-port,id=rp2,chassis=2,slot=2',
      'igb,bus=rp2,netdev=net2,mac=52:54:00:00:02:00,romfile=',
    ]);
  });

  it('has the IOMMU that is asked for', () => {
    const iommuOf = (iommu: LabMachine['iommu']): string[] =>
      valuesOf('-device', qemuArguments({ ...defaultLabMachine, iommu }, files)).filter((device) =>
        device.includes('iommu'),
      );
    expect(iommuOf('off')).toEqual([]);
    expect(iommuOf('amd')).toEqual(['amd-iommu,intremap=off']);
    expect(iommuOf('intel')[0]).toContain('intremap=on');
    expect(iommuOf('intel-noremap')[0]).toContain('intremap=off');
    expect(kernelArguments({ ...defaultLabMachine, iommu: 'off' }).join(' ')).not.toContain('iommu');
  });

  it('shares the host read-only', () => {
    const shares = valuesOf('-fsdev', qemuArguments(defaultLabMachine, files));
    expect(shares).toHaveLength(2);
    for (const share of shares) expect(share).toContain('readonly=on');
  });

  it('connects each port to its descriptor', () => {
    const args = qemuArguments(defaultLabMachine, files);
    expect(valuesOf('-chardev', args)).toContain('socket,id=control,fd=3');
    expect(valuesOf('-device', args)).toContain('virtserialport,bus=ports.0,nr=1,name=stdout,chardev=stdout');
  });

  it('doubles a comma in a file name', () => {
    const [first] = valuesOf('-chardev', qemuArguments(defaultLabMachine, files));
    expect(first).toBe('file,id=serial,path=/cache/logs/a,,b.log,append=on');
  });
});
