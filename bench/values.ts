// Owns the values that every contestant sets: MAC, VLAN, spoof check and trust of each VF, others in each generation.
// floor.c has the same rule in set_vfs().

import type { VfSettings } from '../src/model/vf.ts';

export type Generation = number;

interface SetValues {
  readonly mac: string;
  readonly vlan: number;
  readonly spoofCheck: boolean;
  readonly trust: boolean;
}

let generation = 0;

/** A generation that nobody has set yet, so that there is something to change. */
export function nextGeneration(): Generation {
  generation += 1;
  return generation;
}

/** Begins at a generation, in a process of its own that goes on where another stands. */
export function startGenerations(at: Generation): void {
  generation = at;
}

/** What a VF is to have. */
export function valuesOf(vf: number, current: Generation): SetValues & VfSettings {
  const bytes = [0x52, 0x54, (current >> 8) & 0xff, current & 0xff, vf >> 8, vf & 0xff];
  return {
    mac: bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    vlan: 1 + ((vf + current) % 4094),
    spoofCheck: (current & 1) === 1,
    trust: (current & 1) === 1,
  };
}

/** The spec that says so, as a person would write it: what is the same for all stands once. */
export function specText(pf: string, vfCount: number, current: Generation): string {
  const vfs = Array.from({ length: vfCount }, (_, vf) => {
    const { mac, vlan } = valuesOf(vf, current);
    return `      "${vf}": { mac: "${mac}", vlan: ${vlan} }`;
  });
  const { spoofCheck, trust } = valuesOf(0, current);
  return `apiVersion: vfleet/v1
kind: Host
pfs:
  - match: { address: "${pf}" }
    vfs:
      count: ${vfCount}
      default: { spoofCheck: ${spoofCheck}, trust: ${trust} }
${vfs.join('\n')}
`;
}

/** Arguments of `ip` that say so for one VF. */
export function ipArguments(ifName: string, vf: number, current: Generation): string {
  const { mac, vlan, spoofCheck, trust } = valuesOf(vf, current);
  const word = (on: boolean): string => (on ? 'on' : 'off');
  return `link set dev ${ifName} vf ${vf} mac ${mac} vlan ${vlan} spoofchk ${word(spoofCheck)} trust ${word(trust)}`;
}
