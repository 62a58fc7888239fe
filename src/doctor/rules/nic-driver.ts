// Owns the rules about whether there is a card at all, its drivers, firmware and health.

import type { Finding } from '../../model/finding.ts';
import type { Pf } from '../../model/pf.ts';
import type { DoctorInput } from '../doctor-input.ts';
import { evidence, factOf, moduleStateOf } from '../doctor-input.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { makeFinding } from '../finding.ts';
import type { FindingFacts } from '../finding.ts';
import { someOf } from '../wording.ts';

/** The blocker of a host without any card. */
export function checkPresence(input: DoctorInput): Finding[] {
  if (input.snapshot.pfs.length > 0 || input.isUnread('pfs')) return [];
  const { parameters } = input;
  // Without it configuration space beyond 256 bytes, where the capability is, cannot be reached.
  const isHidden = parameters?.has('pci', 'nommconf') === true;
  return [
    makeFinding('nic.none', input.placeOf(), {
      summary: isHidden
        ? 'no PF found; “nommconf” stands in pci= on the kernel command line and hides the SR-IOV capability'
        : 'no PCI network device has sriov_totalvfs in sysfs',
      evidence: [evidence('pfs', 0)],
      todo: isHidden ? 'Remove `nommconf` from `pci=` on the kernel command line and restart.' : undefined,
    }),
  ];
}

type Find = (id: FindingId, facts: FindingFacts) => Finding;

/** Findings about the software in and around a card. */
export function checkDriver(input: DoctorInput, pf: Pf): Finding[] {
  const find: Find = (id, facts) => makeFinding(id, input.placeOf(pf), facts);
  return [
    ...checkBoundDriver(input, pf, find),
    ...checkVfDriver(input, pf, find),
    ...checkFirmware(pf, find),
  ];
}

function checkBoundDriver(input: DoctorInput, pf: Pf, find: Find): Finding[] {
  const fact = factOf(pf, 'driver');
  const card = input.cardOf(pf);
  const name = card?.name ?? pf.vpd?.product;
  const what = name === undefined ? '' : ` (${name})`;
  if (pf.driver === undefined) {
    if (input.isUnread(fact)) return [];
    const state =
      card === undefined || input.platform === undefined
        ? undefined
        : moduleStateOf(input.platform, card.pfDriver);
    const module = card === undefined ? '' : `; its driver is ${card.pfDriver}`;
    return [
      find('nic.driver.none', {
        summary: `no driver is bound to the PF${what}${module}${state === 'absent' ? ', which is not on the disk' : ''}`,
        evidence: [evidence(fact)],
        todo:
          card === undefined
            ? undefined
            : state === 'absent'
              ? `Install the whole set of modules of this kernel: ${card.pfDriver} is missing.`
              : `\`modprobe ${card.pfDriver}\`; when it does not take the card, \`dmesg | grep ADDRESS\` says why.`,
      }),
    ];
  }
  const facts = [evidence(fact, pf.driver)];
  if (pf.driver === 'vfio-pci')
    return [find('nic.driver.vfio', { summary: `the PF is bound to ${pf.driver}${what}`, evidence: facts })];
  return [find('nic.driver.there', { summary: `driver ${pf.driver}${what}`, evidence: facts })];
}

function checkVfDriver(input: DoctorInput, pf: Pf, find: Find): Finding[] {
  const driver = input.cardOf(pf)?.vfDriver;
  if (driver === undefined || input.platform === undefined) return [];
  if (moduleStateOf(input.platform, driver) !== 'absent') return [];
  return [
    find('nic.vf-driver.absent', {
      summary: `module ${driver} of the VFs is not on the disk`,
      evidence: [evidence(`platform.kernel.modules.${driver}`, 'absent')],
    }),
  ];
}

function checkFirmware(pf: Pf, find: Find): Finding[] {
  const findings: Finding[] = [];
  const { driverVersion, firmware, devlink } = pf;
  if (driverVersion !== undefined || firmware !== undefined) {
    findings.push(
      find('nic.versions', {
        summary: [
          ...(driverVersion === undefined ? [] : [`driver ${driverVersion}`]),
          ...(firmware === undefined ? [] : [`firmware ${firmware}`]),
        ].join(', '),
        evidence: [
          evidence(factOf(pf, 'driverVersion'), driverVersion),
          evidence(factOf(pf, 'firmware'), firmware),
        ],
      }),
    );
  }
  if (devlink === undefined) return findings;
  const { running, stored } = devlink.versions;
  const waiting = Object.entries(stored).filter(
    ([component, version]) => running[component] !== undefined && running[component] !== version,
  );
  if (waiting.length > 0) {
    const texts = waiting.map(
      ([component, version]) => `${component} ${running[component]} runs, ${version} is stored`,
    );
    findings.push(
      find('nic.firmware.waiting', {
        summary: someOf(texts),
        evidence: waiting.map(([component, version]) =>
          evidence(factOf(pf, `devlink.versions.stored.${component}`), version),
        ),
      }),
    );
  }
  const broken = devlink.healthReporters.filter(({ state }) => state === 'error');
  if (broken.length > 0) {
    findings.push(
      find('nic.health.error', {
        summary: `in error: ${someOf(broken.map(({ name, errorCount }) => `${name} (${errorCount} times)`))}`,
        evidence: broken.map(({ name, state }) =>
          evidence(factOf(pf, `devlink.healthReporters.${name}`), state),
        ),
      }),
    );
  }
  return findings;
}

/** Cards of one kind with different firmware: one finding for each kind. */
export function checkFirmwareOfAll(input: DoctorInput): Finding[] {
  const kinds = new Map<string, Pf[]>();
  for (const pf of input.snapshot.pfs) {
    if (pf.firmware === undefined || pf.deviceId === undefined) continue;
    const key = [pf.vendorId, pf.deviceId, pf.subsystemVendorId, pf.subsystemDeviceId].join(':');
    kinds.set(key, [...(kinds.get(key) ?? []), pf]);
  }
  return [...kinds.values()].flatMap((pfs) => {
    const versions = new Map<string, string[]>();
    for (const { firmware = '', address } of pfs)
      versions.set(firmware, [...(versions.get(firmware) ?? []), address]);
    if (versions.size < 2) return [];
    return [
      makeFinding('nic.firmware.mixed', input.placeOf(pfs[0]), {
        summary: [...versions].map(([version, addresses]) => `${version} on ${someOf(addresses)}`).join('; '),
        evidence: pfs.map((pf) => evidence(factOf(pf, 'firmware'), pf.firmware)),
      }),
    ];
  });
}
