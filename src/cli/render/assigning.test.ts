import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CandidateVerdict, Release } from '../../model/attachment.ts';
import type { Lease } from '../../model/lease.ts';
import type { Vm, VmNic } from '../../model/vm.ts';
import { countReasons, renderAttachment, renderReleases } from './attach.ts';
import { renderChoice } from './choice.ts';
import { renderLeases } from './leases.ts';
import { plainTerminal } from './testing/plain-terminal.ts';
import { columnsOf } from './text-width.ts';
import { renderVms, viewVms } from './vms.ts';

const pf = '0000:01:00.0';

function lease(name: string, changes: Partial<Lease> = {}): Lease {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Lease',
    key: { pf, vf: 2 },
    address: '0000:01:10.4',
    generation: 'a'.repeat(32),
    owner: { kind: 'libvirt', uuid: 'u-1', name, hold: 'live' },
    network: 'storage',
    settings: { mac: '52:54:00:aa:00:01', vlan: 200, maxTxRateMbps: 500, spoofCheck: true, trust: false },
    giveBack: { settings: {} },
    acceptedRisks: [],
    createdAt: '2026-11-22T23:36:10.000Z',
    ...changes,
  };
}

function vm(name: string, nics: readonly VmNic[], storedNics: readonly VmNic[] = []): Vm {
  return {
    name,
    uuid: 'u-1',
    state: 'running',
    persistent: true,
    nics: [...nics],
    storedNics: [...storedNics],
    placement: { vcpuCount: 2, memoryMb: 1024, vcpuPins: {}, memoryNodes: [1] },
  };
}

const hostile = fc.oneof(
  fc.constantFrom('\u001b[2J', 'a\rb', '../../x', '"><hostdev', '\u202eabc', 'x'.repeat(300), '\u009b31m'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
);

describe('names of others', () => {
  it('reach the terminal without control and format characters, on any screen', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom(undefined, 80, 200), (name, width) => {
        const terminal = plainTerminal(width);
        const leased = lease(name, { owner: { kind: 'qemu', name } });
        const release: Release = {
          key: { pf, vf: 1 },
          owner: name,
          network: name,
          result: 'kept',
          why: name,
        };
        const verdict: CandidateVerdict = {
          key: { pf, vf: 1 },
          excluded: [{ code: 'leased', text: `leased to ${name}` }],
          risks: [],
          scores: [],
        };
        const quarantine = { key: leased.key, generation: 'g', why: name, since: leased.createdAt };
        const corrupt = { key: leased.key, why: name };
        const nic = { kind: 'bridge', bridge: name, mac: name };
        const lines = [
          ...renderLeases({ leases: [leased], quarantined: [quarantine], corrupt: [corrupt] }, terminal),
          ...renderVms(viewVms([vm(name, [nic])], [], new Map()), name, terminal),
          ...renderAttachment({ lease: leased }, terminal),
          ...renderReleases([release], terminal),
          ...renderChoice([verdict], terminal),
        ];
        expect(lines.filter((line) => /[\p{C}\p{Zl}\p{Zp}]/u.test(line))).toEqual([]);
      }),
    );
  });

  it.each(['x', '仮'])('leave room for what stands beside them: %s', (letter) => {
    const [name, network] = [letter.repeat(300), 'n'.repeat(63)];
    const nic: VmNic = { kind: 'hostdev', hostAddress: '0000:01:10.4', mac: '52:54:00:aa:00:01' };
    const own = lease(name, { network });
    const views = viewVms([vm(name, [nic])], [own], new Map([['0000:01:10.4', { pf, vf: 2 }]]));
    for (const width of [80, 200]) {
      const terminal = plainTerminal(width);
      const corrupt = [{ key: { pf, vf: 3 }, why: 'word '.repeat(60) }];
      const list = { leases: [own], quarantined: [], corrupt };
      const lines = [...renderLeases(list, terminal), ...renderVms(views, 'here', terminal)];
      expect(lines.filter((line) => columnsOf(line) > width)).toEqual([]);
      expect(lines[0]).toContain('MAC');
      expect(lines.find((line) => line.startsWith('VM'))).toMatch(/STATE.*MAC.*NETWORK.*VF/);
    }
  });
});

describe('the screen of leases', () => {
  it('shows whose a VF is, and what is in quarantine and why', () => {
    const key = { pf, vf: 2 };
    const quarantine = { key, generation: 'g', why: 'no reset', since: '2026-11-22T23:40:00Z' };
    const own = lease('web-1', { acceptedRisks: ['no-iommu'] });
    const corrupt = { key: { pf, vf: 3 }, why: 'the lease in x cannot be understood: it is no file' };
    const list = { leases: [own], quarantined: [quarantine], corrupt: [corrupt] };
    expect(renderLeases(list, plainTerminal(undefined))).toEqual([
      'PF            VF  ADDRESS       OWNER  NETWORK  MAC                HELD  RISKS     SINCE (UTC)',
      '0000:01:00.0   2  0000:01:10.4  web-1  storage  52:54:00:aa:00:01  live  no-iommu  2026-11-22 23:36',
      '',
      'VF 2 of 0000:01:00.0 is in quarantine since 2026-11-22 23:40 UTC: no reset',
      'Nobody gets a VF in quarantine. Mend the cause, then run `vfleet recover`.',
      '',
      'VF 3 of 0000:01:00.0: the lease in x cannot be understood: it is no file',
      'Nobody gets a VF whose lease cannot be understood. See who has it; then remove the file, and run `vfleet recover`.',
    ]);
  });

  it('says that there are none', () => {
    const nothing = { leases: [], quarantined: [], corrupt: [] };
    expect(renderLeases(nothing, plainTerminal(80))).toEqual(['No VF is leased.']);
    const corrupt = [{ key: { pf, vf: 3 }, why: 'it cannot be understood' }];
    expect(renderLeases({ ...nothing, corrupt }, plainTerminal(80))[0]).toBe('No lease can be shown.');
  });
});

