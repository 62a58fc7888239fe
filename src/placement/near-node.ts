// Owns the NUMA node that a VM is placed on: that of its VFs.

import { VfleetError } from '../base/errors.ts';
import type { PinningRequest, VmVf } from './pinning-plan.ts';

/**
 * The node of most VFs of the VM, the lowest of equals, and why. Throws `pin.impossible` for a VM without VFs, and where the
 * node of none is known.
 */
export function chooseNode({ host, vm, vfs }: PinningRequest): { node: number; reasons: string[] } {
  if (vfs.length === 0) {
    throw new VfleetError('pin.impossible', `${vm.name} has no VF, whose NUMA node it could be placed on`, {
      hint: 'give it one first: vfleet attach VM --network NAME',
    });
  }
  const [only, second] = host.nodes;
  if (only !== undefined && second === undefined)
    return { node: only.node, reasons: [`the host has one NUMA node, ${only.node}`] };
  const counts = new Map<number, number>();
  for (const { node } of vfs) if (node !== undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
  const [best] = [...counts].sort(([a, many], [b, others]) => others - many || a - b);
  if (best === undefined) {
    const which = vfs.map(({ address }) => address).join(', ');
    throw new VfleetError('pin.impossible', `the firmware does not say on which NUMA node ${which} is`, {
      details: { problems: vfs.map(({ address }) => `${address}: no NUMA node`) },
    });
  }
  const [node] = best;
  const near = vfs.filter((vf) => vf.node === node);
  const far = vfs.filter((vf) => vf.node !== node);
  const reasons = [`${describe(near)} on node ${node}`];
  for (const vf of far)
    reasons.push(
      vf.node === undefined
        ? `on which node VF ${vf.address} is, is not known`
        : `VF ${vf.address} is on node ${vf.node}: what it sends and receives crosses between the nodes`,
    );
  return { node, reasons };
}

function describe(vfs: readonly VmVf[]): string {
  const names = vfs.map(({ address }) => address).join(', ');
  return vfs.length === 1 ? `its VF ${names} is` : `its VFs ${names} are`;
}
