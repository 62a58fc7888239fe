// Owns what is said of a sizing in words, the same on the screen and in the HTML report: plain sentences.
// Text only: nothing here is escaped for a page or made safe for a terminal.

import type { HostModel } from '../sizing/host-model.ts';
import type { CrossNode, HostClassUse, SizingResult } from '../sizing/result.ts';
import { type CompletePolicy, memoryMbOf, type VmClass } from '../model/workload.ts';
import { countText, numberText, percentText } from './amounts.ts';
import { resourceName } from './resource-parts.ts';

/** What the answer is in one sentence. */
export function answerText(result: SizingResult): string {
  const { outcome, usedHosts, unplaced, impossible } = result;
  switch (outcome) {
    case 'fits':
      return `Everything fits on ${countText(usedHosts, 'host')}.`;
    case 'impossible':
      return impossible.length === 1
        ? 'This cannot fit.'
        : `This cannot fit, for ${impossible.length} reasons.`;
    case 'unplaced': {
      const count = unplaced.reduce((sum, each) => sum + each.count, 0);
      return `${countText(count, 'machine')} found no place on the hosts that there are; that there is none is not proven.`;
    }
  }
}

/** The bound and the gap to it in plain words; undefined when nothing was packed. */
export function boundText({ outcome, usedHosts, boundHosts, gap }: SizingResult): string | undefined {
  if (outcome === 'impossible') return undefined;
  if (outcome === 'unplaced' || gap === undefined) {
    return `All machines together need at least ${countText(boundHosts, 'host')}.`;
  }
  if (usedHosts === boundHosts) return 'It is proven that fewer hosts cannot do: there is nothing to gain.';
  const spare = usedHosts - boundHosts;
  return (
    `It is proven that fewer than ${countText(boundHosts, 'host')} cannot do: ` +
    `another packing could save ${countText(spare, 'host')} at most, ${percentText(gap)} over the bound.`
  );
}

/** Machines that found no place, by class. */
export function unplacedTexts({ unplaced, vms }: SizingResult): readonly string[] {
  return unplaced.map(({ vmClass, count }) => {
    const { name = '', count: all = count } = vms[vmClass] ?? {};
    return `${numberText(count)} of ${numberText(all)} machines of ${name} found no place`;
  });
}

/** `10`, `unlimited`. */
export function hostCountText({ count }: HostModel): string {
  return count === undefined ? 'unlimited' : numberText(count);
}

/** What the hosts of a class run out of first. */
export function runsOutText(host: HostModel, use: HostClassUse): string {
  const scarce = use.runsOut.filter(({ fill }) => fill > 0).slice(0, 3);
  if (scarce.length === 0) return `${host.name}: nothing is used.`;
  const texts = scarce.flatMap(({ resource, fill }) => {
    const of = use.resources[resource];
    return of === undefined ? [] : [`${resourceName(host, of)} (${percentText(fill)} used)`];
  });
  return `${host.name}: ${texts.join(', then ')}.`;
}

/** What one more machine of each class would change. */
export function moreVmTexts({ marginal, vms }: SizingResult): readonly string[] {
  return (marginal?.vms ?? []).map(({ vmClass, fitAsIs, hostsPerVm }) => {
    const name = vms[vmClass]?.name ?? '';
    const room =
      fitAsIs === 0
        ? 'no more fits on the used hosts'
        : `${numberText(fitAsIs)} more fit on the used hosts as they are`;
    const price =
      hostsPerVm <= 0
        ? 'by the bound a further one needs no host of its own'
        : hostsPerVm >= 1
          ? `by the bound a further one costs ${hostsPerVm.toFixed(1)} hosts`
          : `by the bound a further host carries ${numberText(1 / hostsPerVm)} of them`;
    return `${name}: ${room}; ${price}.`;
  });
}

/** What one more card in every host of a class would change. */
export function moreCardTexts({ marginal, hosts, relaxedBound }: SizingResult): readonly string[] {
  const now = wholeHosts(relaxedBound);
  return (marginal?.cards ?? []).map(({ hostClass, card, relaxedBound: bound }) => {
    const host = hosts[hostClass];
    const what = `one more like ${host?.cards[card]?.name ?? ''} in every host of ${host?.name ?? ''}`;
    const then = wholeHosts(bound);
    if (then < now) {
      return `${what}: the bound by resources falls from ${countText(now, 'host')} to ${numberText(then)}.`;
    }
    return `${what}: changes nothing, the bound by resources stays at ${countText(now, 'host')}.`;
  });
}

