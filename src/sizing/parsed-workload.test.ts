import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import { parseWorkload } from './parsed-workload.ts';

const whole = `apiVersion: vfleet/v1
kind: Workload
vms:
  - name: db
    count: 40
    vcpus: 8
    memoryGb: 32
    nics:
      - { network: storage, gbps: 5, redundancy: cards, packetsPerSecond: 400000 }
policy: { spareVfsPerPf: 2, cpuRatio: 1.5, reservedCoresPerHost: 2, reservedMemoryMbPerHost: 8192 }
hosts:
  classes:
    - name: big
      count: unlimited
      sockets: 2
      coresPerSocket: 32
      threadsPerCore: 2
      memoryGbPerSocket: 512
      cards:
        - { card: "15b3:101d", socket: 1, pcie: { generation: 4, lanes: 16 }, ports: [{ networks: [storage] }] }
  snapshots:
    - { file: a.json, count: 3, ports: { "0000:3b:00.0": [storage] } }
`;

/** The problems of a text, one line each. */
function problemsOf(text: string): readonly string[] {
  try {
    parseWorkload(text, 'w.yaml');
    return [];
  } catch (thrown) {
    if (!(thrown instanceof VfleetError)) throw thrown;
    return thrown.details.problems ?? [];
  }
}

describe('parseWorkload', () => {
  it('reads a whole file', () => {
    const { workload } = parseWorkload(whole, 'w.yaml');
    expect(workload.vms[0]?.nics?.[0]?.redundancy).toBe('cards');
    expect(workload.hosts.classes?.[0]?.cards?.[0]?.pcie).toEqual({ generation: 4, lanes: 16 });
    expect(workload.hosts.snapshots?.[0]?.ports).toEqual({ '0000:3b:00.0': ['storage'] });
  });

  it.each([
    ['count: 40', 'count: -40', 'line 5, vms[0].count: -40 is less than 1'],
    ['count: 40', 'count: 4.5', 'line 5, vms[0].count: must be a whole number, not 4.5'],
    ['vcpus: 8', 'vcpus: .nan', 'line 6, vms[0].vcpus: must be a number, not NaN'],
    ['vcpus: 8', 'vcpu: 8', 'line 6, vms[0].vcpu: unknown key; did you mean vcpus?'],
    ['memoryGb: 32', 'memoryGb: .inf', 'line 7, vms[0].memoryGb: must be a number, not Infinity'],
    ['gbps: 5', 'gbps: 0', 'line 9, vms[0].nics[0].gbps: 0 is not more than 0'],
    [
      'redundancy: cards',
      'redundancy: both',
      'line 9, vms[0].nics[0].redundancy: "both" is not none, ports or cards',
    ],
    ['count: unlimited', 'count: -1', 'line 14, hosts.classes[0].count: -1 is less than 1'],
    [
      'count: unlimited',
      'count: many',
      'line 14, hosts.classes[0].count: "many" is no number of hosts, and not unlimited',
    ],
    [
      'socket: 1',
      'socket: 2',
      'line 20, hosts.classes[0].cards[0].socket: there is no socket 2; the last is 1',
    ],
    ['lanes: 16', 'lanes: 3', 'line 20, hosts.classes[0].cards[0].pcie.lanes: 3 is not 1, 2, 4, 8 or 16'],
    ['    memoryGb: 32\n', '', 'line 4, vms[0]: "db" has no memory; give memoryMb or memoryGb'],
    [
      'reservedCoresPerHost: 2',
      'reservedCoresPerHost: 64',
      'line 10, policy.reservedCoresPerHost: 64 leaves none of the 64 cores of big',
    ],
  ])('names the line of %s written as %s', (right, wrong, problem) => {
    expect(problemsOf(whole.replace(right, wrong))).toContain(problem);
  });

  it('refuses 100,000 machines without bandwidth at the line that says so', () => {
    const text = whole.replace('count: 40', 'count: 100000').replace('gbps: 5', 'gbps: 0');
    expect(problemsOf(text)).toEqual(['line 9, vms[0].nics[0].gbps: 0 is not more than 0']);
  });

  it('tells all problems of a file at once, in its order', () => {
    const text = whole.replace('count: 40', 'count: -1').replace('sockets: 2', 'sockets: none');
    expect(problemsOf(text)).toEqual([
      'line 5, vms[0].count: -1 is less than 1',
      'line 15, hosts.classes[0].sockets: must be a number, not "none"',
    ]);
  });

  it('names both places of a name that is used twice', () => {
    const second = '  - { name: db, count: 1, vcpus: 1, memoryMb: 1 }\npolicy:';
    expect(problemsOf(whole.replace('policy:', second))).toEqual([
      'line 10, vms[1].name: "db" is used already in line 4',
    ]);
  });

  it('wants a host', () => {
    const text = `${whole.slice(0, whole.indexOf('hosts:'))}hosts: {}\n`;
    expect(problemsOf(text)).toEqual(['line 11, hosts: names no host; give snapshots, classes, or both']);
  });

  it('throws nothing but its own errors, whatever the text is', () => {
    const damaged = fc
      .tuple(fc.nat(whole.length), fc.nat(20), fc.string({ maxLength: 12 }))
      .map(([at, length, put]) => whole.slice(0, at) + put + whole.slice(at + length));
    fc.assert(
      fc.property(damaged, (text) => {
        let outcome: string;
        try {
          outcome = parseWorkload(text, 'w.yaml').workload.kind;
        } catch (thrown) {
          if (!(thrown instanceof VfleetError)) throw thrown;
          outcome = thrown.code;
        }
        expect(['Workload', 'spec.syntax', 'spec.invalid']).toContain(outcome);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});
