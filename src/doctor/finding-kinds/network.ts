// Owns the kinds of findings about the network around a card: the neighbour, frame sizes, VLANs, RoCE.

import type { FindingKinds } from '../finding-kind.ts';

export const networkKinds = {
  'network.unread': {
    severity: 'unknown',
    title: 'Facts about the network could not be read',
    why: 'Nothing is said about what was not read; it may be good or bad.',
    todo: 'Run `sudo vfleet doctor` on the server itself, not in a container.',
  },
  'network.lldp.absent': {
    severity: 'advice',
    title: 'lldpd does not run',
    why: 'What the switch takes (largest frame, VLANs) cannot be compared with what is set here.',
    todo: 'Install and start it: package lldpd, `systemctl enable --now lldpd`.',
  },
  'network.lldp.silent': {
    severity: 'advice',
    title: 'The neighbour announces nothing',
    why: 'lldpd runs, but nothing was heard on this port: LLDP is off at the switch, or the card’s own firmware keeps it.',
    todo: 'Switch LLDP on at the switch; on Intel X710 and E810: `ethtool --set-priv-flags NETDEV disable-fw-lldp on` (ice: fw-lldp-agent off).',
  },
  'network.lldp.heard': {
    severity: 'ok',
    title: 'The neighbour is known',
    why: 'Its limits can be compared.',
  },
  'network.mtu.too-large': {
    severity: 'warning',
    title: 'Frames can be larger than the neighbour takes',
    why: 'Large frames vanish without a word: connections start and then hang.',
    todo: 'Raise the largest frame at the switch, or lower the MTU: `ip link set NETDEV mtu N`.',
  },
  'network.mtu.fits': {
    severity: 'ok',
    title: 'Frames fit the neighbour',
    why: 'None is lost for its size.',
  },
  'network.mtu.vf-above-pf': {
    severity: 'warning',
    title: 'VFs have a larger MTU than their PF',
    why: 'Most cards take no larger frames for a VF than its port is set to: large frames of the VF vanish.',
    todo: 'Raise the MTU of the PF (`mtu:` in the spec), or lower that of the VF’s interface.',
  },
  'network.vlan.unknown': {
    severity: 'warning',
    title: 'VFs have VLANs that the neighbour does not announce',
    why: 'A switch port drops VLANs it does not know, so these VFs reach nobody outside the card.',
    todo: 'Allow the VLANs on the switch’s port. When the switch announces only some, nothing is wrong.',
  },
  'network.roce.mtu-small': {
    severity: 'advice',
    title: 'RoCE runs with small packets',
    why: 'The Ethernet MTU allows a path MTU of less than 4096 bytes; each packet costs its headers and its turn in the card.',
    todo: 'Where all switches on the way take it: `ip link set NETDEV mtu 4200` or more.',
  },
  'network.roce.no-pfc': {
    severity: 'advice',
    title: 'RoCE without priority flow control',
    why: 'A full switch drops RoCE packets, and their repetition costs far more than with TCP.',
    todo: 'Switch it on for RoCE’s priority here and at the switch (`dcb pfc set dev NETDEV prio-pfc 3:on`), or rely on ECN (DCQCN) on purpose.',
  },
  'network.roce.ready': {
    severity: 'ok',
    title: 'The port suits RoCE',
    why: 'Path MTU is the largest, and a priority has flow control.',
  },
} as const satisfies FindingKinds<'network'>;
