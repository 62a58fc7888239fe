// Owns the course of a diagnosis: all rules over one snapshot, the worst finding first, and the verdict.
// Pure: a snapshot in, a report out.

import type { DoctorReport, Finding, FindingGroup, Severity, Verdict } from '../model/finding.ts';
import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ListWithLines } from '../validated/match.ts';
import type { DoctorInput } from './doctor-input.ts';
import { readDoctorInput } from './doctor-input.ts';
import { hostSubject } from './finding.ts';
import { checkHost } from './rules/host.ts';
import { checkIommuGroups } from './rules/iommu-groups.ts';
import { checkIommu } from './rules/iommu.ts';
import { checkKernelParameters } from './rules/kernel-parameters.ts';
import { checkLldp, checkNetwork } from './rules/network.ts';
import { checkCapability } from './rules/nic-capability.ts';
import { checkDriver, checkFirmwareOfAll, checkPresence } from './rules/nic-driver.ts';
import { checkPartitions, checkPort } from './rules/nic-port.ts';
import { checkHugepagesAtAll, checkNuma } from './rules/numa.ts';
import { checkPath } from './rules/pcie-devices.ts';
import { checkLinks } from './rules/pcie-links.ts';
import { checkUnread } from './rules/unread.ts';
import { checkValidated } from './rules/validated.ts';

/** Written out, not imported: the schema's library is not needed for judging a host. */
const doctorReportVersion = 1;

/** From the worst on. */
export const severities: readonly Severity[] = ['blocker', 'warning', 'unknown', 'advice', 'ok'];
/** In the order in which a host is understood. */
export const findingGroups: readonly FindingGroup[] = [
  'host',
  'iommu',
  'nic',
  'pcie',
  'network',
  'validated',
];

type HostRule = (input: DoctorInput) => readonly Finding[];
type PfRule = (input: DoctorInput, pf: Pf) => readonly Finding[];

const hostRules: readonly HostRule[] = [
  checkUnread,
  checkHost,
  checkHugepagesAtAll,
  checkIommu,
  checkKernelParameters,
  checkPresence,
  checkFirmwareOfAll,
  checkPartitions,
  checkLinks,
  checkLldp,
];

const pfRules: readonly PfRule[] = [
  checkNuma,
  checkIommuGroups,
  checkCapability,
  checkDriver,
  checkPort,
  checkPath,
  checkNetwork,
];

export interface DoctorOptions {
  /** The organisation's list to hold the host against. */
  readonly validated?: ListWithLines | undefined;
}

/** Judges a host by its snapshot. Never fails: what is not known is a finding of severity `unknown`. */
export function runDoctor(snapshot: Snapshot, options: DoctorOptions = {}): DoctorReport {
  const input = readDoctorInput(snapshot);
  const { validated } = options;
  const findings = [
    ...hostRules.flatMap((rule) => rule(input)),
    ...snapshot.pfs.flatMap((pf) => pfRules.flatMap((rule) => rule(input, pf))),
    ...(validated === undefined ? [] : checkValidated(input, validated)),
  ].sort(compareFindings);
  return {
    apiVersion: 'vfleet/v1',
    kind: 'DoctorReport',
    reportVersion: doctorReportVersion,
    host: { name: snapshot.host.name, kernelRelease: snapshot.host.kernelRelease },
    takenAt: snapshot.takenAt,
    verdict: judge(snapshot, findings),
    counts: countSeverities(findings),
    findings,
  };
}

/** By severity, then group, then subject; findings that are equal in these stay in the order of the rules. */
function compareFindings(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    findingGroups.indexOf(a.group) - findingGroups.indexOf(b.group) ||
    compareText(rankOfSubject(a.subject), rankOfSubject(b.subject))
  );
}

/** The host comes before its cards. */
function rankOfSubject(subject: string): string {
  return subject === hostSubject ? '' : subject;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function judge({ pfs, platform }: Snapshot, findings: readonly Finding[]): Verdict {
  const blocked = new Set(
    findings.filter(({ severity }) => severity === 'blocker').map(({ subject }) => subject),
  );
  if (blocked.has(hostSubject)) return 'blocked';
  if (blocked.size > 0) return pfs.every(({ address }) => blocked.has(address)) ? 'blocked' : 'partly';
  return platform === undefined ? 'undecided' : 'usable';
}

function countSeverities(findings: readonly Finding[]): DoctorReport['counts'] {
  const counts = { blocker: 0, warning: 0, unknown: 0, advice: 0, ok: 0 };
  for (const { severity } of findings) counts[severity]++;
  return counts;
}
