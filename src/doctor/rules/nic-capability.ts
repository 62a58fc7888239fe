// Owns the rules about a card's SR-IOV capability: how many VFs, address space, ARI, vectors, resets, firmware switches.

import type { Finding } from '../../model/finding.ts';
import type { Pf } from '../../model/pf.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, factOf } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import type { FindingFacts } from '../finding.ts';
import { count, someOf } from '../wording.ts';

/** One for events and one for a queue: with no more a VF has a single pair of queues. */
const fewVectors = 2;

type Find = (id: FindingId, facts: FindingFacts) => Finding;

/** Findings about what VFs a card can have. */
export function checkCapability(input: DoctorInput, pf: Pf): Finding[] {
  const find: Find = (id, facts) => makeFinding(id, input.placeOf(pf), facts);
  return [
    ...checkTotalVfs(input, pf, find),
    ...checkSwitch(pf, find),
    ...checkVfBars(input, pf, find),
    ...checkAri(input, pf, find),
    ...checkVectors(pf, find),
    ...checkReset(pf, find),
  ];
}

function checkTotalVfs(input: DoctorInput, pf: Pf, find: Find): Finding[] {
  const { totalVfs, devlinkTotalVfs, capabilityTotalVfs } = pf.sriov;
  const sources = [
    { name: 'sysfs', fact: 'sriov.totalVfs', value: totalVfs },
    { name: 'configuration space', fact: 'sriov.capabilityTotalVfs', value: capabilityTotalVfs },
    { name: 'devlink', fact: 'sriov.devlinkTotalVfs', value: devlinkTotalVfs },
  ].filter(({ value }) => value !== undefined);
  const facts = sources.map(({ fact, value }) => evidence(factOf(pf, fact), value));
  const said = sources.map(({ name, value }) => `${name} ${value}`).join(', ');
  if (totalVfs === 0) {
    return [find('nic.total-vfs.zero', { summary: `number of VFs: ${said}`, evidence: facts })];
  }
  const differs = sources.some(({ value }) => value !== totalVfs);
  const findings = [
    find(differs ? 'nic.total-vfs.differs' : 'nic.total-vfs.agree', {
      summary: `number of VFs: ${said}`,
      evidence: facts,
    }),
  ];
  const card = input.cardOf(pf);
  const possible = card?.vfs?.perPf;
  if (card !== undefined && possible !== undefined && totalVfs < possible) {
    findings.push(
      find('nic.total-vfs.below-catalogue', {
        summary: `${totalVfs} VFs, ${card.name} can have ${possible} on each PF`,
        evidence: facts.slice(0, 1),
      }),
    );
  }
  return findings;
}

/** The permanent setting `enable_sriov` (Documentation/networking/devlink/devlink-params.rst), where a driver has it. */
function checkSwitch(pf: Pf, find: Find): Finding[] {
  const parameter = pf.devlink?.parameters.find(({ name }) => name === 'enable_sriov');
  const value = parameter?.values['permanent'];
  if (value !== 'false' && value !== '0') return [];
  return [
    find(pf.sriov.numVfs > 0 ? 'nic.firmware.sriov-off-next' : 'nic.firmware.sriov-off', {
      summary: `the devlink parameter enable_sriov is ${value}`,
      evidence: [evidence(factOf(pf, 'devlink.parameters.enable_sriov'), value)],
    }),
  ];
}

function checkVfBars(input: DoctorInput, pf: Pf, find: Find): Finding[] {
  const { vfBars, numVfs, totalVfs } = pf.sriov;
  // Where VFs are, there is room for them, whatever else is read.
  if (vfBars === undefined || numVfs > 0) return [];
  const judged = vfBars.filter(({ assigned }) => assigned !== undefined);
  if (judged.length === 0) return [];
  const facts = judged.map((bar) => evidence(factOf(pf, `sriov.vfBars.${bar.index}.assigned`), bar.assigned));
  const missing = judged.filter(({ assigned }) => assigned === false);
  if (missing.length === 0) {
    const sizes = judged.flatMap(({ index, sizeBytes }) =>
      sizeBytes === undefined ? [] : [`BAR ${index} ${sizeBytes / 1024} KB`],
    );
    const summary = `all VF BARs have address space${sizes.length === 0 ? '' : `: ${sizes.join(', ')} for each VF`}`;
    return [find('nic.vf-bars.assigned', { summary, evidence: facts })];
  }
  const needed = missing.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes * totalVfs, 0);
  const amount = needed === 0 ? '' : `; ${needed / 1024} KB are needed for ${count(totalVfs, 'VF')}`;
  const isRealloc = input.parameters?.has('pci', 'realloc') === true;
  return [
    find('nic.vf-bars.unassigned', {
      summary:
        `VF BAR ${missing.map(({ index }) => index).join(', ')} without address space${amount}` +
        (isRealloc ? ', although pci=realloc is on the kernel command line' : ''),
      evidence: facts,
      todo: isRealloc
        ? 'Switch SR-IOV on ({sriov}) and memory above 4 GB ({memoryAbove4g}), and restart.'
        : undefined,
    }),
  ];
}

/** The bit is that of the device's lowest PF; in the others it reads 0 (PCIe 6.0, 9.3.3.3.5). */
function checkAri({ snapshot }: DoctorInput, pf: Pf, find: Find): Finding[] {
  const { ariCapableHierarchy, firstVfOffset, vfStride } = pf.sriov;
  const device = pf.address.slice(0, -1);
  const isLowest = !snapshot.pfs.some(({ address }) => address.startsWith(device) && address < pf.address);
  if (ariCapableHierarchy === undefined || !isLowest) return [];
  const place =
    firstVfOffset === undefined || vfStride === undefined
      ? ''
      : `, first VF at offset ${firstVfOffset}, stride ${vfStride}`;
  return [
    find(ariCapableHierarchy ? 'nic.ari.on' : 'nic.ari.off', {
      summary: `ARI Capable Hierarchy is ${ariCapableHierarchy ? 'set' : 'clear'}${place}`,
      evidence: [evidence(factOf(pf, 'sriov.ariCapableHierarchy'), ariCapableHierarchy)],
    }),
  ];
}

function checkVectors(pf: Pf, find: Find): Finding[] {
  const { msixPerVf, vfTotalMsix } = pf.sriov;
  if (msixPerVf === undefined) return [];
  const pool = vfTotalMsix === undefined ? '' : `, a pool of ${vfTotalMsix} for all`;
  return [
    find(msixPerVf <= fewVectors ? 'nic.msix.few' : 'nic.msix.vectors', {
      summary: `${count(msixPerVf, 'MSI-X vector')} for each VF${pool}`,
      evidence: [evidence(factOf(pf, 'sriov.msixPerVf'), msixPerVf)],
    }),
  ];
}

function checkReset(pf: Pf, find: Find): Finding[] {
  const { resetMethods } = pf;
  if (resetMethods === undefined) return [];
  const methods = resetMethods.length === 0 ? 'none' : someOf(resetMethods, 8);
  const hasFlr = resetMethods.some((method) => method === 'flr' || method === 'af_flr');
  return [
    find(hasFlr ? 'nic.reset.flr' : 'nic.reset.no-flr', {
      summary: `ways to reset the PF: ${methods}`,
      evidence: [evidence(factOf(pf, 'resetMethods'), resetMethods.join(','))],
    }),
  ];
}
