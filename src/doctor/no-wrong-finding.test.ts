// Hosts on which a careless rule would say something wrong.

import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../model/snapshot.ts';
import { runDoctor } from './run-doctor.ts';
import { deviceOf, dropIommu, netdevOf, pfOf } from './testing/case.ts';
import { cases } from './testing/cases.ts';
import { healthyHost } from './testing/healthy-host.ts';

function findingsOf(change: (host: Snapshot, platform: NonNullable<Snapshot['platform']>) => void): {
  readonly ids: string[];
  readonly todo: (id: string) => string;
  readonly summary: (id: string) => string;
} {
  const host = healthyHost();
  if (host.platform === undefined) throw new Error('the healthy host has a platform');
  change(host, host.platform);
  const { findings } = runDoctor(host);
  const find = (id: string) => findings.find((finding) => finding.id === id);
  return {
    ids: [...new Set(findings.filter(({ severity }) => severity !== 'ok').map(({ id }) => id))].sort(),
    todo: (id) => find(id)?.todo ?? '',
    summary: (id) => find(id)?.summary ?? '',
  };
}

describe('the IOMMU', () => {
  it('off by the command line: the parameter is named as the thing to remove', () => {
    const { ids, todo } = findingsOf((host, { kernel }) => {
      dropIommu(host);
      kernel.commandLine = 'ro intel_iommu=on,sm_on intel_iommu=off';
    });
    expect(ids).toEqual(['iommu.dma-remapping.off']);
    expect(todo('iommu.dma-remapping.off')).toContain('Remove `intel_iommu=off`');
  });

  it('off for lack of a parameter: the parameter is named as the thing to add', () => {
    const { todo } = findingsOf((host, { kernel }) => {
      dropIommu(host);
      kernel.commandLine = 'ro';
    });
    expect(todo('iommu.dma-remapping.off')).toContain('Add `intel_iommu=on iommu=pt`');
  });

  it('of AMD needs no parameter, and intel_iommu does nothing', () => {
    const { ids, summary } = findingsOf((_, platform) => {
      platform.processors.vendor = 'amd';
      platform.processors.virtualisation = 'svm';
      platform.firmware.acpiTables = ['IVRS'];
      delete platform.firmware.dmar;
      platform.firmware.ivrs = { unitCount: 4 };
      platform.iommu.units = ['ivhd0'];
    });
    expect(ids).toEqual(['iommu.parameter.harmless']);
    expect(summary('iommu.parameter.harmless')).toContain('intel_iommu=on');
  });

  it('of Intel beside a processor of AMD, as QEMU has it, is Intel’s', () => {
    const { ids, todo } = findingsOf((host, platform) => {
      platform.processors.vendor = 'amd';
      expect(runDoctor(host).counts.advice).toBe(0);
      dropIommu(host);
      platform.kernel.commandLine = 'ro';
    });
    expect(ids).toEqual(['iommu.dma-remapping.off']);
    expect(todo('iommu.dma-remapping.off')).toContain('Add `intel_iommu=on');
  });

  it('of another architecture has no chips named IR-, no DMAR, no vmx', () => {
    const { ids } = findingsOf((_, platform) => {
      platform.processors.vendor = 'other';
      platform.processors.virtualisation = 'none';
      platform.firmware.acpiTables = ['IORT'];
      delete platform.firmware.dmar;
      platform.iommu.units = ['smmu3.0x0000000100000000'];
      platform.iommu.interruptRemapping = false;
    });
    expect(ids).toEqual([]);
  });

  it('is off where the only groups are those of vfio without an IOMMU', () => {
    const { ids } = findingsOf((_, { iommu }) => {
      iommu.units = [];
      iommu.noIommuMode = true;
    });
    expect(ids).toEqual(['iommu.dma-remapping.off', 'iommu.no-iommu-mode.on']);
  });

  it('is off in a snapshot that knows nothing but the number of groups', () => {
    const { ids } = findingsOf((host) => {
      delete host.platform;
      host.host.iommuGroupCount = 0;
    });
    expect(ids).toEqual(['host.platform.unread', 'iommu.dma-remapping.off']);
  });

  it('names intremap=off as the reason when it is', () => {
    const { ids, todo } = findingsOf((_, platform) => {
      platform.iommu.interruptRemapping = false;
      platform.kernel.commandLine += ' intremap=off';
    });
    expect(ids).toEqual(['iommu.interrupt-remapping.off']);
    expect(todo('iommu.interrupt-remapping.off')).toBe(
      'Remove `intremap=off` from the kernel command line and restart.',
    );
  });

  it('is not said to be remapping or not where no PCI interrupt was seen', () => {
    expect(findingsOf((_, { iommu }) => delete iommu.interruptRemapping).ids).toEqual([]);
  });
});

