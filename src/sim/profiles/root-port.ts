// Owns how profiles write down their root ports: one line each.

import type { SimRootPort } from '../profile.ts';

/** A port of an Intel Xeon's root complex (Ice Lake, 8086:347a) with Access Control Services on, as servers have it. */
export function serverRootPort(
  address: string,
  secondaryBus: number,
  numaNode: number,
  link: { speedGTps: number; width: number; subordinateBus?: number; slot?: string },
): SimRootPort {
  return {
    address,
    vendorId: '8086',
    deviceId: '347a',
    secondaryBus,
    subordinateBus: link.subordinateBus ?? secondaryBus,
    linkSpeedGTps: link.speedGTps,
    linkWidth: link.width,
    numaNode,
    acs: true,
    ...(link.slot === undefined ? {} : { slot: link.slot }),
  };
}