describe('the screen of VMs', () => {
  const vfs = new Map([['0000:01:10.4', { pf, vf: 2, numaNode: 0 }]]);
  const vfNic: VmNic = { kind: 'hostdev', hostAddress: '0000:01:10.4', mac: '52:54:00:aa:00:01' };
  const bridge: VmNic = { kind: 'bridge', bridge: 'br0', mac: '52:54:00:00:00:09' };

  it('shows the VF, the network of the lease, and both NUMA nodes', () => {
    const views = viewVms([vm('web-1', [vfNic, bridge], [bridge])], [lease('web-1')], vfs);
    expect(renderVms(views, 'here', plainTerminal(undefined))).toEqual([
      'VM     STATE    NIC     MAC                NETWORK  VF                 VF NODE  VM NODES  HELD',
      'web-1  running  VF      52:54:00:aa:00:01  storage  0000:01:00.0 VF 2        0  1         live',
      'web-1  running  bridge  52:54:00:00:00:09  br0                                  1',
    ]);
  });

  it('says of which VM nothing is known, and why', () => {
    const nic = { kind: 'unknown', mac: bridge.mac ?? '' };
    const odd = {
      ...vm('odd-1', [nic], [nic]),
      problem: 'the definition of "odd-1" is not XML that vfleet reads',
    };
    expect(
      renderVms(viewVms([odd, vm('web-1', [])], [], vfs), 'here', plainTerminal(undefined)).slice(1),
    ).toEqual([
      expect.stringMatching(/^odd-1  running  unknown  52:54:00:00:00:09 /),
      expect.stringMatching(/^web-1 /),
      '! the definition of "odd-1" is not XML that vfleet reads',
    ]);
  });

  it('tells what comes only with the next start, and takes no lease of another VM', () => {
    const other = lease('db', { owner: { kind: 'libvirt', uuid: 'u-2', name: 'db', hold: 'stored' } });
    const [view] = viewVms([vm('web-1', [], [vfNic])], [other], vfs);
    expect(view?.nics).toEqual([{ ...vfNic, storedOnly: true, vfOnHost: { pf, vf: 2, numaNode: 0 } }]);
  });

  it('has a line for a VM without interfaces, and one for no VM', () => {
    expect(renderVms(viewVms([vm('web-1', [])], [], vfs), 'here', plainTerminal(80))[1]).toContain('web-1');
    expect(renderVms([], 'libvirt (qemu:///system)', plainTerminal(80))).toEqual([
      'No VM at libvirt (qemu:///system).',
    ]);
  });
});

describe('the screens of attach and detach', () => {
  it('say what the VM got and for how long', () => {
    expect(renderAttachment({ lease: lease('web-1') }, plainTerminal(undefined))).toEqual([
      'web-1 has VF 2 of 0000:01:00.0 (0000:01:10.4) on network storage.',
      '  MAC 52:54:00:aa:00:01, VLAN 200, at most 500 Mb/s, spoof check on, trust off',
      '  held until the VM stops; --persistent would keep it through stops',
    ]);
  });

  it('say that a bridge has to be on the VLAN by itself', () => {
    const linesOf = (kind: 'bridge' | 'openvswitch', vlan: number): string =>
      renderAttachment(
        { lease: lease('web-1', { standby: { kind, bridge: 'br0' }, settings: { vlan } }) },
        plainTerminal(undefined),
      ).join('\n');
    expect(linesOf('bridge', 200)).toContain('br0 must be on VLAN 200 by itself');
    expect(linesOf('bridge', 0)).not.toContain('must be');
    expect(linesOf('openvswitch', 200)).not.toContain('must be');
  });

  it('count the reasons against VFs', () => {
    const verdict = (vf: number, rest: Partial<CandidateVerdict>): CandidateVerdict => ({
      key: { pf, vf },
      excluded: [],
      risks: [],
      scores: [],
      ...rest,
    });
    const verdicts = [
      verdict(2, { rank: 1, scores: [{ name: 'numa', points: 40, text: 'NUMA node 0, as the VM' }] }),
      verdict(1, { rank: 2, scores: [{ name: 'numa', points: 0, text: 'the node is not known' }] }),
      verdict(0, { excluded: [{ code: 'leased', text: 'leased to db' }] }),
    ];
    expect(countReasons(verdicts)).toBe('1 leased');
  });

  it('say of each VF what became of it', () => {
    const release = (result: Release['result'], why?: string): Release => ({
      key: { pf, vf: 1 },
      owner: 'web-1',
      network: 'storage',
      result,
      ...(why === undefined ? {} : { why }),
    });
    const releases = [
      release('free'),
      release('free', 'its standby stays'),
      release('quarantined', 'no reset'),
      release('kept', 'in use'),
    ];
    expect(renderReleases(releases, plainTerminal(undefined))).toEqual([
      'web-1 has given back VF 1 of 0000:01:00.0 (storage): clean and free.',
      'web-1 has given back VF 1 of 0000:01:00.0 (storage): clean and free; its standby stays.',
      'VF 1 of 0000:01:00.0 (storage), taken from web-1, is in quarantine: no reset',
      'web-1 keeps VF 1 of 0000:01:00.0 (storage): in use',
    ]);
  });
});
