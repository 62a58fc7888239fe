// Owns the RDMA devices of a simulated host: which there are, and what ibv_devinfo(1) prints of one.

import type { SimHost } from './host.ts';
import type { SimPf } from './state.ts';

export interface SimRdmaDevice {
  readonly name: string;
  readonly pf: SimPf;
}

/** Devices of PFs whose driver is bound. */
export function rdmaDevicesOf(host: SimHost): readonly SimRdmaDevice[] {
  return host.state.pfs.flatMap((pf) => {
    const profile = host.pf(pf.address)?.profile;
    const isBound = pf.driver !== undefined && pf.driver === profile?.card.driver;
    return profile?.rdma === undefined || !isBound ? [] : [{ name: profile.rdma, pf }];
  });
}

/** Headers that RoCE and its extensions add to a packet (include/rdma/ib_addr.h iboe_get_mtu). */
const roceHeaderBytes = 96;
const mtus = [4096, 2048, 1024, 512, 256];

/** The path MTU that fits in an Ethernet MTU; 0 when none does. */
function activeMtuOf(ethernetMtu: number): number {
  return mtus.find((mtu) => mtu + roceHeaderBytes <= ethernetMtu) ?? 0;
}

/** What `ibv_devinfo -d NAME` prints; undefined where there is no RDMA at all, and with it no such program. */
export function rdmaPortText(host: SimHost, args: readonly string[]): string | undefined {
  const devices = rdmaDevicesOf(host);
  if (devices.length === 0) return undefined;
  const [option, name] = args;
  const device = option === '-d' ? devices.find((each) => each.name === name) : undefined;
  if (device === undefined) return '';
  const mtu = activeMtuOf(device.pf.netdev?.mtu ?? 0);
  const code = (bytes: number): number => 1 + Math.log2(bytes / 256);
  return [
    `hca_id:\t${device.name}`,
    '\ttransport:\t\t\tInfiniBand (0)',
    '\tphys_port_cnt:\t\t\t1',
    '\t\tport:\t1',
    `\t\t\tstate:\t\t\t${device.pf.netdev?.up === true ? 'PORT_ACTIVE (4)' : 'PORT_DOWN (1)'}`,
    '\t\t\tmax_mtu:\t\t4096 (5)',
    mtu === 0 ? '\t\t\tactive_mtu:\t\tinvalid MTU (0)' : `\t\t\tactive_mtu:\t\t${mtu} (${code(mtu)})`,
    '\t\t\tlink_layer:\t\tEthernet',
    '',
  ].join('\n');
}
