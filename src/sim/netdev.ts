// Owns the making of network interfaces: an index that no other has, the kernel's usual MTU.

import type { SimNetdev, SimState } from './state.ts';

const defaultMtu = 1500;

export function newNetdev(state: SimState, name: string, mac: string, up: boolean): SimNetdev {
  const ifIndex = state.nextIfIndex;
  state.nextIfIndex += 1;
  return { ifIndex, name, mac, mtu: defaultMtu, up };
}
