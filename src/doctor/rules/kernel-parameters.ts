// Owns the rules about the kernel's command line: parameters that endanger, slow down, or do nothing here.
// Parameters that are missing are named by the rules about what is missing for lack of them.

import type { Evidence, Finding } from '../../model/finding.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';

/** Findings about the command line; none when it was not read. */
export function checkKernelParameters(input: DoctorInput): Finding[] {
  const { parameters, platform } = input;
  if (parameters === undefined || platform === undefined) return [];
  const facts: Evidence[] = [evidence('platform.kernel.commandLine', platform.kernel.commandLine)];
  const findings: Finding[] = [];
  const add = (id: FindingId, summary: string): void => {
    findings.push(makeFinding(id, input.placeOf(), { summary, evidence: facts }));
  };
  const override = parameters.last('pcie_acs_override');
  if (override !== undefined)
    add('iommu.parameter.acs-override', `“pcie_acs_override=${override}” is on the kernel command line`);
  if (parameters.has('pci', 'nomsi'))
    add('iommu.parameter.nomsi', '“nomsi” stands in pci= on the kernel command line');
  if (parameters.has('pci', 'noaer'))
    add('pcie.parameter.noaer', '“noaer” stands in pci= on the kernel command line');
  if (parameters.has('pci', 'realloc') || parameters.has('pci', 'realloc=on'))
    add('pcie.parameter.realloc', '“realloc” stands in pci= on the kernel command line');
  const strict = parameters.last('iommu.strict');
  const isTranslated = isPassthrough(input) !== true;
  if (isOff(strict) && isTranslated)
    add('iommu.parameter.lazy', `“iommu.strict=${strict}” is on the kernel command line`);
  if (isOn(strict) && isTranslated)
    add('iommu.parameter.strict', `“iommu.strict=${strict}” is on the kernel command line`);
  const harmless = listHarmless(input);
  if (harmless.length > 0)
    add('iommu.parameter.harmless', `on the kernel command line, without effect: ${harmless.join('; ')}`);
  return findings;
}

/** kstrtobool (lib/kstrtox.c). */
function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(?:[yYtT1]|on)/i.test(value);
}

function isOff(value: string | undefined): boolean {
  return value !== undefined && /^(?:[nNfF0]|of)/i.test(value);
}

/** Whether the command line asks to leave the host's own devices untranslated; undefined: it does not say. */
function isPassthrough({ parameters }: DoctorInput): boolean | undefined {
  if (parameters === undefined) return undefined;
  if (parameters.has('iommu', 'pt') || isOn(parameters.last('iommu.passthrough'))) return true;
  return undefined;
}

function listHarmless({ parameters, platform }: DoctorInput): string[] {
  if (parameters === undefined || platform === undefined) return [];
  const { acpiTables } = platform.firmware;
  const harmless: string[] = [];
  // amd_iommu knows fullflush, force_enable, off, force_isolation, pgtbl_v1 and v2, irtcachedis, nohugepages: no "on"
  // (drivers/iommu/amd/init.c parse_amd_iommu_options).
  if (parameters.has('amd_iommu', 'on'))
    harmless.push('“amd_iommu=on” (there is no such value: it is on by itself)');
  // The table tells whose IOMMU it is, not the processor: QEMU pairs any with any.
  const isAmd = acpiTables?.includes('IVRS') === true && !acpiTables.includes('DMAR');
  if (isAmd && parameters.last('intel_iommu') !== undefined)
    harmless.push(`“intel_iommu=${parameters.last('intel_iommu')}” (the IOMMU is AMD’s)`);
  return harmless;
}
