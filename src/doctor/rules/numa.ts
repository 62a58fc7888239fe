// Owns the rules about the NUMA node that a card is at: CPUs, memory, hugepages, isolated CPUs.

import type { Evidence, Finding } from '../../model/finding.ts';
import type { Pf } from '../../model/pf.ts';
import type { NumaNode, Platform } from '../../model/platform.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, factOf } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import { count, memoryText, rangesText } from '../wording.ts';

/** A small VM does not fit in less. */
const lowMemoryMb = 1024;

/** Findings about where a card's VMs can be placed. */
export function checkNuma(input: DoctorInput, pf: Pf): Finding[] {
  const { platform } = input;
  if (platform === undefined || pf.vendorId === undefined) return [];
  const { numa } = platform;
  const find = (id: FindingId, summary: string, facts: readonly Evidence[]): Finding =>
    makeFinding(id, input.placeOf(pf), { summary, evidence: facts });
  const nodeFact = factOf(pf, 'numaNode');
  if (pf.numaNode === undefined) {
    if (numa.length < 2 || input.isUnread(nodeFact)) return [];
    return [
      find('host.numa.slot-unknown', `the server has ${numa.length} NUMA nodes, the card names none`, [
        evidence(nodeFact),
      ]),
    ];
  }
  const node = numa.find((each) => each.node === pf.numaNode);
  if (node === undefined) return [];
  const slot = evidence(nodeFact, pf.numaNode);
  const fact = `platform.numa.${node.node}`;
  const findings: Finding[] = [];
  const cpus = node.cores.flat();
  if (cpus.length === 0 && !input.isUnread(`${fact}.cores`))
    findings.push(
      find('host.numa.no-cpus', `NUMA node ${node.node} has no CPU`, [slot, evidence(`${fact}.cores`, '')]),
    );
  if (node.memoryTotalMb === 0)
    findings.push(
      find('host.numa.no-memory', `NUMA node ${node.node} has no memory`, [
        slot,
        evidence(`${fact}.memoryTotalMb`, 0),
      ]),
    );
  if (findings.length === 0) findings.push(...checkFree(node, slot, find));
  return [
    ...findings,
    ...checkHugepages(numa, node, slot, find),
    ...checkIsolated(platform, node, slot, find),
  ];
}

type Find = (id: FindingId, summary: string, facts: readonly Evidence[]) => Finding;

function checkFree(node: NumaNode, slot: Evidence, find: Find): Finding[] {
  const { memoryFreeMb: free, memoryTotalMb: total } = node;
  const fact = `platform.numa.${node.node}`;
  const cpus = `${count(node.cores.length, 'core')} (${count(node.cores.flat().length, 'CPU')})`;
  if (free === undefined || total === undefined)
    return [find('host.numa.node', `NUMA node ${node.node}: ${cpus}`, [slot])];
  const pages = node.hugepages.filter((each) => each.total > 0);
  const hugepages = pages.map(
    ({ sizeKb, total: all, free: left }) =>
      `, ${left} of ${all} hugepages of ${memoryText(sizeKb / 1024)} free`,
  );
  const summary = `NUMA node ${node.node}: ${cpus}, ${memoryText(free)} of ${memoryText(total)} free${hugepages.join('')}`;
  const isLow = free < lowMemoryMb && pages.every((each) => each.free === 0);
  return [
    find(isLow ? 'host.numa.memory-low' : 'host.numa.node', summary, [
      slot,
      evidence(`${fact}.memoryFreeMb`, free),
    ]),
  ];
}

function checkHugepages(numa: readonly NumaNode[], node: NumaNode, slot: Evidence, find: Find): Finding[] {
  const pagesOf = (each: NumaNode): number => each.hugepages.reduce((sum, { total }) => sum + total, 0);
  if (pagesOf(node) > 0) return [];
  const others = numa.filter((each) => pagesOf(each) > 0);
  // The kernel may lack hugepages altogether, then no node lists a size.
  if (others.length === 0) return [];
  const there = others.map((each) => `${pagesOf(each)} on node ${each.node}`).join(', ');
  return [
    find('host.hugepages.elsewhere', `no hugepages on the card’s NUMA node ${node.node}; ${there}`, [
      slot,
      ...numa.map((each) => evidence(`platform.numa.${each.node}.hugepages`, pagesOf(each))),
    ]),
  ];
}

function checkIsolated({ processors }: Platform, node: NumaNode, slot: Evidence, find: Find): Finding[] {
  const { isolated } = processors;
  if (isolated.length === 0 || node.cores.length === 0) return [];
  const own = new Set(node.cores.flat());
  const here = isolated.filter((cpu) => own.has(cpu));
  const facts = [slot, evidence('platform.processors.isolated', isolated.join(','))];
  return here.length === 0
    ? [
        find(
          'host.isolated.elsewhere',
          `CPUs ${rangesText(isolated)} are isolated, none of them is on the card’s NUMA node ${node.node}`,
          facts,
        ),
      ]
    : [find('host.isolated.there', `CPUs ${rangesText(here)} of NUMA node ${node.node} are isolated`, facts)];
}

/** Whether the server has hugepages at all: said once, not for each card. */
export function checkHugepagesAtAll(input: DoctorInput): Finding[] {
  const { platform } = input;
  const sizes = platform?.numa.flatMap((node) => node.hugepages) ?? [];
  if (sizes.length === 0 || sizes.some(({ total }) => total > 0)) return [];
  return [
    makeFinding('host.hugepages.none', input.placeOf(), {
      summary: 'no hugepages are reserved on any NUMA node',
      evidence: (platform?.numa ?? []).map((node) => evidence(`platform.numa.${node.node}.hugepages`, 0)),
    }),
  ];
}