describe('a VM', () => {
  it('gets its IOMMU from the machine below, not from a firmware set-up', () => {
    const { ids, todo } = findingsOf((host, { processors }) => {
      processors.isGuest = true;
      cases['iommu.firmware.off'].breakIt(host);
    });
    expect(ids).toEqual(['host.guest', 'iommu.firmware.off']);
    expect(todo('iommu.firmware.off')).toContain('-device intel-iommu,intremap=on');
  });
});

describe('facts that were not read', () => {
  it('are not taken for things that are not there', () => {
    const { ids } = findingsOf((host, platform) => {
      delete platform.firmware.tpm;
      delete platform.programs.qemu;
      delete platform.programs.libvirt;
      platform.programs.lldp = false;
      platform.kvm = false;
      platform.processors.virtualisation = 'none';
      platform.kernel.commandLine = '';
      for (const fact of [
        'platform.firmware.tpm',
        'platform.programs.qemu',
        'platform.programs.libvirt',
        'platform.programs.lldp',
        'platform.processors.vendor',
        'platform.kernel.commandLine',
      ])
        host.unread.push({ what: fact, why: 'needs root', fact });
      for (const index of [0, 1]) delete netdevOf(host, index).lldp;
    });
    expect(ids).toEqual(['host.unread', 'network.unread']);
  });

  it('are said once for each card and reason, with the reason', () => {
    const host = healthyHost();
    for (const name of ['acs', 'msixVectors', 'resetMethods'])
      for (const why of ['needs root', 'is not there'])
        host.unread.push({ what: name, why, fact: `pfs.0000:98:00.1.${name}` });
    const unknown = runDoctor(host).findings.filter(({ severity }) => severity === 'unknown');
    expect(unknown.map(({ id, subject, reason }) => [id, subject, reason])).toEqual([
      ['nic.unread', '0000:98:00.1', 'needs root'],
      ['nic.unread', '0000:98:00.1', 'is not there'],
      ['pcie.unread', '0000:98:00.1', 'needs root'],
      ['pcie.unread', '0000:98:00.1', 'is not there'],
    ]);
  });

  it('of a PF that the snapshot has not are said of the host', () => {
    const host = healthyHost();
    host.unread.push({ what: 'x', why: 'is gone', fact: 'pfs.0000:03:00.0.driver' });
    const [unknown] = runDoctor(host).findings.filter(({ severity }) => severity === 'unknown');
    expect(unknown?.subject).toBe('host');
  });
});

