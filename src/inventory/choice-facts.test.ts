import { describe, expect, it } from 'vitest';
import type { PfAddress } from '../base/identifiers.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { KernelSession } from '../kernel/session.ts';
import { listSriovPfs, numVfsPath } from '../kernel/sysfs/sriov.ts';
import { Pf } from '../model/pf.ts';
import type { SimFault } from '../sim/fault.ts';
import type { SimProfile } from '../sim/profile.ts';
import { simProfileNames, simProfileOf } from '../sim/profiles/profile-table.ts';
import { createSimKernel } from '../sim/sim-kernel.ts';
import { readChoiceFacts } from './choice-facts.ts';
import { readSnapshot } from './snapshot.ts';

const timeoutMs = 600_000;

/** A host with three VFs on each PF. */
async function openHost(profile: SimProfile, faults: readonly SimFault[] = []) {
  const kernel = createSimKernel({ profile, faults });
  const pfs = listSriovPfs(kernel.files);
  for (const pf of pfs) await kernel.files.write(numVfsPath(pf), '3', timeoutMs);
  return { kernel, pfs, session: new KernelSession(kernel) };
}

describe.each(simProfileNames.filter((name) => name !== 'big'))('facts for a choice on %s', (name) => {
  it('are those of a full snapshot', async () => {
    const { pfs, session } = await openHost(simProfileOf(name));
    const facts = await readChoiceFacts(session, pfs);
    const { pfs: expected, platform } = await readSnapshot(session, { detail: 'full', platform: true });
    session.close();
    const strip = (pf: Pf) => ({
      address: pf.address,
      path: pf.pciePath,
      vfs: pf.vfs.map(({ index, address, iommuGroup, numaNode, holders }) => ({
        index,
        address,
        iommuGroup,
        numaNode,
        holders,
      })),
      rdma: pf.rdma?.map((each) => each.name) ?? [],
      port: pf.netdevs.map(({ name: netdev, mtu, up, carrier, speedMbps }) => ({
        netdev,
        mtu,
        up,
        carrier,
        speedMbps,
      })),
    });
    for (const pf of facts.pfs) expect(Pf.parse(pf)).toEqual(pf);
    expect(facts.pfs.map(strip)).toEqual(expected.map(strip));
    expect(facts.interruptRemapping).toBe(platform?.iommu.interruptRemapping);
    expect(facts.nodes.map(({ node }) => node)).toEqual(platform?.numa.map(({ node }) => node));
    expect(facts.nodes.map(({ cpus }) => [...cpus].sort((a, b) => a - b))).toEqual(
      platform?.numa.map(({ cores }) => cores.flat().sort((a, b) => a - b)),
    );
    expect(facts.unread).toEqual([]);
    const alone = facts.groups.filter(({ members }) => members.length === 1);
    expect(alone.map(({ isNoIommu }) => isNoIommu)).toEqual(alone.map(() => false));
    expect(new Set(facts.groups.map(({ id }) => id))).toEqual(
      new Set(facts.pfs.flatMap((pf) => pf.vfs.flatMap(({ iommuGroup }) => iommuGroup ?? []))),
    );
  });
});

describe('facts for a choice', () => {
  const pf = '0000:01:00.0' as PfAddress;

  it('outline the PFs behind the same link, for what is promised there', async () => {
    const { session } = await openHost(simProfileOf('cx5-x8'));
    const { pfs } = await readChoiceFacts(session, ['0000:3b:00.1']);
    session.close();
    const [first, second, ...others] = pfs.toSorted((one, other) => (one.address < other.address ? -1 : 1));
    expect(others).toEqual([]);
    expect([first?.address, second?.address]).toEqual(['0000:3b:00.0', '0000:3b:00.1']);
    expect(first?.vfs).toHaveLength(3);
    expect(first?.netdevs[0]?.speedMbps).toBeUndefined();
    expect(second?.netdevs[0]?.speedMbps).toBeGreaterThan(0);
    expect(first?.pciePath?.[1]).toEqual(second?.pciePath?.[1]);
  });

  it('name the users of VFs', async () => {
    const { kernel, session } = await openHost(simProfileOf('igb'));
    kernel.holdVf(pf, 1, { kind: 'vm', name: 'db-1' });
    const [found] = (await readChoiceFacts(session, [pf])).pfs;
    session.close();
    expect(found?.vfs.map(({ holders }) => holders.map(({ name }) => name))).toEqual([[], ['db-1'], []]);
  });

  it('leave out PFs that are not there, and what is no address', async () => {
    const { session } = await openHost(simProfileOf('igb'));
    const { pfs } = await readChoiceFacts(session, ['0000:7f:00.0', '../../etc', pf]);
    session.close();
    expect(pfs.map(({ address }) => address)).toEqual([pf]);
  });

  it('know a host without IOMMU', async () => {
    const { session } = await openHost({ ...simProfileOf('igb'), iommu: false });
    const { pfs, groups, interruptRemapping } = await readChoiceFacts(session, [pf]);
    session.close();
    expect(interruptRemapping).toBe(false);
    expect(pfs[0]?.vfs.map(({ iommuGroup }) => iommuGroup)).toEqual([undefined, undefined, undefined]);
    expect(groups).toEqual([]);
  });

  it('know groups that vfio makes for devices without an IOMMU', async () => {
    const { kernel } = await openHost(simProfileOf('igb'));
    const { files } = kernel;
    const isName = (path: string): boolean => /^\/sys\/kernel\/iommu_groups\/\d+\/name$/.test(path);
    const withoutUnits: FileTree = {
      ...files,
      list: (path) => (path === '/sys/class/iommu' ? [] : files.list(path)),
      readBytes: (path, maxBytes) =>
        isName(path) ? new TextEncoder().encode('vfio-noiommu\n') : files.readBytes(path, maxBytes),
    };
    const session = new KernelSession({ ...kernel, files: withoutUnits });
    const { groups } = await readChoiceFacts(session, [pf]);
    session.close();
    expect(groups.map(({ isNoIommu }) => isNoIommu)).toEqual([true, true, true]);
  });

  it('know whether the kernel has vfio-pci', async () => {
    const { session } = await openHost(simProfileOf('igb'));
    expect((await readChoiceFacts(session, [pf])).hasVfioDriver).toBe(true);
    session.close();
  });

  it('say what could not be read of users', async () => {
    const { kernel, session } = await openHost(simProfileOf('igb'));
    kernel.holdVf(pf, 0, { kind: 'vfio', name: 'dpdk' });
    kernel.change((state) => {
      state.capEff = '0000000000000000';
    });
    const { unread } = await readChoiceFacts(session, [pf]);
    session.close();
    expect(unread).toMatchObject([{ why: 'needs CAP_SYS_PTRACE', fact: 'holders' }]);
  });
});
