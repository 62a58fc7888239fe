// Owns the addresses that VFs get: which are taken on the host, and which one `mac: auto` stands for.
// Pure: the same host and spec give the same addresses, at every boot.

import { hash } from 'node:crypto';
import { type MacAddress, parseMacAddress, zeroMacAddress } from '../base/identifiers.ts';
import type { Lease } from '../model/lease.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { autoMac } from '../model/spec.ts';
import type { Vf } from '../model/vf.ts';
import { pathOfSetting, type PfDraft, type VfDraft } from './pf-draft.ts';
import type { Report } from './problem.ts';
import { printable } from './wording.ts';

export type ChosenMacs = ReadonlyMap<VfDraft, MacAddress>;

interface MacWish {
  readonly draft: PfDraft;
  readonly vf: VfDraft;
}

/** What a spec is laid over, as far as addresses are concerned. */
export interface AddressGround {
  readonly snapshot: Pick<Snapshot, 'host' | 'pfs'>;
  readonly leases: readonly Lease[];
}

/**
 * The address of each VF for which the drafts say `mac`. An address that stays with a PF or VF which the spec does not
 * change goes to `report`; `auto` avoids it.
 */
export function chooseMacs(drafts: readonly PfDraft[], ground: AddressGround, report: Report): ChosenMacs {
  const { snapshot } = ground;
  const staying = stayingMacs(drafts, ground);
  const chosen = new Map<VfDraft, MacAddress>();
  const wishes: MacWish[] = drafts.flatMap((draft) =>
    draft.vfs.filter((vf) => vf.settings.mac !== undefined).map((vf) => ({ draft, vf })),
  );
  for (const { draft, vf } of wishes) {
    const mac = parseMacAddress(vf.settings.mac ?? '');
    if (mac === undefined) continue;
    const holder = staying.get(mac);
    if (holder !== undefined) {
      report(pathOfSetting(draft, vf.range, 'mac'), `${mac} is the address of ${holder}, which keeps it`);
    }
    chosen.set(vf, mac);
  }
  const taken = new Set<string>([...staying.keys(), ...chosen.values()]);
  const hostId = snapshot.host.machineId ?? snapshot.host.name;
  // By VF and not as the file has them: should two addresses ever meet, moving an entry must not swap them.
  const autos = wishes.filter(({ vf }) => vf.settings.mac === autoMac);
  autos.sort((a, b) => compareText(a.draft.pf.address, b.draft.pf.address) || a.vf.index - b.vf.index);
  for (const { draft, vf } of autos) {
    let attempt = 0;
    let mac = autoMacAddress(hostId, draft.pf.address, vf.index, attempt);
    while (taken.has(mac)) {
      attempt += 1;
      mac = autoMacAddress(hostId, draft.pf.address, vf.index, attempt);
    }
    taken.add(mac);
    chosen.set(vf, mac);
  }
  return chosen;
}

/**
 * The address that `auto` stands for: 44 bits of SHA-256 over host, PF and VF index, in the range of locally
 * administered unicast addresses that administrators assign (IEEE 802c, second digit 2). `attempt` counts collisions.
 */
export function autoMacAddress(
  hostId: string,
  pfAddress: string,
  vfIndex: number,
  attempt: number,
): MacAddress {
  const input = JSON.stringify(['vfleet/v1 mac', hostId, pfAddress, vfIndex, attempt]);
  const bytes = hash('sha256', input, 'buffer').subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xf0) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':') as MacAddress;
}

/**
 * The address that a VF has: the one set on the PF, else that of its interface. An interface may have another than its
 * VF (a bond gives its own to all its members); that is no claim to it.
 */
export function macOfVf(vf: Vf): MacAddress | undefined {
  const macs = [vf.settings.mac, vf.netdevMac].map((text) => parseMacAddress(text ?? ''));
  return macs.find((mac) => mac !== undefined && mac !== zeroMacAddress);
}

/** Addresses that will still be in use when the spec holds, and by whom. */
function stayingMacs(
  drafts: readonly PfDraft[],
  { snapshot, leases }: AddressGround,
): ReadonlyMap<string, string> {
  const staying = new Map<string, string>();
  const note = (mac: MacAddress | undefined, holder: string): void => {
    if (mac !== undefined && mac !== zeroMacAddress && !staying.has(mac)) staying.set(mac, holder);
  };
  const draftOf = new Map(drafts.map((draft) => [draft.pf, draft]));
  for (const { key, owner, settings } of leases) {
    // A VF that the spec names by itself may be given its own address; another one is refused by the planner.
    const named = drafts.some(
      ({ pf, vfs }) => pf.address === key.pf && vfs.some((vf) => vf.index === key.vf),
    );
    if (named) continue;
    const holder = `VF ${key.vf} of ${key.pf} (leased to ${owner.name})`;
    note(parseMacAddress(settings.mac ?? ''), printable(holder));
  }
  for (const pf of snapshot.pfs) {
    for (const netdev of pf.netdevs) {
      note(parseMacAddress(netdev.mac ?? ''), printable(`PF ${pf.address} (${netdev.name})`));
    }
    const draft = draftOf.get(pf);
    const changed = new Set(
      draft?.vfs.filter((vf) => vf.settings.mac !== undefined).map((vf) => vf.index) ?? [],
    );
    for (const vf of pf.vfs) {
      // A VF that goes frees its address; one that is made anew gets its own again.
      if (changed.has(vf.index) || vf.index >= (draft?.count ?? Infinity)) continue;
      note(macOfVf(vf), printable(`VF ${vf.index} of ${pf.address}`));
    }
  }
  return staying;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
