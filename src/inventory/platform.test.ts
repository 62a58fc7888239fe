import { describe, expect, it } from 'vitest';
import { localKernel } from '../kernel/local-kernel.ts';
import { KernelSession } from '../kernel/session.ts';
import { Platform } from '../model/platform.ts';
import { Snapshot } from '../model/snapshot.ts';
import type { SimFault } from '../sim/fault.ts';
import type { SimPlatform } from '../sim/platform.ts';
import type { SimProfile } from '../sim/profile.ts';
import { simProfileNames, simProfileOf } from '../sim/profiles/profile-table.ts';
import { createSimKernel } from '../sim/sim-kernel.ts';
import { readPlatform } from './platform.ts';
import { readSnapshot } from './snapshot.ts';

interface Changes {
  readonly iommu?: boolean;
  readonly platform?: Partial<SimPlatform>;
  readonly faults?: readonly SimFault[];
  /** Effective capabilities; absent: root's. */
  readonly capEff?: string;
}

/** The platform of a server that differs from the one of the profile `ice`. */
async function platformWith({ faults = [], capEff, ...changes }: Changes): ReturnType<typeof readPlatform> {
  const profile: SimProfile = { ...simProfileOf('ice'), ...changes };
  const kernel = createSimKernel({ profile, faults });
  if (capEff !== undefined) {
    kernel.change((state) => {
      state.capEff = capEff;
    });
  }
  return readPlatform(new KernelSession(kernel));
}

describe.each(simProfileNames)('a full snapshot of %s', (name) => {
  it('has the whole platform, and nothing of it unread as root', async () => {
    const session = new KernelSession(createSimKernel({ profile: name }));
    const snapshot = Snapshot.parse(await readSnapshot(session, { detail: 'full', platform: true }));
    const { platform, host } = snapshot;
    expect(snapshot.unread.filter(({ fact }) => fact?.startsWith('platform') === true)).toEqual([]);
    expect(platform).toMatchObject({
      kvm: true,
      processors: {
        vendor: 'intel',
        virtualisation: 'vmx',
        isGuest: false,
        governors: ['performance'],
        deepestIdle: { name: 'C1E', exitLatencyUs: 4 },
      },
      firmware: { uefi: true, secureBoot: false, tpm: { majorVersion: 2, pcrBanks: ['sha1', 'sha256'] } },
      kernel: { lockdown: 'none', modules: { kvm: 'loaded', 'kvm-amd': 'available', iommufd: 'loaded' } },
      programs: { qemu: '10.0.2', libvirt: '11.3.0' },
    });
    expect(platform?.numa.map(({ node }) => node)).toEqual(host.numaNodes);
    expect(platform?.iommu.groups).toHaveLength(host.iommuGroupCount);
    expect(platform?.processors.onlineCount).toBe(16 * host.numaNodes.length);
    const { iommu, numaNodes } = simProfileOf(name);
    expect(platform?.firmware.dmar).toEqual(
      iommu
        ? {
            interruptRemapping: true,
            x2apicOptOut: false,
            dmaProtection: false,
            unitCount: numaNodes.length,
          }
        : undefined,
    );
    expect(platform?.iommu.interruptRemapping).toBe(iommu);
    expect(platform?.kernel.commandLine.includes('intel_iommu=on')).toBe(iommu);
    for (const pf of snapshot.pfs) {
      if (pf.vendorId === undefined) continue;
      expect(platform?.kernel.modules[pf.driver ?? '']).toBe('loaded');
    }
  });
});

describe('the platform of a snapshot', () => {
  it('is read only when it is asked for, and never with the settings alone', async () => {
    const session = new KernelSession(createSimKernel({ profile: 'bare' }));
    expect((await readSnapshot(session, { detail: 'full' })).platform).toBeUndefined();
    expect((await readSnapshot(session, { detail: 'settings', platform: true })).platform).toBeUndefined();
  });

  it('keeps the threads of a core together, and sockets apart', async () => {
    const { platform } = await platformWith({});
    const [first, second] = platform.numa;
    expect(first).toMatchObject({ socket: 0, memoryTotalMb: 131_072, memoryFreeMb: 98_304 });
    expect(first?.cores[0]).toEqual([0, 16]);
    expect(first?.hugepages).toEqual([
      { sizeKb: 2048, total: 1024, free: 1024 },
      { sizeKb: 1_048_576, total: 32, free: 32 },
    ]);
    expect(second?.socket).toBe(1);
    expect(second?.cores[7]).toEqual([15, 31]);
  });
});

