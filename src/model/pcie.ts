// Owns what lies between a card and the root of its PCIe tree, and how it moves data.
// Schemas only; nothing here reads or changes a host.

import { z } from 'zod';

/** PCIe link; speeds in GT/s per lane, widths in lanes. */
export const PcieLink = z.strictObject({
  currentSpeedGTps: z.number().optional(),
  currentWidth: z.int().optional(),
  maxSpeedGTps: z.number().optional(),
  maxWidth: z.int().optional(),
});
export type PcieLink = z.infer<typeof PcieLink>;

/** Controls of Access Control Services, by the names of PCIe 6.0, 7.7.11. */
export const AcsControl = z.enum([
  'sourceValidation',
  'translationBlocking',
  'requestRedirect',
  'completionRedirect',
  'upstreamForwarding',
  'egressControl',
  'directTranslated',
]);
export type AcsControl = z.infer<typeof AcsControl>;

/** One device on the way from a card to the root, the card itself first. */
export const PcieDevice = z.strictObject({
  /** `0000:00:1c.0` */
  address: z.string(),
  vendorId: z.string(),
  deviceId: z.string(),
  kind: z.enum(['endpoint', 'root-port', 'upstream-port', 'downstream-port', 'bridge', 'other']),
  link: PcieLink.optional(),
  /** Absent: no ACS capability, or configuration space beyond 256 bytes cannot be read (then it is in `unread`). */
  acs: z.strictObject({ capable: z.array(AcsControl), enabled: z.array(AcsControl) }).optional(),
  /** Device control: largest payload of a write, and of a read that is asked for; what the device could do. */
  maxPayloadBytes: z.int().optional(),
  maxPayloadSupportedBytes: z.int().optional(),
  maxReadRequestBytes: z.int().optional(),
  /** Other endpoints below this bridge: they share its link. Addresses; without the card's own functions and VFs. */
  alsoBelow: z.array(z.string()),
});
export type PcieDevice = z.infer<typeof PcieDevice>;
