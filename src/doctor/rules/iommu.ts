// Owns the rules about the IOMMU as firmware offers it and the kernel uses it.

import type { Evidence, Finding } from '../../model/finding.ts';
import type { Platform } from '../../model/platform.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import { count, someOf } from '../wording.ts';

type Find = (id: FindingId, summary: string, facts: readonly Evidence[], todo?: string) => Finding;

/** All findings about the IOMMU of the server; those about the groups of a card's VFs are in iommu-groups.ts. */
export function checkIommu(input: DoctorInput): Finding[] {
  const { platform } = input;
  const find: Find = (id, summary, facts, todo) =>
    makeFinding(id, input.placeOf(), { summary, evidence: facts, todo });
  if (platform === undefined) {
    if (input.iommuInUse !== false) return [];
    const facts = [evidence('host.iommuGroupCount', 0)];
    return [find('iommu.dma-remapping.off', 'the kernel has no IOMMU group', facts)];
  }
  const noIommu =
    platform.iommu.noIommuMode === true
      ? [
          find('iommu.no-iommu-mode.on', 'vfio’s enable_unsafe_noiommu_mode is Y', [
            evidence('platform.iommu.noIommuMode', true),
          ]),
        ]
      : [];
  return [
    ...checkDmaRemapping(input, platform, find),
    ...checkDmarFlags(input, platform, find),
    ...(input.iommuInUse === true ? checkInterrupts(input, platform, find) : []),
    ...noIommu,
  ];
}

const guestTodo =
  'This host is a VM: give it an IOMMU on the machine below (libvirt: `<iommu model="intel"><driver intremap="on"/></iommu>`; ' +
  'QEMU: `-device intel-iommu,intremap=on`), and `intel_iommu=on` on its own kernel command line.';

function checkDmaRemapping(input: DoctorInput, platform: Platform, find: Find): Finding[] {
  const { firmware, iommu } = platform;
  const table = firmware.acpiTables?.find((name) => name === 'DMAR' || name === 'IVRS');
  const facts = [
    ...(firmware.acpiTables === undefined
      ? []
      : [evidence('platform.firmware.acpiTables', table ?? 'neither DMAR nor IVRS')]),
    evidence('platform.iommu.units', iommu.units.join(',')),
    evidence('host.iommuGroupCount', iommu.groups.length),
  ];
  if (input.iommuInUse === true) {
    const names = iommu.units.length === 0 ? '' : ` by ${someOf(iommu.units)}`;
    const on = find(
      'iommu.dma-remapping.on',
      `${count(iommu.groups.length, 'group')}${names}${domainsText(platform)}`,
      facts,
    );
    if (table === undefined) return [on];
    return [find('iommu.firmware.on', `the ACPI table ${table} is there`, facts.slice(0, 1)), on];
  }
  // DMAR and IVRS are tables of x86; other processors describe their IOMMU elsewhere.
  const isX86 = platform.processors.vendor !== 'other';
  if (isX86 && firmware.acpiTables !== undefined && table === undefined) {
    const summary = 'the ACPI tables hold neither DMAR nor IVRS, and the kernel has no IOMMU group';
    const todo = platform.processors.isGuest ? guestTodo : undefined;
    return [find('iommu.firmware.off', summary, facts, todo)];
  }
  const switchedOff = findOffSwitch(input);
  const offered = table === undefined ? '' : `firmware offers ${table}, but `;
  const cause = switchedOff === undefined ? '' : `: “${switchedOff}” is on the kernel command line`;
  const off = find(
    'iommu.dma-remapping.off',
    `${offered}the kernel has no IOMMU group that it uses${cause}`,
    [...facts, ...commandLineEvidence(input, platform)],
    switchedOff === undefined
      ? todoFor(input, platform)
      : `Remove \`${switchedOff}\` from the kernel command line and restart.`,
  );
  if (table === undefined) return [off];
  return [off, find('iommu.firmware.on', `the ACPI table ${table} is there`, facts.slice(0, 1))];
}

/** The parameter that keeps the kernel from using the IOMMU, as it is written. */
function findOffSwitch({ parameters }: DoctorInput): string | undefined {
  if (parameters === undefined) return undefined;
  if (parameters.has('iommu', 'off')) return 'iommu=off';
  for (const name of ['intel_iommu', 'amd_iommu']) {
    const options = parameters.values(name).flatMap((value) => value.split(','));
    // Among several the last of on and off holds (drivers/iommu/intel/iommu.c intel_iommu_setup).
    const last = options.filter((option) => option === 'on' || option === 'off').at(-1);
    if (last === 'off') return `${name}=off`;
  }
  return undefined;
}

