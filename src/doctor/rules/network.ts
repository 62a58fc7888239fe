// Owns the rules about the network that a card is connected to: neighbour, frame sizes, VLANs, RoCE.

import type { Evidence, Finding } from '../../model/finding.ts';
import type { LldpNeighbour, Netdev, Pf } from '../../model/pf.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, factOf } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import { rangesText, someOf } from '../wording.ts';

/** Ethernet header and frame check sequence: IEEE 802.3 counts both in the largest frame. */
const frameOverheadBytes = 18;
/** What mlx4 and some others report for “none set” (field of 12 bits, all ones). */
const unsetVlan = 4095;
/** InfiniBand's largest path MTU, which RoCE can have when it fits in the Ethernet MTU. */
const largestPathMtuBytes = 4096;

type Find = (id: FindingId, summary: string, facts: readonly Evidence[]) => Finding;

/** Whether neighbours can be known at all: said once. */
export function checkLldp(input: DoctorInput): Finding[] {
  const { platform, snapshot } = input;
  if (platform === undefined || platform.programs.lldp || input.isUnread('platform.programs.lldp')) return [];
  // A host without ports has no neighbours.
  if (!snapshot.pfs.some((pf) => pf.netdevs.length > 0)) return [];
  return [
    makeFinding('network.lldp.absent', input.placeOf(), {
      summary: 'lldpd does not answer',
      evidence: [evidence('platform.programs.lldp', false)],
    }),
  ];
}

/** Findings about what is around one card. One pass over its VFs. */
export function checkNetwork(input: DoctorInput, pf: Pf): Finding[] {
  const find: Find = (id, summary, facts) => makeFinding(id, input.placeOf(pf), { summary, evidence: facts });
  return [
    ...pf.netdevs.flatMap((netdev) => checkNeighbour(input, pf, netdev, find)),
    ...checkVfFrames(pf, find),
    ...checkRoce(pf, find),
  ];
}

function checkNeighbour(input: DoctorInput, pf: Pf, netdev: Netdev, find: Find): Finding[] {
  const { lldp, name } = netdev;
  const fact = factOf(pf, `netdevs.${name}.lldp`);
  if (lldp === undefined) {
    const canHear = input.platform?.programs.lldp === true && !input.isUnread(fact);
    const hasLink = netdev.up && netdev.carrier === true;
    return canHear && hasLink
      ? [find('network.lldp.silent', `nothing was heard at ${name}`, [evidence(fact)])]
      : [];
  }
  const who = [lldp.chassis, lldp.port].filter((text) => text !== undefined).join(', port ');
  return [
    find('network.lldp.heard', `${name}: ${who === '' ? 'a neighbour without a name' : who}`, [
      evidence(`${fact}.chassis`, lldp.chassis),
    ]),
    ...checkFrames(pf, netdev, lldp, find),
    ...checkVlans(pf, netdev, lldp, find),
  ];
}

function checkFrames(pf: Pf, { name, mtu }: Netdev, { maxFrameBytes }: LldpNeighbour, find: Find): Finding[] {
  if (maxFrameBytes === undefined || maxFrameBytes <= 0) return [];
  const facts = [
    evidence(factOf(pf, `netdevs.${name}.mtu`), mtu),
    evidence(factOf(pf, `netdevs.${name}.lldp.maxFrameBytes`), maxFrameBytes),
  ];
  const frame = mtu + frameOverheadBytes;
  if (frame <= maxFrameBytes)
    return [
      find(
        'network.mtu.fits',
        `${name}: MTU ${mtu}, the neighbour takes frames of ${maxFrameBytes} bytes`,
        facts,
      ),
    ];
  return [
    find(
      'network.mtu.too-large',
      `${name}: MTU ${mtu} makes frames of ${frame} bytes, the neighbour takes ${maxFrameBytes}`,
      facts,
    ),
  ];
}

