// Owns the spec: the YAML file in which a user says what a host's PFs and VFs shall be.
// The shape of the file only; rules between values, and what they mean on a given host, are src/spec's.

import { z } from 'zod';
import { Network, NetworkName } from './network.ts';
import { EswitchMode } from './pf.ts';
import { MtuSpec, settingSpecs } from './setting-spec.ts';

/** A VF index that no card reaches: SR-IOV's NumVFs is 16 bits (PCIe Base Specification, SR-IOV capability). */
export const maxVfs = 65535;
/** NUMA nodes of a Linux kernel: 2 to the power of CONFIG_NODES_SHIFT, which is 10 at most. */
const maxNumaNode = 1023;

const linuxName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const macOrAuto = /^(auto|[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5})$/;

/** In the place of a MAC address: one that vfleet derives from host, PF and VF index. */
export const autoMac = 'auto';

/**
 * What one VF, a range of VFs or all VFs shall be. What is absent is left alone.
 * `driver`: a Linux driver's name, `kernel` for the VF's usual one, `none` for no driver.
 * `mac`: an address, or `auto` for a stable one derived from host, PF and index.
 */
export const VfSpec = z
  .strictObject({
    driver: z
      .string()
      .regex(linuxName, 'is no name of a Linux driver')
      .optional()
      .describe(
        'Driver of the VF: the name of a Linux driver (igbvf, vfio-pci), kernel for the usual one, or none.',
      ),
    mac: z
      .string()
      .regex(macOrAuto, 'is no MAC address such as 52:54:00:aa:00:01, and not auto')
      .optional()
      .describe(
        'Address of the VF, unicast and not zero, or auto for a stable one derived from host, PF and VF index. ' +
          'An address can be given to one VF only; default and ranges take auto.',
      ),
    ...settingSpecs,
  })
  .describe('Settings of VFs; what is absent is left alone.');
export type VfSpec = z.infer<typeof VfSpec>;
export type VfSpecKey = keyof VfSpec;

/** All that are given must hold. `name` is a convenience: interface names can change with an upgrade. */
export const PfMatch = z
  .strictObject({
    address: z
      .string()
      .optional()
      .describe(
        'PCI address (0000:01:00.0), or bus/device for a PF that is no PCI device (netdevsim/netdevsim1).',
      ),
    name: z
      .string()
      .min(1)
      .optional()
      .describe('Name of a network interface of the PF; names can change with an upgrade.'),
    driver: z
      .string()
      .regex(linuxName, 'is no name of a Linux driver')
      .optional()
      .describe('Driver that the PF is bound to.'),
    id: z
      .string()
      .regex(/^[0-9a-fA-F]{4}:[0-9a-fA-F]{4}$/, 'is no PCI ID such as 8086:10c9')
      .optional()
      .describe('PCI vendor and device ID of the PF, for example 8086:10c9.'),
    numa: z.int().min(0).max(maxNumaNode).optional().describe('NUMA node of the PF.'),
  })
  .refine(
    (match) => Object.keys(match).length > 0,
    'is empty; give at least one of address, name, driver, id and numa',
  )
  .describe('Which PF is meant; at least one key, and all that are given must hold.');
export type PfMatch = z.infer<typeof PfMatch>;

/** `count`, `default`, and a key per VF index (`"3"`) or range of them (`"0-2"`). */
export const VfsSpec = z
  .object({
    count: z
      .int()
      .min(0)
      .max(maxVfs)
      .optional()
      .describe('How many VFs the PF shall have; absent: as many as there are.'),
    default: VfSpec.optional().describe(
      'Settings of every VF of the PF, unless a VF or range says otherwise.',
    ),
  })
  .catchall(VfSpec)
  .describe('The VFs of the PF: count, default, and a key per VF index ("3") or range of them ("0-2").');
export type VfsSpec = z.infer<typeof VfsSpec>;

export const PfSpec = z
  .strictObject({
    match: PfMatch,
    expect: z
      .int()
      .min(1)
      .max(maxVfs)
      .optional()
      .describe('How many PFs the match shall find, all of which become alike; absent: 1.'),
    mtu: MtuSpec.optional().describe("MTU of the PF's interface in bytes."),
    up: z.boolean().optional().describe("Whether the PF's interface is administratively up."),
    eswitch: EswitchMode.optional().describe('Mode of the embedded switch (devlink).'),
    networks: z
      .array(NetworkName)
      .optional()
      .describe(
        'Networks that the port of the PF reaches. With them, the VFs that vfs does not name one by one are for VMs.',
      ),
    vfs: VfsSpec.optional(),
  })
  .describe('One PF, or several that shall be alike; what is absent is left alone.');
export type PfSpec = z.infer<typeof PfSpec>;

export const HostSpec = z
  .strictObject({
    apiVersion: z.literal('vfleet/v1').describe('Version of this format.'),
    kind: z.literal('Host').describe('What the file describes.'),
    networks: z.array(Network).optional().describe('Networks that VMs are connected to, by name.'),
    pfs: z.array(PfSpec).describe('The PFs; those that are not named are left alone.'),
  })
  .describe("What a host's SR-IOV PFs and VFs shall be.");
export type HostSpec = z.infer<typeof HostSpec>;