/** Hosts are whole; what a solver of linear programs adds in the last digits is not a host. */
function wholeHosts(bound: number): number {
  return Math.ceil(bound - 1e-6);
}

/** Machines that are not on one NUMA node, and what that costs. */
export function crossNodeTexts(result: SizingResult): readonly string[] {
  return result.crossNode.flatMap((cross) => crossTexts(result, cross));
}

function crossTexts({ vms, hosts }: SizingResult, cross: CrossNode): string[] {
  const vm = vms[cross.vmClass]?.name ?? '';
  const host = hosts[cross.hostClass]?.name ?? '';
  const first = `${vm}-${cross.firstVm}${cross.withRemoteVfs + cross.spread > 1 ? ' the first' : ''}`;
  const texts: string[] = [];
  if (cross.withRemoteVfs > 0) {
    texts.push(
      `${countText(cross.withRemoteVfs, 'machine')} of ${vm} on ${host} (${first}) with a VF on a card of another node: ` +
        `${numberText(cross.remoteMbps / 1000)} Gb/s each way cross the link between the processors, ` +
        'and every packet takes longer.',
    );
  }
  if (cross.spread > 0) {
    texts.push(
      `${countText(cross.spread, 'machine')} of ${vm} on ${host} (${first}) larger than a node: ` +
        'vCPUs and memory are spread over all nodes, and part of every memory access crosses the link between the processors.',
    );
  }
  return texts;
}

/** What can be said when no machine crosses; undefined when there is no host with several nodes in use. */
export function nearText({ crossNode, use, hosts }: SizingResult): string | undefined {
  if (crossNode.length > 0) return undefined;
  const used = use.flatMap(({ hostClass }) => hosts[hostClass] ?? []);
  const wide = used.filter(({ nodes }) => nodes.length > 1);
  if (wide.length === 0) return undefined;
  const isKnown = wide.every(({ cards }) => cards.every(({ node }) => node !== undefined));
  const limit = isKnown ? '' : ', as far as the nodes of the cards are known';
  return `Every machine has vCPUs, memory and VFs on one NUMA node${limit}.`;
}

/** The policy in one sentence. */
export function policyText(policy: CompletePolicy): string {
  const { spareVfsPerPf, cpuRatio, bandwidthRatio, reservedCoresPerHost, reservedMemoryMbPerHost, numa } =
    policy;
  const parts = [
    cpuRatio === 1 ? 'a vCPU per thread' : `${cpuRatio} vCPUs per thread`,
    bandwidthRatio === 1 ? 'no bandwidth promised twice' : `bandwidth promised ${bandwidthRatio} times`,
    `${countText(spareVfsPerPf, 'spare VF')} per PF`,
  ];
  if (reservedCoresPerHost > 0) parts.push(`${countText(reservedCoresPerHost, 'core')} kept for each host`);
  if (reservedMemoryMbPerHost > 0)
    parts.push(`${numberText(reservedMemoryMbPerHost / 1024)} GB kept for each host`);
  parts.push(numa === 'strict' ? 'all of a machine on one NUMA node' : 'one NUMA node where it can be');
  return `Policy: ${parts.join(', ')}.`;
}

/** What a machine of a class is: `8 vCPUs, 32 GB, storage 5 Gb/s over two cards`. */
export function vmText(vm: VmClass): string {
  const nics = (vm.nics ?? []).map((nic) => {
    const over =
      nic.redundancy === 'cards' ? ' over two cards' : nic.redundancy === 'ports' ? ' over two ports' : '';
    const rate = nic.packetsPerSecond === undefined ? '' : ` ${numberText(nic.packetsPerSecond)} packets/s`;
    return `${nic.network} ${nic.gbps} Gb/s${rate}${over}${nic.rdma === true ? ' with RDMA' : ''}`;
  });
  return [countText(vm.vcpus, 'vCPU'), `${numberText(memoryMbOf(vm) / 1024)} GB`, ...nics].join(', ');
}
