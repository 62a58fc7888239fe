// Owns the MAC address of a VF that is given to a VM: derived so that it stays the same, and nobody else's.

import { createHash } from 'node:crypto';
import { VfleetError } from '../base/errors.ts';
import { hex, isMulticastMac, parseMacAddress, zeroMacAddress } from '../base/identifiers.ts';
import type { MacAddress } from '../base/identifiers.ts';
import type { Link } from '../kernel/rtnetlink/link.ts';
import type { Lease } from '../model/lease.ts';
import type { Pf } from '../model/pf.ts';
import type { Vm } from '../model/vm.ts';
import { quoted } from './wording.ts';

const macBytes = 6;
/** IEEE 802: bit 0 of the first byte means a group, bit 1 that no manufacturer gave the address out. */
const groupBit = 0x01;
const localBit = 0x02;
/** A VM with more VFs on one network than a host has. */
const maxOrdinal = 4096;

/**
 * The address of a VM's VF on a network: locally administered, unicast, the same on every host and at every time.
 * `owner` is the VM's UUID; `ordinal` counts its VFs on that network from 0.
 */
export function deriveMac(owner: string, network: string, ordinal: number): MacAddress {
  // JSON keeps the parts apart, whatever is in them.
  const digest = createHash('sha256')
    .update(JSON.stringify(['vfleet-vm-mac', owner, network, ordinal]))
    .digest();
  const bytes = [...digest.subarray(0, macBytes)];
  bytes[0] = ((bytes[0] ?? 0) & ~groupBit) | localBit;
  return bytes.map((byte) => hex(byte, 2)).join(':') as MacAddress;
}

/** Who has which address, as `lease of web-1`, by address. */
export type MacUsers = ReadonlyMap<string, string>;

/** PFs with their VFs, and interfaces that need not be theirs. */
export interface Addressed {
  readonly pfs: readonly Pf[];
  readonly links: readonly Pick<Link, 'name' | 'attributes'>[];
}

/** Collects the addresses of the host's interfaces, PFs, VFs, leases and VMs. */
export function listMacUsers(
  { pfs, links }: Addressed,
  vms: readonly Vm[],
  leases: readonly Lease[],
): MacUsers {
  const users = new Map<string, string>();
  const add = (text: string | undefined, user: string): void => {
    const mac = text === undefined ? undefined : parseMacAddress(text);
    if (mac !== undefined && mac !== zeroMacAddress) users.set(mac, user);
  };
  for (const { name, attributes } of links) add(attributes.address, `interface ${quoted(name)}`);
  for (const pf of pfs) {
    for (const { name, mac } of pf.netdevs) add(mac, `interface ${name}`);
    for (const { index, settings, netdevMac } of pf.vfs) {
      add(netdevMac, `VF ${index} of ${pf.address}`);
      add(settings.mac, `VF ${index} of ${pf.address}`);
    }
  }
  for (const vm of vms)
    for (const { mac } of [...vm.nics, ...vm.storedNics]) add(mac, `VM ${quoted(vm.name)}`);
  for (const { key, owner, settings, giveBack } of leases) {
    add(giveBack.settings.mac, `VF ${key.vf} of ${key.pf} when it is free again`);
    add(settings.mac, `VF ${key.vf} of ${key.pf}, leased to ${quoted(owner.name)}`);
  }
  return users;
}

/** The given address, or the first derived one that is free. Throws `mac.in-use`, and `usage.invalid` for none at all. */
export function chooseMac(
  given: string | undefined,
  owner: string,
  network: string,
  users: MacUsers,
): MacAddress {
  if (given !== undefined) return checkGiven(given, users);
  for (let ordinal = 0; ordinal < maxOrdinal; ordinal++) {
    const mac = deriveMac(owner, network, ordinal);
    if (!users.has(mac)) return mac;
  }
  throw new VfleetError('mac.in-use', `none of ${maxOrdinal} derived MAC addresses is free`);
}

function checkGiven(given: string, users: MacUsers): MacAddress {
  const mac = parseMacAddress(given);
  if (mac === undefined || mac === zeroMacAddress || isMulticastMac(mac))
    throw new VfleetError('usage.invalid', `${quoted(given)} is no MAC address of an interface`);
  const user = users.get(mac);
  if (user !== undefined) throw new VfleetError('mac.in-use', `MAC address ${mac} is in use by ${user}`);
  return mac;
}
