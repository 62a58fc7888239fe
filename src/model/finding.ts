// Owns what `vfleet doctor` says: findings about a host and its cards, and the report that holds them.
// Schemas only; the kinds of findings and the rules behind them are in src/doctor.

import { z } from 'zod';

/**
 * What a finding means.
 * - `blocker`: no VM can get a VF of the subject as things stand.
 * - `warning`: it works, but unsafely, slower than the hardware could, or not the way somebody would expect.
 * - `unknown`: a fact could not be read, so nothing is said about it; `reason` tells why.
 * - `advice`: worth knowing or changing when the best is wanted.
 * - `ok`: looked at and found good.
 */
export const Severity = z.enum(['blocker', 'warning', 'unknown', 'advice', 'ok']);
export type Severity = z.infer<typeof Severity>;

export const FindingGroup = z.enum(['host', 'iommu', 'nic', 'pcie', 'network', 'validated']);
export type FindingGroup = z.infer<typeof FindingGroup>;

/** A fact that a finding rests on. */
export const Evidence = z.strictObject({
  /**
   * Its path in the snapshot, `platform.firmware.dmar.unitCount`, `pfs.0000:01:00.0.sriov.totalVfs`; members of lists by their
   * address, name or number.
   */
  fact: z.string(),
  /** As it was read; absent: the fact is not there, and that is what the finding is about. */
  value: z.union([z.string(), z.number(), z.boolean()]).optional(),
});
export type Evidence = z.infer<typeof Evidence>;

export const Finding = z.strictObject({
  /** Stable name of the kind of finding, `iommu.dma-remapping.off`; docs/findings.md documents each. */
  id: z.string(),
  severity: Severity,
  group: FindingGroup,
  /** `host`, or the address of a PF. */
  subject: z.string(),
  /** One line: what was read, with its values. */
  summary: z.string(),
  /** Why it matters. */
  why: z.string(),
  /** The exact thing to do; absent when there is nothing to do. */
  todo: z.string().optional(),
  /** Of `unknown`: why the fact could not be read, `needs root`. */
  reason: z.string().optional(),
  evidence: z.array(Evidence),
});
export type Finding = z.infer<typeof Finding>;

/** Raised when a field changes its meaning or goes; a new optional field does not raise it. */
export const doctorReportVersion = 1;

/**
 * - `usable`: nothing stands in the way of SR-IOV.
 * - `partly`: something blocks one card, another can be used.
 * - `blocked`: something blocks the host, or every card.
 * - `undecided`: nothing that was read blocks it, but what decides was not read.
 */
export const Verdict = z.enum(['usable', 'partly', 'blocked', 'undecided']);
export type Verdict = z.infer<typeof Verdict>;

export const DoctorReport = z.strictObject({
  apiVersion: z.literal('vfleet/v1'),
  kind: z.literal('DoctorReport'),
  reportVersion: z.literal(doctorReportVersion),
  host: z.strictObject({ name: z.string(), kernelRelease: z.string() }),
  /** When the facts were read (RFC 3339, UTC). */
  takenAt: z.string(),
  verdict: Verdict,
  /** Number of findings of each severity. */
  counts: z.strictObject({
    blocker: z.int(),
    warning: z.int(),
    unknown: z.int(),
    advice: z.int(),
    ok: z.int(),
  }),
  /** The worst first. */
  findings: z.array(Finding),
});
export type DoctorReport = z.infer<typeof DoctorReport>;
