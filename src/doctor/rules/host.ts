// Owns the rules about a server apart from its NUMA nodes: processors, kernel, boot, programs.

import type { Finding } from '../../model/finding.ts';
import type { Platform } from '../../model/platform.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, moduleStateOf } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import type { FindingFacts } from '../finding.ts';
import { isAtLeast } from '../program-version.ts';

type Find = (id: FindingId, facts: FindingFacts) => Finding;

/** Exit latencies over this are felt by a VM that waits for packets; C1E has up to 10 µs, C6 from 85 µs up. */
const deepIdleUs = 50;

/** Less than any VM with a VF has. */
const smallestVmKb = 1024 * 1024;

/** All findings about the server itself; none without a platform. */
export function checkHost(input: DoctorInput): Finding[] {
  const { platform } = input;
  if (platform === undefined) return [];
  const find: Find = (id, facts) => makeFinding(id, input.placeOf(), facts);
  return [
    ...checkVirtualisation(input, platform, find),
    ...checkBoot(input, platform, find),
    ...checkPower(platform, find),
    ...checkVfio(platform, find),
    ...checkPrograms(input, platform, find),
  ];
}

function checkVirtualisation(input: DoctorInput, platform: Platform, find: Find): Finding[] {
  const { processors, kvm } = platform;
  const guest = processors.isGuest
    ? [
        find('host.guest', {
          summary: 'the processor has the flag “hypervisor”',
          evidence: [evidence('platform.processors.isGuest', true)],
        }),
      ]
    : [];
  const cpu = processors.modelName ?? `${processors.vendor} processor`;
  const facts = [
    evidence('platform.processors.virtualisation', processors.virtualisation),
    evidence('platform.kvm', kvm),
  ];
  if (kvm) {
    const extension = processors.virtualisation === 'none' ? '' : ` with ${processors.virtualisation}`;
    const there = find('host.kvm.there', {
      summary: `/dev/kvm is there, ${cpu}${extension}`,
      evidence: facts,
    });
    return [...guest, there];
  }
  // vmx and svm are x86's: nothing is said about other processors, nor when /proc/cpuinfo was not there.
  const isX86 = processors.vendor !== 'other';
  if (!isX86 || input.isUnread('platform.processors.vendor')) return guest;
  const isOff = processors.virtualisation === 'none';
  if (isOff) {
    const summary = `${cpu} shows neither vmx nor svm in /proc/cpuinfo`;
    const id = processors.isGuest ? 'host.virtualisation.guest' : 'host.virtualisation.off';
    return [...guest, find(id, { summary, evidence: facts })];
  }
  const module = processors.virtualisation === 'svm' ? 'kvm_amd' : 'kvm_intel';
  const state = moduleStateOf(platform, module);
  const where = state === undefined ? '' : `; module ${module} is ${stateTexts[state]}`;
  return [
    ...guest,
    find('host.virtualisation.on', {
      summary: `${cpu} offers ${processors.virtualisation}`,
      evidence: facts,
    }),
    find(processors.isGuest ? 'host.kvm.absent-in-guest' : 'host.kvm.absent', {
      summary: `/dev/kvm is not there, though the processor offers ${processors.virtualisation}${where}`,
      evidence: facts,
      todo:
        state === 'absent'
          ? `Install the whole set of modules of this kernel: ${module} is not on the disk.`
          : `\`modprobe ${module}\`, and name it in /etc/modules-load.d/kvm.conf. When that fails, \`dmesg | grep -i kvm\` says why.`,
    }),
  ];
}

const stateTexts = {
  builtin: 'built in',
  loaded: 'loaded',
  available: 'on the disk, not loaded',
  absent: 'not on the disk',
} as const;

function checkBoot(input: DoctorInput, { kernel, firmware }: Platform, find: Find): Finding[] {
  const findings: Finding[] = [];
  const { lockdown } = kernel;
  if (lockdown !== undefined) {
    findings.push(
      find(lockdown === 'none' ? 'host.lockdown.off' : 'host.lockdown.on', {
        summary: `kernel lockdown is “${lockdown}”`,
        evidence: [evidence('platform.kernel.lockdown', lockdown)],
      }),
    );
  }
  const { secureBoot, tpm } = firmware;
  if (secureBoot !== undefined) {
    findings.push(
      find(secureBoot ? 'host.secure-boot.on' : 'host.secure-boot.off', {
        summary: `the UEFI variable SecureBoot is ${secureBoot ? 1 : 0}`,
        evidence: [evidence('platform.firmware.secureBoot', secureBoot)],
      }),
    );
  }
  if (tpm !== undefined) {
    const { majorVersion, pcrBanks } = tpm;
    const isWeak = majorVersion === 1 || (pcrBanks.length > 0 && pcrBanks.every((bank) => bank === 'sha1'));
    const banks = pcrBanks.length === 0 ? 'banks of PCRs unknown' : `PCR banks ${pcrBanks.join(', ')}`;
    findings.push(
      find(isWeak ? 'host.tpm.weak' : 'host.tpm.there', {
        summary: `TPM ${majorVersion === undefined ? 'of unknown version' : majorVersion === 1 ? '1.2' : `${majorVersion}.0`}, ${banks}`,
        evidence: [evidence('platform.firmware.tpm.pcrBanks', pcrBanks.join(','))],
      }),
    );
  } else if (!input.isUnread('platform.firmware.tpm')) {
    findings.push(
      find('host.tpm.absent', {
        summary: 'no TPM in /sys/class/tpm',
        evidence: [evidence('platform.firmware.tpm')],
      }),
    );
  }
  return findings;
}