describe('cards', () => {
  it('whose bridges isolate without the capability are alone in their groups, which is what counts', () => {
    expect(findingsOf((host) => (pfOf(host).acsIsolates = false)).ids).toEqual([]);
  });

  it('with VFs have room for them, whatever is read of their BARs', () => {
    const { ids } = findingsOf((host) => {
      for (const bar of pfOf(host).sriov.vfBars ?? []) bar.assigned = false;
    });
    expect(ids).toEqual([]);
  });

  it('are partitions only when something says so: two ports of one card are none', () => {
    const { ids } = findingsOf((host) => {
      for (const index of [0, 1]) {
        delete netdevOf(host, index).physSwitchId;
        delete netdevOf(host, index).physPortId;
      }
    });
    expect(ids).toEqual([]);
  });

  it('that share a port are counted with it once', () => {
    const host = healthyHost();
    for (const index of [0, 1]) netdevOf(host, index).physPortId = 'b8cef6aa0001';
    const { findings } = runDoctor(host);
    const enough = findings.find(({ id }) => id === 'pcie.bandwidth.enough');
    expect(enough?.summary).toMatch(/^100 Gb\/s port behind 22\d\.\d Gb\/s/);
  });

  it('without a link do not starve: what their ports could do is not known', () => {
    const { ids } = findingsOf((host) => {
      for (const fn of [0, 1]) {
        delete netdevOf(host, fn).speedMbps;
        netdevOf(host, fn).carrier = false;
        for (const end of [0, 1])
          deviceOf(host, end, fn).link = {
            currentSpeedGTps: 16,
            currentWidth: 1,
            maxSpeedGTps: 16,
            maxWidth: 1,
          };
        Object.assign(pfOf(host, fn), { vendorId: 'ffff' });
      }
    });
    expect(ids).toEqual(['nic.port.no-link']);
  });

  it('in old snapshots, without a path, starve by the link of the PF', () => {
    const { summary } = findingsOf((host) => {
      for (const pf of host.pfs) {
        delete pf.pciePath;
        pf.pcieLink = { currentSpeedGTps: 8, currentWidth: 8, maxSpeedGTps: 16, maxWidth: 16 };
      }
    });
    expect(summary('pcie.bandwidth.starved')).toMatch(
      /^2 × 100 Gb\/s ports behind (?:57|58)\.\d Gb\/s: starved/,
    );
  });

  it('behind a switch starve at the link that they share', () => {
    const slow = { currentSpeedGTps: 8, currentWidth: 4, maxSpeedGTps: 8, maxWidth: 4 };
    const { ids, summary } = findingsOf((host) => {
      for (const fn of [0, 1]) {
        const [card, root] = [deviceOf(host, 0, fn), deviceOf(host, 1, fn)];
        const port = { ...root, address: '0000:96:00.0', kind: 'downstream-port' as const };
        const up = { ...root, address: '0000:95:00.0', kind: 'upstream-port' as const, link: slow };
        pfOf(host, fn).pciePath = [card, port, up, { ...root, link: slow }];
      }
    });
    expect(ids).toEqual(['pcie.bandwidth.starved']);
    expect(summary('pcie.bandwidth.starved')).toContain('8 GT/s x4 from 0000:95:00.0 to 0000:97:01.0');
  });

  it('that are not on the PCI bus are held to nothing that only PCI has', () => {
    const { ids } = findingsOf((host) => {
      host.pfs = [
        {
          address: 'netdevsim/netdevsim1',
          driver: 'netdevsim',
          sriov: { totalVfs: 4, numVfs: 0 },
          netdevs: [{ name: 'eni1np1', ifIndex: 3, mtu: 1500, up: true }],
          vfs: [],
        },
      ];
    });
    expect(ids).toEqual([]);
  });
});

describe('a host without a card', () => {
  it('whose kernel cannot reach extended configuration space says so', () => {
    const { todo } = findingsOf((host, { kernel }) => {
      host.pfs = [];
      kernel.commandLine += ' pci=nommconf';
    });
    expect(todo('nic.none')).toContain('Remove `nommconf`');
  });

  it('says nothing of ports and neighbours', () => {
    const { ids } = findingsOf((host, { programs }) => {
      host.pfs = [];
      programs.lldp = false;
    });
    expect(ids).toEqual(['nic.none']);
  });
});

describe('things to do', () => {
  it.each([
    ['Dell Inc.', 'Integrated Devices > SR-IOV Global Enable'],
    ['HPE', 'Virtualization Options > SR-IOV'],
    ['Lenovo', 'Devices and I/O Ports > SRIOV'],
    ['Supermicro', 'PCIe/PCI/PnP Configuration > SR-IOV Support'],
  ])('name the entry of the firmware set-up of %s', (vendor, entry) => {
    const { todo } = findingsOf((host, { firmware }) => {
      firmware.vendor = vendor;
      cases['nic.vf-bars.unassigned'].breakIt(host);
    });
    expect(todo('nic.vf-bars.unassigned')).toContain(entry);
  });

  it('name those of all four where the vendor is another', () => {
    const { todo } = findingsOf((host, { firmware }) => {
      firmware.vendor = 'QEMU';
      cases['nic.vf-bars.unassigned'].breakIt(host);
    });
    for (const vendor of ['Dell', 'HPE', 'Lenovo', 'Supermicro'])
      expect(todo('nic.vf-bars.unassigned')).toContain(`${vendor}: `);
  });

  it('name the command of the card’s vendor, with the PF’s address', () => {
    const { todo } = findingsOf((host) => cases['nic.total-vfs.zero'].breakIt(host));
    expect(todo('nic.total-vfs.zero')).toMatch(/`mst\S+ .*0000:98:00\.0.*SRIOV_EN/);
  });
});
