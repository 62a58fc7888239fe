import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../model/snapshot.ts';
import { matchHost, type PfValidation } from './match.ts';
import { parseValidatedList } from './parsed-list.ts';
import { exampleCard, exampleList, examplePlatform, exampleServer } from './testing/example-server.ts';

function matchFirst(snapshot: Snapshot, text = exampleList): PfValidation | undefined {
  return matchHost(parseValidatedList(text, 'list.yaml'), snapshot)[0];
}

function listOf(...entries: string[]): string {
  return `apiVersion: vfleet/v1\nkind: ValidatedHardware\nentries:\n${entries.map((entry) => `  - ${entry}\n`).join('')}`;
}

describe('where a host stands on a validated list', () => {
  it('is validated by the entry that covers it, each PF by itself', () => {
    const validations = matchHost(parseValidatedList(exampleList, 'list.yaml'), exampleServer());
    expect(validations).toEqual(
      ['0000:17:00.0', '0000:17:00.1'].map((address) => ({
        address,
        netdevs: [],
        verdict: 'validated',
        entry: { number: 1, name: 'web servers', line: 7 },
        differing: [],
        differences: [],
        unknown: [],
      })),
    );
  });

  const server = exampleServer();
  it.each([
    [
      'firmware',
      { pfs: [exampleCard({ firmware: '4.20 0x80017785 1.3346.0' })] },
      { key: 'firmware', wanted: '4.40.*', found: '4.20 0x80017785 1.3346.0' },
    ],
    [
      'driver',
      { pfs: [exampleCard({ driver: 'vfio-pci' })] },
      { key: 'driver.name', wanted: 'ice', found: 'vfio-pci' },
    ],
    [
      'kernel',
      { host: { ...server.host, kernelRelease: '6.13.0-amd64' } },
      { key: 'kernel', wanted: '>=6.1 <6.13', found: '6.13.0-amd64' },
    ],
    [
      'nic',
      { pfs: [exampleCard({ subsystemDeviceId: '0004' })] },
      { key: 'nic.subsystem', wanted: '8086:0002', found: '8086:0004' },
    ],
    [
      'server',
      {
        platform: examplePlatform({
          firmware: { vendor: 'Dell Inc.', product: 'PowerEdge R750', uefi: true },
        }),
      },
      { key: 'server.product', wanted: 'PowerEdge R740', found: 'PowerEdge R750' },
    ],
    [
      'hypervisor',
      { platform: examplePlatform({ programs: { qemu: '6.2.0', libvirt: '11.3.0', lldp: false } }) },
      { key: 'hypervisor.qemu', wanted: '>=7.2', found: '6.2.0' },
    ],
  ] as const)('names the one component that differs: %s', (component, change, difference) => {
    expect(matchFirst(exampleServer(change as Partial<Snapshot>))).toMatchObject({
      verdict: 'differs',
      entry: { number: 1 },
      differing: [component],
      differences: [{ component, ...difference }],
      unknown: [],
    });
  });

  it('names all components that differ', () => {
    const pfs = [exampleCard({ firmware: '4.20', driver: 'other' })];
    expect(matchFirst(exampleServer({ pfs }))).toMatchObject({
      verdict: 'differs',
      differing: ['firmware', 'driver'],
    });
  });

  it('takes an absent fact for unknown, with the reason of the snapshot, and never for a match', () => {
    const { firmware: _, ...card } = exampleCard();
    const unread = [{ what: 'firmware', why: 'needs root', fact: 'pfs.0000:17:00.0.firmware' }];
    expect(matchFirst(exampleServer({ pfs: [card], unread }))).toMatchObject({
      verdict: 'unknown',
      differing: [],
      unknown: [{ component: 'firmware', key: 'firmware', wanted: '4.40.*', why: 'needs root' }],
    });
  });

  it('says that a program is not installed, and takes the reason of a whole part for its facts', () => {
    const programs = { libvirt: '11.3.0', lldp: false };
    expect(matchFirst(exampleServer({ platform: examplePlatform({ programs }) }))).toMatchObject({
      verdict: 'unknown',
      unknown: [{ key: 'hypervisor.qemu', why: 'not installed' }],
    });
    const unread = [{ what: 'programs', why: 'no /usr', fact: 'platform.programs' }];
    expect(
      matchFirst(exampleServer({ platform: examplePlatform({ programs }), unread }))?.unknown,
    ).toMatchObject([{ key: 'hypervisor.qemu', why: 'no /usr' }]);
  });

  it('knows nothing of the server where the snapshot has no platform', () => {
    const { platform: _, ...old } = exampleServer();
    expect(matchFirst(old)?.unknown.map(({ key }) => key)).toEqual([
      'server.vendor',
      'server.product',
      'hypervisor.qemu',
      'hypervisor.libvirt',
    ]);
  });

  it('prefers an entry for the card, however much differs, to one for another card', () => {
    const text = listOf(
      "nic: { id: '8086:1593' }\n    kernel: 6.12.*",
      "nic: { id: '8086:1592' }\n    kernel: '5.10'\n    firmware: '1.0'\n    server: { vendor: HPE }",
    );
    expect(matchFirst(exampleServer(), text)).toMatchObject({
      verdict: 'differs',
      entry: { number: 2 },
      differing: ['server', 'firmware', 'kernel'],
    });
  });

  it('prefers fewer components that differ, then fewer that are unknown, then the first entry', () => {
    const { firmware: _, ...card } = exampleCard();
    const snapshot = exampleServer({ pfs: [card] });
    const text = listOf(
      "nic: { id: '8086:1592' }\n    kernel: '5.10'\n    driver: { name: x }",
      "nic: { id: '8086:1592' }\n    kernel: '5.10'\n    firmware: '1.0'",
      "nic: { id: '8086:1592' }\n    kernel: '5.11'",
      "nic: { id: '8086:1592' }\n    kernel: '5.12'",
    );
    expect(matchFirst(snapshot, text)?.entry?.number).toBe(3);
  });

  it('is unlisted when no entry names the card, or there is no entry', () => {
    const pfs = [exampleCard({ deviceId: '159b' })];
    expect(matchFirst(exampleServer({ pfs }))).toMatchObject({
      verdict: 'unlisted',
      entry: { number: 1 },
      differing: ['nic'],
    });
    const empty = 'apiVersion: vfleet/v1\nkind: ValidatedHardware\nentries: []\n';
    expect(matchFirst(exampleServer(), empty)).toMatchObject({ verdict: 'unlisted', differences: [] });
    expect(matchFirst(exampleServer(), empty)?.entry).toBeUndefined();
  });

  it('compares IDs without regard to case, and names without the spaces that firmware pads them with', () => {
    const firmware = { vendor: 'Dell Inc.   ', product: 'PowerEdge R740 ', uefi: true };
    const text = exampleList.replace('8086:0002', '8086:00AA');
    const pfs = [exampleCard({ subsystemDeviceId: '00aa' })];
    const snapshot = exampleServer({ platform: examplePlatform({ firmware }), pfs });
    expect(matchFirst(snapshot, text)?.verdict).toBe('validated');
  });
});
