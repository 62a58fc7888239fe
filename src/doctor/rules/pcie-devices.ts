// Owns the rules about the devices between a card and the root: isolation, packet sizes, errors.

import type { Evidence, Finding } from '../../model/finding.ts';
import type { AcsControl, PcieDevice } from '../../model/pcie.ts';
import type { Pf } from '../../model/pf.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, factOf } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import { someOf } from '../wording.ts';

/** What the kernel wants of each port before it gives devices below groups of their own (drivers/iommu/iommu.c). */
const requiredAcs: readonly AcsControl[] = [
  'sourceValidation',
  'requestRedirect',
  'completionRedirect',
  'upstreamForwarding',
];
/** Smaller read requests keep no fast card busy. */
const goodReadRequestBytes = 512;

type Find = (id: FindingId, summary: string, facts: readonly Evidence[]) => Finding;

/** Findings about the devices on the way of one PF. */
export function checkPath(input: DoctorInput, pf: Pf): Finding[] {
  const find: Find = (id, summary, facts) => makeFinding(id, input.placeOf(pf), { summary, evidence: facts });
  return [...checkAcs(input, pf, find), ...checkSizes(pf, find), ...checkErrors(pf, find)];
}

/** The kernel switches ACS on together with the IOMMU, so without one there is nothing to say. */
function checkAcs(input: DoctorInput, pf: Pf, find: Find): Finding[] {
  if (input.iommuInUse !== true || pf.acsIsolates === undefined) return [];
  const facts = [evidence(factOf(pf, 'acsIsolates'), pf.acsIsolates)];
  const bridges = (pf.pciePath ?? []).slice(1);
  if (pf.acsIsolates) {
    const names = bridges.map(({ address }) => address);
    return [
      find('pcie.acs.on', `ACS isolates at ${names.length === 0 ? 'every bridge' : someOf(names)}`, facts),
    ];
  }
  // The kernel knows bridges that isolate without the capability (drivers/pci/quirks.c): a card alone in its group is.
  const group = pf.iommuGroup === undefined ? undefined : input.groups.get(pf.iommuGroup);
  if (group !== undefined && group.devices.length === 1 && group.devices[0] === pf.address) return [];
  const weak = bridges.flatMap((bridge) => {
    const missing = missingAcs(input, pf, bridge);
    return missing === undefined ? [] : [`${bridge.address} (${missing})`];
  });
  const where =
    weak.length === 0 ? 'a bridge above the card does not isolate' : `no isolation at ${someOf(weak)}`;
  return [find('pcie.acs.off', where, facts)];
}

/** What a port lacks, in words; undefined when it isolates or nothing is known of it. */
function missingAcs(input: DoctorInput, pf: Pf, bridge: PcieDevice): string | undefined {
  if (bridge.kind === 'upstream-port') return undefined;
  if (bridge.acs === undefined) {
    const fact = factOf(pf, `pciePath.${bridge.address}.acs`);
    return input.isUnread(fact) ? undefined : 'no ACS';
  }
  const { capable, enabled } = bridge.acs;
  // A control that the capability does not list is hard-wired on.
  const off = requiredAcs.filter((control) => capable.includes(control) && !enabled.includes(control));
  return off.length === 0 ? undefined : `off: ${off.join(', ')}`;
}

function checkSizes(pf: Pf, find: Find): Finding[] {
  const path = pf.pciePath ?? [];
  const [card] = path;
  if (card?.maxPayloadBytes === undefined) return [];
  const fact = (device: PcieDevice, name: string): string => factOf(pf, `pciePath.${device.address}.${name}`);
  const payload = card.maxPayloadBytes;
  const smaller = path
    .slice(1)
    .find(({ maxPayloadBytes }) => maxPayloadBytes !== undefined && maxPayloadBytes < payload);
  if (smaller !== undefined)
    return [
      find(
        'pcie.payload.mismatch',
        `the card sends up to ${payload} bytes, ${smaller.address} takes ${smaller.maxPayloadBytes}`,
        [
          evidence(fact(card, 'maxPayloadBytes'), payload),
          evidence(fact(smaller, 'maxPayloadBytes'), smaller.maxPayloadBytes),
        ],
      ),
    ];
  const findings: Finding[] = [];
  const abilities = path.map(({ maxPayloadSupportedBytes }) => maxPayloadSupportedBytes);
  const possible = abilities.includes(undefined)
    ? undefined
    : Math.min(...abilities.filter((bytes) => bytes !== undefined));
  if (possible !== undefined && payload < possible)
    findings.push(
      find(
        'pcie.payload.small',
        `packets hold up to ${payload} bytes, every device on the way could take ${possible}`,
        [
          evidence(fact(card, 'maxPayloadBytes'), payload),
          evidence(fact(card, 'maxPayloadSupportedBytes'), card.maxPayloadSupportedBytes),
        ],
      ),
    );
  const readRequest = card.maxReadRequestBytes;
  if (readRequest !== undefined && readRequest < goodReadRequestBytes)
    findings.push(
      find('pcie.read-request.small', `the card reads ${readRequest} bytes at a time`, [
        evidence(fact(card, 'maxReadRequestBytes'), readRequest),
      ]),
    );
  if (findings.length > 0) return findings;
  const reads = readRequest === undefined ? '' : `, read requests up to ${readRequest}`;
  return [
    find('pcie.payload.sizes', `packets hold up to ${payload} bytes${reads}`, [
      evidence(fact(card, 'maxPayloadBytes'), payload),
    ]),
  ];
}

function checkErrors({ aer, address }: Pf, find: Find): Finding[] {
  const { fatal = 0, nonFatal = 0 } = aer ?? {};
  if (fatal === 0 && nonFatal === 0) return [];
  return [
    find('pcie.errors.seen', `since boot ${fatal} fatal and ${nonFatal} other errors were not corrected`, [
      evidence(`pfs.${address}.aer.fatal`, fatal),
      evidence(`pfs.${address}.aer.nonFatal`, nonFatal),
    ]),
  ];
}