describe('a server', () => {
  it('with VT-d switched off in firmware has no table and no unit', async () => {
    const { platform, unread } = await platformWith({ iommu: false });
    expect(platform.firmware.acpiTables).not.toContain('DMAR');
    expect(platform.firmware.dmar).toBeUndefined();
    expect(platform.iommu).toMatchObject({ units: [], groups: [], interruptRemapping: false });
    expect(unread).toEqual([]);
  });

  it('with VT-d switched off for the kernel has the table and no unit', async () => {
    const { platform } = await platformWith({
      iommu: false,
      platform: { firmwareIommu: true, kernelParameters: 'intel_iommu=off' },
    });
    expect(platform.firmware.dmar?.unitCount).toBe(2);
    expect(platform.iommu.units).toEqual([]);
    expect(platform.kernel.commandLine).toContain('intel_iommu=off');
  });

  it('without interrupt remapping says so in the table and in the interrupts', async () => {
    const { platform } = await platformWith({
      platform: { interruptRemapping: false, x2apicOptOut: true, allowUnsafeInterrupts: true },
    });
    expect(platform.firmware.dmar).toMatchObject({ interruptRemapping: false, x2apicOptOut: true });
    expect(platform.iommu).toMatchObject({ units: ['dmar0', 'dmar1'], interruptRemapping: false });
  });

  it('of AMD has IVRS and svm', async () => {
    const { platform, unread } = await platformWith({ platform: { processor: 'amd' } });
    expect(platform.processors).toMatchObject({ vendor: 'amd', virtualisation: 'svm' });
    expect(platform.firmware.ivrs).toEqual({ unitCount: 2 });
    expect(platform.firmware.dmar).toBeUndefined();
    expect(platform.iommu).toMatchObject({ units: ['ivhd0', 'ivhd1'], interruptRemapping: true });
    expect(platform.kernel.modules).toMatchObject({ 'kvm-amd': 'loaded', 'kvm-intel': 'available' });
    expect(unread).toEqual([]);
  });

  it('with secure boot is locked down', async () => {
    const { platform } = await platformWith({ platform: { secureBoot: true, lockdown: 'integrity' } });
    expect(platform.firmware.secureBoot).toBe(true);
    expect(platform.kernel.lockdown).toBe('integrity');
  });

  it('that is a guest without nested virtualisation has no vmx', async () => {
    const { platform, unread } = await platformWith({
      iommu: false,
      platform: {
        guest: true,
        virtualisation: false,
        kvm: false,
        iommufd: false,
        uefi: false,
        governor: undefined,
        idleStates: [],
        tpm: undefined,
        dmi: { vendor: 'QEMU', product: 'Standard PC (Q35 + ICH9, 2009)', version: '1.16.3' },
        programs: {},
        lockedMemoryKb: 8192,
        isolatedCpus: '2-3',
      },
    });
    expect(platform).toMatchObject({
      kvm: false,
      processors: { virtualisation: 'none', isGuest: true, isolated: [2, 3], governors: [] },
      programs: { lldp: false },
      lockedMemoryKb: 8192,
      firmware: { uefi: false, vendor: 'QEMU' },
      iommu: { iommufd: false },
    });
    const { processors, firmware, programs } = platform;
    for (const absent of [
      processors.deepestIdle,
      firmware.secureBoot,
      firmware.tpm,
      programs.qemu,
      programs.libvirt,
    ])
      expect(absent).toBeUndefined();
    expect(unread).toEqual([]);
  });
});

describe('what could not be read', () => {
  it('needs root, without root', async () => {
    const { platform, unread } = await platformWith({ capEff: '0000000000000000' });
    expect(platform.firmware.dmar).toBeUndefined();
    expect(platform.firmware.acpiTables).toContain('DMAR');
    expect(unread).toEqual([
      { fact: 'platform.firmware.dmar', what: 'the ACPI table DMAR', why: 'needs root' },
    ]);
  });

  it('is named with its reason, and the rest is there', async () => {
    const { platform, unread } = await platformWith({
      faults: [
        { operation: 'read', path: '/sys/kernel/security/lockdown', errno: 'EIO' },
        { operation: 'read', path: '/proc/cpuinfo', errno: 'EACCES' },
        { operation: 'read', path: '/lib/modules/', errno: 'ENOENT' },
        { operation: 'read', path: '/proc/self/limits', errno: 'EACCES' },
        { operation: 'read', path: 'node1/meminfo', errno: 'EIO' },
        { operation: 'tool', attribute: 'libvirtd', errno: 'EIO' },
        { operation: 'tool', attribute: 'qemu-system-x86_64', hang: true },
      ],
    });
    expect(new Set(unread.map(({ fact }) => fact))).toEqual(
      new Set([
        'platform.kernel.lockdown',
        'platform.kernel.modules',
        'platform.lockedMemoryKb',
        'platform.numa.1.memoryTotalMb',
        'platform.processors.vendor',
        'platform.programs.libvirt',
        'platform.programs.qemu',
      ]),
    );
    expect(unread.find(({ fact }) => fact === 'platform.programs.qemu')?.why).toContain('has not answered');
    expect(platform.kernel.modules).toMatchObject({ kvm: 'loaded' });
    expect(platform.kernel.modules['vfio-pci']).toBeUndefined();
    expect(platform.firmware.dmar?.unitCount).toBe(2);
  });
});

it('reads the machine that the test runs on', async () => {
  const { platform, unread } = await readPlatform(new KernelSession(localKernel()));
  expect(Platform.safeParse(platform).error).toBeUndefined();
  expect(platform.processors.onlineCount).toBeGreaterThan(0);
  expect(platform.numa.flatMap(({ cores }) => cores.flat())).toHaveLength(platform.processors.onlineCount);
  expect(unread.every(({ why }) => why !== '')).toBe(true);
});
