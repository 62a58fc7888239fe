// Owns the rules about a card's ports on the host: up, link, speed, who else uses them, partitions, switch mode.

import type { Evidence, Finding } from '../../model/finding.ts';
import type { Netdev, Pf } from '../../model/pf.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, factOf } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import type { FindingFacts } from '../finding.ts';
import { fastestPortOf, portKeyOf } from '../ports.ts';
import { rateText, someOf } from '../wording.ts';

type Find = (id: FindingId, facts: FindingFacts) => Finding;

/** Findings about a PF's interfaces. */
export function checkPort(input: DoctorInput, pf: Pf): Finding[] {
  const find: Find = (id, facts) => makeFinding(id, input.placeOf(pf), facts);
  const [uplink] = pf.netdevs;
  const findings: Finding[] = [];
  if (uplink === undefined) {
    const isManaged =
      pf.driver !== undefined && pf.driver !== 'vfio-pci' && !input.isUnread(factOf(pf, 'netdevs'));
    if (isManaged)
      findings.push(
        find('nic.port.none', {
          summary: `driver ${pf.driver}, but no network interface`,
          evidence: [evidence(factOf(pf, 'netdevs'), 0)],
        }),
      );
  } else findings.push(...checkUplink(input, pf, uplink, find), ...checkUse(pf, uplink, find));
  return [...findings, ...checkModes(pf, find)];
}

function checkUplink(input: DoctorInput, pf: Pf, uplink: Netdev, find: Find): Finding[] {
  const { name, up, carrier, speedMbps, duplex } = uplink;
  const fact = (path: string): string => factOf(pf, `netdevs.${name}.${path}`);
  if (!up)
    return [find('nic.port.down', { summary: `${name} is down`, evidence: [evidence(fact('up'), false)] })];
  if (carrier === false)
    return [
      find('nic.port.no-link', {
        summary: `${name} is up and has no link`,
        evidence: [evidence(fact('carrier'), false)],
      }),
    ];
  const speed = speedMbps === undefined || speedMbps <= 0 ? undefined : speedMbps;
  const facts = [evidence(fact('up'), true), evidence(fact('speedMbps'), speed)];
  const findings: Finding[] = [];
  if (duplex === 'half')
    findings.push(
      find('nic.port.half-duplex', {
        summary: `${name} runs in half duplex`,
        evidence: [evidence(fact('duplex'), duplex)],
      }),
    );
  const card = input.cardOf(pf);
  const fastest = fastestPortOf(input, pf);
  if (card !== undefined && fastest !== undefined && speed !== undefined && speed < fastest)
    findings.push(
      find('nic.port.slow', {
        summary: `${name} runs at ${rateText(speed)}, ${card.name} can do ${rateText(fastest)}`,
        evidence: facts,
      }),
    );
  if (findings.length > 0) return findings;
  const at = speed === undefined ? '' : ` at ${rateText(speed)}`;
  return [find('nic.port.up', { summary: `${name} is up${at}`, evidence: facts })];
}

function checkUse(pf: Pf, uplink: Netdev, find: Find): Finding[] {
  const { name, master, masterKind } = uplink;
  const findings: Finding[] = [];
  const facts = [
    evidence(factOf(pf, `netdevs.${name}.master`), master),
    evidence(factOf(pf, `netdevs.${name}.masterKind`), masterKind),
  ];
  if (master !== undefined && (masterKind === 'bond' || masterKind === 'team'))
    findings.push(
      find('nic.bonded', { summary: `${name} is part of ${masterKind} ${master}`, evidence: facts }),
    );
  if (master !== undefined && masterKind === 'bridge')
    findings.push(find('nic.bridged', { summary: `${name} is part of bridge ${master}`, evidence: facts }));
  if (pf.netdevs.some((netdev) => netdev.defaultRoute === true))
    findings.push(
      find('nic.default-route', {
        summary: `the default route goes out at ${name}`,
        evidence: [evidence(factOf(pf, `netdevs.${name}.defaultRoute`), true)],
      }),
    );
  return findings;
}

function checkModes(pf: Pf, find: Find): Finding[] {
  const findings: Finding[] = [];
  const mode = pf.devlink?.eswitchMode;
  if (mode !== undefined)
    findings.push(
      find('nic.eswitch', {
        summary: `the card’s switch is in ${mode} mode`,
        evidence: [evidence(factOf(pf, 'devlink.eswitchMode'), mode)],
      }),
    );
  const rdma = pf.rdma ?? [];
  if (rdma.length > 0) {
    const texts = rdma.map(({ name, linkLayer }) =>
      linkLayer === undefined ? name : `${name} on ${linkLayer}`,
    );
    findings.push(
      find('nic.rdma', {
        summary: `RDMA device ${someOf(texts)}`,
        evidence: rdma.map(({ name, linkLayer }) =>
          evidence(factOf(pf, `rdma.${name}.linkLayer`), linkLayer),
        ),
      }),
    );
  }
  if (pf.sriov.driversAutoprobe === false)
    findings.push(
      find('nic.autoprobe.off', {
        summary: 'sriov_drivers_autoprobe is 0',
        evidence: [evidence(factOf(pf, 'sriov.driversAutoprobe'), false)],
      }),
    );
  return findings;
}

/** Ports that several PFs share: one finding for each, at its first PF. */
export function checkPartitions(input: DoctorInput): Finding[] {
  const ports = new Map<string, Pf[]>();
  for (const pf of input.snapshot.pfs) {
    // Only PCI functions can be partitions; a PF with two interfaces on one port is none either.
    if (pf.vendorId === undefined) continue;
    for (const key of new Set(pf.netdevs.map((netdev) => portKeyOf(pf, netdev)))) {
      const list = ports.get(key) ?? [];
      list.push(pf);
      ports.set(key, list);
    }
  }
  return [...ports].flatMap(([key, pfs]) => {
    if (pfs.length < 2) return [];
    const addresses = pfs.map(({ address }) => address);
    return [
      makeFinding('nic.npar.on', input.placeOf(pfs[0]), {
        summary: `${pfs.length} PFs on one physical port (${key}): ${someOf(addresses, 8)}`,
        evidence: pfs.map(portEvidence),
      }),
    ];
  });
}

/** What told the port: the first that the PF's interfaces have. */
function portEvidence(pf: Pf): Evidence {
  const [netdev] = pf.netdevs;
  const fact = (name: string): string => factOf(pf, `netdevs.${netdev?.name}.${name}`);
  if (netdev?.physPortId !== undefined) return evidence(fact('physPortId'), netdev.physPortId);
  if (netdev?.physPortName !== undefined) return evidence(fact('physPortName'), netdev.physPortName);
  return evidence(factOf(pf, 'devlink.serialNumber'), pf.devlink?.serialNumber);
}
