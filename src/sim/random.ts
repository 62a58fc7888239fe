// Owns chance on a simulated host: a sequence that the state carries, so that a host repeats itself.

import type { SimState } from './state.ts';

/** The next 32 bits (a Weyl sequence with a mixer, as in splitmix). */
function nextRandom(state: SimState): number {
  state.randomState = (state.randomState + 0x9e3779b9) >>> 0;
  let mixed = state.randomState;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A random address as the kernel makes it: unicast and locally administered (eth_random_addr). */
export function randomMac(state: SimState): string {
  const high = nextRandom(state);
  const low = nextRandom(state);
  const bytes = [high >>> 24, high >>> 16, high >>> 8, high, low >>> 8, low].map((part) => part & 0xff);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
