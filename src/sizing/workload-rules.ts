// Owns what must hold between the values of a workload file, whatever the catalogue and the snapshots say.
// Takes a workload whose shape is right; reports, and judges nothing about hosts.

import type { Position, Report, SpecPath } from '../spec/problem.ts';
import { quoted } from '../spec/wording.ts';
import type { HostClass, VmClass, Workload } from '../model/workload.ts';

type Locate = (path: SpecPath) => Position;

/** All machines together: more than any fleet, and few enough to count exactly and to hold in memory. */
const maxVms = 10_000_000;
/** Shares are percentages with decimals: 33.3 three times is not more than 100. */
const shareTolerance = 1e-9;

export function checkWorkloadRules(workload: Workload, locate: Locate, report: Report): void {
  checkVms(workload.vms, locate, report);
  const { snapshots = [], classes = [] } = workload.hosts;
  if (snapshots.length + classes.length === 0) {
    report(['hosts'], 'names no host; give snapshots, classes, or both');
  }
  const names: Named[] = [];
  for (const [index, { name }] of snapshots.entries()) {
    if (name !== undefined) names.push({ name, path: ['hosts', 'snapshots', index, 'name'] });
  }
  for (const [index, host] of classes.entries()) {
    const path = ['hosts', 'classes', index];
    names.push({ name: host.name, path: [...path, 'name'] });
    checkHostClass(host, workload, path, report);
  }
  checkUnique(names, locate, report);
}

function checkVms(vms: readonly VmClass[], locate: Locate, report: Report): void {
  let total = 0;
  for (const [index, vm] of vms.entries()) {
    const path = ['vms', index];
    if (vm.memoryMb === undefined && vm.memoryGb === undefined) {
      report(path, `${quoted(vm.name)} has no memory; give memoryMb or memoryGb`);
    } else if (vm.memoryMb !== undefined && vm.memoryGb !== undefined) {
      report([...path, 'memoryGb'], 'is given beside memoryMb; give one of them');
    }
    total += vm.count;
    if (total > maxVms && total - vm.count <= maxVms) {
      report([...path, 'count'], `makes ${total} machines so far, more than ${maxVms}`);
    }
  }
  checkUnique(
    vms.map(({ name }, index) => ({ name, path: ['vms', index, 'name'] })),
    locate,
    report,
  );
}

function checkHostClass(host: HostClass, workload: Workload, path: SpecPath, report: Report): void {
  const cores = host.sockets * host.coresPerSocket;
  const reserved = workload.policy?.reservedCoresPerHost ?? 0;
  if (reserved >= cores) {
    report(
      ['policy', 'reservedCoresPerHost'],
      `${reserved} leaves none of the ${cores} cores of ${host.name}`,
    );
  }
  const memoryMb = Math.floor(host.sockets * host.memoryGbPerSocket * 1024);
  const reservedMb = workload.policy?.reservedMemoryMbPerHost ?? 0;
  if (reservedMb >= memoryMb) {
    report(
      ['policy', 'reservedMemoryMbPerHost'],
      `${reservedMb} leaves none of the ${memoryMb} MB of ${host.name}`,
    );
  }
  for (const [index, card] of (host.cards ?? []).entries()) {
    const cardPath = [...path, 'cards', index];
    if (card.socket !== undefined && card.socket >= host.sockets) {
      const last = host.sockets === 1 ? 'the only one is 0' : `the last is ${host.sockets - 1}`;
      report([...cardPath, 'socket'], `there is no socket ${card.socket}; ${last}`);
    }
    const shares = (card.npar ?? []).reduce((sum, share) => sum + share, 0);
    if (shares > 100 + shareTolerance) {
      report([...cardPath, 'npar'], `the shares add up to ${shares} %, more than the port has`);
    }
  }
}

interface Named {
  readonly name: string;
  readonly path: SpecPath;
}

function checkUnique(names: readonly Named[], locate: Locate, report: Report): void {
  const first = new Map<string, SpecPath>();
  for (const { name, path } of names) {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, path);
    else report(path, `${quoted(name)} is used already in line ${locate(earlier).line}`);
  }
}