function checkPower({ processors }: Platform, find: Find): Finding[] {
  const findings: Finding[] = [];
  const { governors, deepestIdle } = processors;
  if (governors.length > 0) {
    const isSaving = governors.some((governor) => governor !== 'performance');
    findings.push(
      find(isSaving ? 'host.governor.saving' : 'host.governor.performance', {
        summary: `frequency governor ${governors.join(', ')}`,
        evidence: [evidence('platform.processors.governors', governors.join(','))],
      }),
    );
  }
  if (deepestIdle !== undefined) {
    const { name, exitLatencyUs } = deepestIdle;
    findings.push(
      find(exitLatencyUs > deepIdleUs ? 'host.idle.deep' : 'host.idle.shallow', {
        summary: `deepest idle state ${name}, ${exitLatencyUs} µs to come back`,
        evidence: [evidence('platform.processors.deepestIdle.exitLatencyUs', exitLatencyUs)],
      }),
    );
  }
  return findings;
}

function checkVfio(platform: Platform, find: Find): Finding[] {
  const findings: Finding[] = [];
  const state = moduleStateOf(platform, 'vfio-pci');
  if (state !== undefined) {
    findings.push(
      find(state === 'absent' ? 'host.vfio.absent' : 'host.vfio.there', {
        summary: `module vfio-pci is ${stateTexts[state]}`,
        evidence: [evidence('platform.kernel.modules.vfio-pci', state)],
      }),
    );
  }
  const { iommufd } = platform.iommu;
  const { qemu } = platform.programs;
  const facts = [evidence('platform.iommu.iommufd', iommufd)];
  if (iommufd) findings.push(find('host.iommufd.there', { summary: '/dev/iommu is there', evidence: facts }));
  else if (qemu !== undefined && isAtLeast(qemu, '9.0'))
    findings.push(
      find('host.iommufd.absent', {
        summary: `/dev/iommu is not there, and QEMU ${qemu} could use it`,
        evidence: [...facts, evidence('platform.programs.qemu', qemu)],
      }),
    );
  return findings;
}

function checkPrograms(input: DoctorInput, { programs, lockedMemoryKb }: Platform, find: Find): Finding[] {
  const findings: Finding[] = [];
  const { qemu, libvirt } = programs;
  if (qemu !== undefined) {
    const abilities = [
      ...(isAtLeast(qemu, '4.2') ? ['failover pairs'] : []),
      ...(isAtLeast(qemu, '8.1') ? ['migration of VFs whose driver can'] : []),
      ...(isAtLeast(qemu, '9.0') ? ['iommufd'] : []),
    ];
    findings.push(
      find(isAtLeast(qemu, '4.2') ? 'host.qemu.capable' : 'host.qemu.old', {
        summary: `QEMU ${qemu}${abilities.length === 0 ? '' : `: ${abilities.join(', ')}`}`,
        evidence: [evidence('platform.programs.qemu', qemu)],
      }),
    );
  } else if (!input.isUnread('platform.programs.qemu')) {
    findings.push(
      find('host.qemu.absent', {
        summary: 'no QEMU found',
        evidence: [evidence('platform.programs.qemu')],
      }),
    );
  }
  if (libvirt !== undefined) {
    const isCapable = isAtLeast(libvirt, '6.1');
    findings.push(
      find(isCapable ? 'host.libvirt.capable' : 'host.libvirt.old', {
        summary: `libvirt ${libvirt}${isCapable ? ': failover pairs (<teaming>)' : ''}`,
        evidence: [evidence('platform.programs.libvirt', libvirt)],
      }),
    );
    return findings;
  }
  if (input.isUnread('platform.programs.libvirt')) return findings;
  findings.push(
    find('host.libvirt.absent', {
      summary: 'no libvirt found',
      evidence: [evidence('platform.programs.libvirt')],
    }),
  );
  // With libvirt the limit of our own shell says nothing: it raises that of each VM itself.
  if (lockedMemoryKb !== undefined && lockedMemoryKb < smallestVmKb) {
    findings.push(
      find('host.locked-memory.low', {
        summary: `at most ${lockedMemoryKb} KB may be locked, and there is no libvirt to raise that`,
        evidence: [evidence('platform.lockedMemoryKb', lockedMemoryKb)],
      }),
    );
  }
  return findings;
}