/** The MTU of VFs whose interfaces are on the host; that of a VF in a VM is the guest's, and not known here. */
function checkVfFrames(pf: Pf, find: Find): Finding[] {
  const [uplink] = pf.netdevs;
  if (uplink === undefined) return [];
  const larger = pf.vfs.filter(({ netdevMtu = 0 }) => netdevMtu > uplink.mtu);
  const [first] = larger;
  if (first?.netdevMtu === undefined) return [];
  const others = larger.length === 1 ? '' : ` and ${larger.length - 1} more`;
  return [
    find(
      'network.mtu.vf-above-pf',
      `VF ${first.index} (${first.netdev}) has MTU ${first.netdevMtu}${others}, ${uplink.name} has ${uplink.mtu}`,
      [
        evidence(factOf(pf, `vfs.${first.index}.netdevMtu`), first.netdevMtu),
        evidence(factOf(pf, `netdevs.${uplink.name}.mtu`), uplink.mtu),
      ],
    ),
  ];
}

function checkVlans(pf: Pf, { name }: Netdev, { vlans }: LldpNeighbour, find: Find): Finding[] {
  if (vlans.length === 0) return [];
  const announced = new Set(vlans);
  const unknown = new Set<number>();
  const indexes: number[] = [];
  for (const { index, settings } of pf.vfs) {
    const { vlan } = settings;
    if (vlan === undefined || vlan === 0 || vlan === unsetVlan || announced.has(vlan)) continue;
    unknown.add(vlan);
    indexes.push(index);
  }
  if (unknown.size === 0) return [];
  const list = someOf(
    [...unknown].sort((a, b) => a - b),
    8,
  );
  return [
    find(
      'network.vlan.unknown',
      `VF ${rangesText(indexes)} with VLAN ${list}; the neighbour of ${name} announces ${someOf(vlans, 8)}`,
      [evidence(factOf(pf, `netdevs.${name}.lldp.vlans`), vlans.join(','))],
    ),
  ];
}

/** RoCE only: InfiniBand and iWARP have neither Ethernet's MTU nor its losses as their problem. */
function checkRoce(pf: Pf, find: Find): Finding[] {
  const [device] = (pf.rdma ?? []).filter(({ linkLayer }) => linkLayer === 'Ethernet');
  const [uplink] = pf.netdevs;
  // irdma and bnxt_re do RoCE, too; cxgb4's link layer is Ethernet with iWARP, whose MTU is TCP's.
  if (device === undefined || uplink === undefined || pf.driver === 'cxgb4') return [];
  const findings: Finding[] = [];
  const { activeMtuBytes } = device;
  const priorities = uplink.flowControlPriorities;
  const mtuFact = evidence(factOf(pf, `rdma.${device.name}.activeMtuBytes`), activeMtuBytes);
  const flowFact = evidence(
    factOf(pf, `netdevs.${uplink.name}.flowControlPriorities`),
    priorities?.join(','),
  );
  const isSmall = activeMtuBytes !== undefined && activeMtuBytes < largestPathMtuBytes;
  if (isSmall)
    findings.push(
      find(
        'network.roce.mtu-small',
        `${device.name}: path MTU ${activeMtuBytes} of ${largestPathMtuBytes}, ${uplink.name} has MTU ${uplink.mtu}`,
        [mtuFact, evidence(factOf(pf, `netdevs.${uplink.name}.mtu`), uplink.mtu)],
      ),
    );
  if (priorities !== undefined && priorities.length === 0)
    findings.push(find('network.roce.no-pfc', `${uplink.name}: no priority has flow control`, [flowFact]));
  if (findings.length === 0 && activeMtuBytes !== undefined && priorities !== undefined)
    findings.push(
      find(
        'network.roce.ready',
        `${device.name}: path MTU ${activeMtuBytes}, flow control for priority ${priorities.join(', ')}`,
        [mtuFact, flowFact],
      ),
    );
  return findings;
}
