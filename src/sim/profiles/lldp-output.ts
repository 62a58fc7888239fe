// Owns how profiles write down what lldpd hears: the text of `lldpcli -f json0`, a line per neighbour.

export interface SimNeighbour {
  readonly netdev: string;
  readonly chassis: string;
  readonly port: string;
  readonly maxFrameBytes: number;
  /** The first is the port's own. */
  readonly vlans: readonly number[];
}

/** JSON in the form of lldpcli: numbers are text, every element an array. */
export function lldpOutput(neighbours: readonly SimNeighbour[]): string {
  const entries = neighbours.map(({ netdev, chassis, port, maxFrameBytes, vlans }, index) => ({
    name: netdev,
    via: 'LLDP',
    rid: String(index + 1),
    age: '3 days, 04:05:06',
    chassis: [
      {
        id: [{ type: 'mac', value: '44:4c:a8:10:00:01' }],
        name: [{ value: chassis }],
        capability: [{ type: 'Bridge', enabled: true }],
      },
    ],
    port: [
      {
        id: [{ type: 'ifname', value: port }],
        ttl: [{ value: '120' }],
        mfs: [{ value: String(maxFrameBytes) }],
      },
    ],
    vlan: vlans.map((vlan, position) => ({
      'vlan-id': String(vlan),
      ...(position === 0 ? { pvid: true } : {}),
      value: `VLAN${vlan}`,
    })),
  }));
  return `${JSON.stringify({ lldp: [{ interface: entries }] }, null, 2)}\n`;
}
