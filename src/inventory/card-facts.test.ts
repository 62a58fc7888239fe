import { afterEach, describe, expect, it } from 'vitest';
import { KernelSession } from '../kernel/session.ts';
import { writeNumVfs } from '../kernel/sysfs/sriov-change.ts';
import type { PfAddress } from '../base/identifiers.ts';
import { Snapshot } from '../model/snapshot.ts';
import type { Pf } from '../model/pf.ts';
import { createSimKernel } from '../sim/sim-kernel.ts';
import type { SimKernelOptions } from '../sim/sim-kernel.ts';
import { readSnapshot } from './snapshot.ts';

const timeoutMs = 3_600_000;
const sessions: KernelSession[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

function open(options: SimKernelOptions): {
  kernel: ReturnType<typeof createSimKernel>;
  session: KernelSession;
} {
  const kernel = createSimKernel({ speed: 1000, ...options });
  const session = new KernelSession(kernel);
  sessions.push(session);
  return { kernel, session };
}

/** A full reading; the schema refuses what the model does not know. */
async function read(session: KernelSession): Promise<Snapshot> {
  return Snapshot.parse(await readSnapshot(session, { detail: 'full', platform: true }));
}

function pfOf({ pfs }: Snapshot, index = 0): Pf {
  const pf = pfs[index];
  if (pf === undefined) throw new Error(`no PF ${index}`);
  return pf;
}

describe('a card in its slot', () => {
  it('that is too narrow', async () => {
    const { session } = open({ profile: 'cx5-x8' });
    const pf = pfOf(await read(session));
    expect(pf).toMatchObject({
      pcieLink: { currentSpeedGTps: 8, currentWidth: 8, maxSpeedGTps: 8, maxWidth: 16 },
      resetMethods: ['flr'],
      vpd: { product: 'CX516A - ConnectX-5 QSFP28', partNumber: 'MCX516A-CCAT' },
      slot: '2',
      rdma: [{ name: 'mlx5_0', linkLayer: 'Ethernet', activeMtuBytes: 1024 }],
      sriov: { vfTotalMsix: 2048, vfBars: [{ index: 0, sizeBytes: 1_048_576, assigned: true }] },
    });
    expect(pf.pciePath?.map(({ address, kind, link }) => [address, kind, link?.currentWidth])).toEqual([
      ['0000:3b:00.0', 'endpoint', 8],
      ['0000:3a:00.0', 'root-port', 8],
    ]);
    expect(pf.sriov).not.toHaveProperty('msixPerVf');
  });

  it('with its port and the other end of the cable', async () => {
    const { session } = open({ profile: 'cx5-x8' });
    const snapshot = await read(session);
    expect(pfOf(snapshot, 1).netdevs[0]).toMatchObject({
      defaultRoute: false,
      flowControlPriorities: [3],
      lldp: { chassis: 'leaf-2', port: 'Ethernet7/1', maxFrameBytes: 9216, vlans: [1, 100, 200] },
    });
    expect(snapshot.unread).toEqual([]);
  });

  it('behind one lane', async () => {
    const { session } = open({ profile: 'x1-link' });
    expect(pfOf(await read(session)).pcieLink).toEqual({
      currentSpeedGTps: 5,
      currentWidth: 1,
      maxSpeedGTps: 5,
      maxWidth: 8,
    });
  });

  it('without room for VFs', async () => {
    const { kernel, session } = open({ profile: 'no-bar-space' });
    const { sriov, address } = pfOf(await read(session));
    expect(sriov.vfBars).toEqual([
      { index: 0, address: '0x0', is64Bit: true, prefetchable: true, assigned: false },
      { index: 3, address: '0x0', is64Bit: true, prefetchable: true, assigned: false },
    ]);
    const writing = writeNumVfs(kernel.files, address as PfAddress, 2, timeoutMs);
    await expect(writing).rejects.toMatchObject({ details: { errno: 'ENOMEM' } });
  });

  it('whose firmware allows few VFs, which devlink says as well', async () => {
    const { session } = open({ profile: 'fw-limit' });
    expect(pfOf(await read(session)).sriov).toMatchObject({ totalVfs: 8, devlinkTotalVfs: 8 });
  });

  it('with vectors for its VFs, once there is one', async () => {
    const { kernel, session } = open({ profile: 'ice' });
    await writeNumVfs(kernel.files, '0000:17:00.0' as PfAddress, 1, timeoutMs);
    expect(pfOf(await read(session)).sriov).toMatchObject({ vfTotalMsix: 832, msixPerVf: 17 });
  });
});

describe('partitions', () => {
  it('of one port name the same port and switch, and no neighbours on their link', async () => {
    const { session } = open({ profile: 'e810-npar' });
    const { pfs } = await read(session);
    expect(pfs).toHaveLength(8);
    const ports = pfs.map(({ netdevs: [netdev] }) => `${netdev?.physPortId} ${netdev?.physSwitchId}`);
    expect(new Set(ports.slice(0, 4)).size).toBe(1);
    expect(new Set(ports).size).toBe(2);
    expect(pfs.flatMap(({ pciePath = [] }) => pciePath.flatMap(({ alsoBelow }) => alsoBelow))).toEqual([]);
    expect(pfs.map(({ devlink }) => devlink?.ports[0]?.portNumber)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });
});

describe('the default route', () => {
  it('is found through a VLAN and a bond, on cards of two nodes', async () => {
    const { session } = open({ profile: 'mixed-numa' });
    const { pfs } = await read(session);
    expect(
      pfs.map(({ numaNode, netdevs: [netdev] }) => [
        numaNode,
        netdev?.master,
        netdev?.masterKind,
        netdev?.defaultRoute,
      ]),
    ).toEqual([
      [0, 'bond0', 'bond', true],
      [1, 'bond0', 'bond', true],
      [1, undefined, undefined, false],
    ]);
  });
});

describe('without rights', () => {
  it('says of each fact that it needs root, and makes none up', async () => {
    const { kernel, session } = open({ profile: 'cx5-x8' });
    await writeNumVfs(kernel.files, '0000:3b:00.0' as PfAddress, 1, timeoutMs);
    kernel.change((state) => {
      state.capEff = '0000000000000000';
    });
    const snapshot = await read(session);
    const pf = pfOf(snapshot);
    expect(pf).not.toHaveProperty('vpd');
    expect(pf.sriov).not.toHaveProperty('vfBars');
    expect(pf.sriov).not.toHaveProperty('msixPerVf');
    expect(pf.pciePath?.map(({ kind }) => kind)).toEqual(['endpoint', 'bridge']);
    const own = snapshot.unread.filter(({ fact }) => fact?.startsWith('pfs.0000:3b:00.0.') === true);
    const config = { what: 'PCI configuration space of 0000:3b:00.0, 0000:3b:00.1 beyond 64 bytes' };
    const why = 'needs CAP_SYS_ADMIN';
    expect(own).toEqual([
      { ...config, why, fact: 'pfs.0000:3b:00.0.pciePath' },
      {
        what: 'vital product data of 0000:3b:00.0, 0000:3b:00.1',
        why: 'needs root',
        fact: 'pfs.0000:3b:00.0.vpd',
      },
      { ...config, why, fact: 'pfs.0000:3b:00.0.sriov.vfBars' },
      { ...config, why, fact: 'pfs.0000:3b:00.0.sriov.msixPerVf' },
    ]);
  });
});

describe('what is refused', () => {
  it('is noted and hides nothing else', async () => {
    const { session } = open({
      profile: 'cx5-x8',
      faults: [
        { operation: 'read', path: '*/0000:3b:00.0/vpd', errno: 'EIO' },
        { operation: 'tool', attribute: 'ibv_devinfo', errno: 'ENOENT' },
        { operation: 'tool', attribute: 'lldpcli', errno: 'EFBIG' },
      ],
    });
    const snapshot = await read(session);
    const pf = pfOf(snapshot);
    expect(pf.rdma).toEqual([{ name: 'mlx5_0', linkLayer: 'Ethernet' }]);
    expect(pf.netdevs[0]).not.toHaveProperty('lldp');
    expect(snapshot.unread.filter(({ fact }) => fact?.includes('0000:3b:00.0') === true)).toEqual([
      {
        what: 'active path MTU of the RDMA devices of 0000:3b:00.0, 0000:3b:00.1',
        why: 'ibv_devinfo is not installed (package ibverbs-utils or libibverbs-utils)',
        fact: 'pfs.0000:3b:00.0.rdma.mlx5_0.activeMtuBytes',
      },
      {
        what: 'vital product data of 0000:3b:00.0',
        why: 'the card does not give it (EIO)',
        fact: 'pfs.0000:3b:00.0.vpd',
      },
      {
        what: 'neighbours by LLDP of 0000:3b:00.0, 0000:3b:00.1',
        why: 'lldpcli answered with EFBIG',
        fact: 'pfs.0000:3b:00.0.netdevs.enp59s0f0np0.lldp',
      },
    ]);
  });

  it('is nothing to note where no lldpd is', async () => {
    const { session } = open({ profile: 'ice' });
    expect((await read(session)).unread).toEqual([]);
  });
});

describe('a reading without slow questions', () => {
  it('asks no card and no program', async () => {
    const { session } = open({
      profile: 'cx5-x8',
      faults: [
        { operation: 'tool', errno: 'EIO' },
        { operation: 'read', path: '*/vpd', errno: 'EIO' },
        { operation: 'read', path: '*/sriov_vf_total_msix', errno: 'EIO' },
      ],
    });
    const { pfs, unread } = await readSnapshot(session, { detail: 'full' });
    expect(unread).toEqual([]);
    expect(pfs[0]).not.toHaveProperty('vpd');
    expect(pfs[0]?.rdma).toEqual([{ name: 'mlx5_0', linkLayer: 'Ethernet' }]);
    expect(pfs[0]?.slot).toBe('2');
  });
});
