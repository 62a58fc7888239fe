// Owns the settings that a spec can give, to VFs and to networks alike: their ranges, and what editors say of them.

import { z } from 'zod';
import { LinkState, VlanProtocol } from './vf.ts';

/** A VLAN tag is 12 bits, 4095 is reserved (IEEE 802.1Q); 0 means untagged. */
export const maxVlan = 4094;
/** 3 bits of priority (IEEE 802.1Q). */
const maxQos = 7;
/** IFLA_VF_RATE holds 32 bits; drivers read them as signed (include/linux/netdevice.h, ndo_set_vf_rate takes int). */
const maxRateMbps = 0x7fffffff;
/** The smallest MTU that IPv4 can live with (RFC 791), and the most that the kernel's 16-bit users can name. */
const minMtu = 68;
const maxMtu = 65535;

export const MtuSpec = z.int().min(minMtu).max(maxMtu);

/** Settings of a VF but its address, each optional. */
export const settingSpecs = {
  vlan: z.int().min(0).max(maxVlan).optional().describe('VLAN the card tags the VF with; 0 means untagged.'),
  qos: z
    .int()
    .min(0)
    .max(maxQos)
    .optional()
    .describe('Priority (PCP) in the tag, 0 to 7; above 0 it needs a VLAN other than 0.'),
  vlanProtocol: VlanProtocol.optional().describe('Ethertype of the tag; 802.1ad needs a VLAN other than 0.'),
  minTxRateMbps: z
    .int()
    .min(0)
    .max(maxRateMbps)
    .optional()
    .describe('Guaranteed transmit rate in Mbit/s; 0 means none.'),
  maxTxRateMbps: z
    .int()
    .min(0)
    .max(maxRateMbps)
    .optional()
    .describe('Highest transmit rate in Mbit/s; 0 means unlimited.'),
  spoofCheck: z
    .boolean()
    .optional()
    .describe('Whether the card drops what the VF sends from a source address that is not its own.'),
  trust: z
    .boolean()
    .optional()
    .describe('Whether the VF may change its address, receive everything, and more, depending on the card.'),
  linkState: LinkState.optional().describe(
    'Link that the VF sees: auto follows the port, enable is always up, disable always down.',
  ),
};