function todoFor(input: DoctorInput, platform: Platform): string | undefined {
  const log = '`dmesg | grep -i -e DMAR -e IOMMU -e AMD-Vi` says what happened.';
  const { acpiTables } = platform.firmware;
  // The table tells whose IOMMU it is; the processor only where tables are not listed (QEMU pairs any with any).
  const isAmd = acpiTables === undefined ? platform.processors.vendor === 'amd' : acpiTables.includes('IVRS');
  const isIntel =
    acpiTables === undefined ? platform.processors.vendor === 'intel' : acpiTables.includes('DMAR');
  if (isAmd)
    return `The kernel uses an AMD IOMMU by itself when firmware describes it rightly: update the firmware. ${log}`;
  if (!isIntel) return undefined;
  const isAsked = input.parameters?.has('intel_iommu', 'on') === true;
  return isAsked
    ? `intel_iommu=on is there already: ${log}`
    : 'Add `intel_iommu=on iommu=pt` to the kernel command line and restart.';
}

/** Types of the groups' default domains with their numbers: `, domains: 40 identity, 12 DMA-FQ`. */
function domainsText({ iommu }: Platform): string {
  const numbers = new Map<string, number>();
  for (const { domain } of iommu.groups)
    if (domain !== undefined) numbers.set(domain, (numbers.get(domain) ?? 0) + 1);
  if (numbers.size === 0) return '';
  return `, domains: ${[...numbers].map(([domain, number]) => `${number} ${domain}`).join(', ')}`;
}

function checkDmarFlags(input: DoctorInput, { firmware, iommu }: Platform, find: Find): Finding[] {
  const { dmar } = firmware;
  if (dmar === undefined) return [];
  const findings: Finding[] = [];
  if (!dmar.interruptRemapping && iommu.interruptRemapping !== true)
    findings.push(
      find('iommu.dmar.no-interrupt-remapping', 'the flag INTR_REMAP of the ACPI table DMAR is clear', [
        evidence('platform.firmware.dmar.interruptRemapping', false),
      ]),
    );
  if (dmar.x2apicOptOut && input.parameters?.has('intremap', 'no_x2apic_optout') !== true)
    findings.push(
      find('iommu.dmar.x2apic-opt-out', 'the flag X2APIC_OPT_OUT of the ACPI table DMAR is set', [
        evidence('platform.firmware.dmar.x2apicOptOut', true),
      ]),
    );
  const set = (isSet: boolean): string => (isSet ? 'set' : 'clear');
  findings.push(
    find(
      'iommu.dmar.flags',
      `DMAR: ${count(dmar.unitCount, 'unit')}, INTR_REMAP ${set(dmar.interruptRemapping)}, X2APIC_OPT_OUT ` +
        `${set(dmar.x2apicOptOut)}, DMA protection ${set(dmar.dmaProtection)}`,
      [
        evidence('platform.firmware.dmar.unitCount', dmar.unitCount),
        evidence('platform.firmware.dmar.dmaProtection', dmar.dmaProtection),
      ],
    ),
  );
  return findings;
}

/**
 * vfio takes no device whose interrupts are not isolated, unless told so (drivers/vfio/vfio_iommu_type1.c
 * vfio_iommu_type1_attach_group). Chips named `IR-` are x86's; elsewhere the interrupt controller isolates.
 */
function checkInterrupts(input: DoctorInput, { iommu, processors }: Platform, find: Find): Finding[] {
  const { interruptRemapping, allowUnsafeInterrupts } = iommu;
  const unsafe = evidence('platform.iommu.allowUnsafeInterrupts', allowUnsafeInterrupts);
  if (processors.vendor === 'other' || interruptRemapping === undefined) return [];
  const remapping = evidence('platform.iommu.interruptRemapping', interruptRemapping);
  if (interruptRemapping) {
    const on = find('iommu.interrupt-remapping.on', 'chips in /proc/interrupts are named IR-', [remapping]);
    if (allowUnsafeInterrupts !== true) return [on];
    const summary = 'vfio_iommu_type1’s allow_unsafe_interrupts is Y, though interrupts are remapped';
    return [find('iommu.unsafe-interrupts.allowed', summary, [remapping, unsafe]), on];
  }
  const { parameters } = input;
  const switchedOff = [
    ...(parameters?.has('intremap', 'off') === true ? ['intremap=off'] : []),
    ...(parameters?.last('nointremap') === undefined ? [] : ['nointremap']),
  ];
  const cause = switchedOff.length === 0 ? '' : ` (“${switchedOff.join(' ')}” is on the kernel command line)`;
  const seen = `PCI interrupts in /proc/interrupts do not go through chips named IR-${cause}`;
  const todo =
    switchedOff.length === 0
      ? undefined
      : `Remove \`${switchedOff.join(' ')}\` from the kernel command line and restart.`;
  return allowUnsafeInterrupts === true
    ? [
        find('iommu.interrupt-remapping.bypassed', `${seen}, and allow_unsafe_interrupts is Y`, [
          remapping,
          unsafe,
        ]),
      ]
    : [find('iommu.interrupt-remapping.off', seen, [remapping, unsafe], todo)];
}

function commandLineEvidence(input: DoctorInput, { kernel }: Platform): Evidence[] {
  return input.parameters === undefined ? [] : [evidence('platform.kernel.commandLine', kernel.commandLine)];
}
