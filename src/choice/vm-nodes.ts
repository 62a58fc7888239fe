// Owns on which NUMA nodes a VM is, as far as its pins and its memory say.

import type { NodeCpus } from '../model/choice-facts.ts';
import type { VmPlacement } from '../model/vm.ts';

/**
 * Nodes of the CPUs that the vCPUs are pinned to; without pins, nodes that the memory is bound to. Rising. Undefined for
 * a VM that may run anywhere.
 */
export function nodesOfVm(
  placement: VmPlacement | undefined,
  nodes: readonly NodeCpus[],
): readonly number[] | undefined {
  if (placement === undefined) return undefined;
  const pinned = new Set(Object.values(placement.vcpuPins).flat());
  const onNodes = nodes.filter(({ cpus }) => cpus.some((cpu) => pinned.has(cpu))).map(({ node }) => node);
  if (onNodes.length > 0) return onNodes.sort((a, b) => a - b);
  const { memoryNodes = [] } = placement;
  return memoryNodes.length > 0 ? [...memoryNodes].sort((a, b) => a - b) : undefined;
}
