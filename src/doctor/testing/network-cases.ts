// Owns one way to bring about each kind of finding about the network: what to break, and what the finding then says.

import type { Cases } from './case.ts';
import { netdev, netdevOf, notRead, pf, platformOf, unread } from './case.ts';

export const networkCases: Cases<'network'> = {
  'network.unread': { breakIt: unread('pfs.0000:98:00.0.netdevs.ens1f0np0.lldp'), says: notRead },
  'network.lldp.absent': {
    breakIt: (host) => {
      platformOf(host).programs.lldp = false;
      for (const index of [0, 1]) delete netdevOf(host, index).lldp;
    },
    says: /does not answer/,
  },
  'network.lldp.silent': {
    breakIt: netdev((each) => delete each.lldp),
    says: /nothing was heard at ens1f0np0/,
  },
  'network.mtu.too-large': {
    breakIt: netdev((each) => {
      if (each.lldp !== undefined) each.lldp.maxFrameBytes = 1518;
    }),
    says: /MTU 9000 makes frames of 9018 bytes, the neighbour takes 1518/,
  },
  'network.mtu.vf-above-pf': {
    breakIt: pf(({ vfs }) => {
      for (const vf of vfs) Object.assign(vf, { netdev: `vf${vf.index}`, netdevMtu: 9216 });
    }),
    says: /VF 0 \(vf0\) has MTU 9216 and \d+ more, ens1f0np0 has 9000/,
  },
  'network.vlan.unknown': {
    breakIt: netdev((each) => {
      if (each.lldp !== undefined) each.lldp.vlans = [100, 200];
    }),
    says: /VF 1 with VLAN 101; the neighbour of ens1f0np0 announces 100, 200/,
  },
  'network.roce.mtu-small': {
    breakIt: pf(({ rdma }) => {
      for (const device of rdma ?? []) device.activeMtuBytes = 1024;
    }),
    says: /path MTU 1024 of 4096, ens1f0np0 has MTU 9000/,
  },
  'network.roce.no-pfc': {
    breakIt: netdev((each) => (each.flowControlPriorities = [])),
    says: /no priority has flow control/,
  },
};
