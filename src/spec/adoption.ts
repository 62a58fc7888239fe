// Owns the spec that describes a host as it is, the text that `vfleet adopt` writes.
// What a spec cannot say of the host is left out, with a comment that says so: a plan of the text is always empty.

import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { parsePfAddress } from '../base/identifiers.ts';
import type { Lease } from '../model/lease.ts';
import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { PfSpec, type VfSpec } from '../model/spec.ts';
import { adoptVfs, type AdoptedVfs, countMacs } from './adopted-vfs.ts';
import { describePf } from './pf-match.ts';
import { printable } from './wording.ts';

/** A node or a plain value under a key. */
type Entry = readonly [key: string, value: YAMLMap | YAMLSeq<YAMLMap> | Scalar | string | number | boolean];

/**
 * Writes the spec of a host as it is. A plan of the result, on the same host, is empty. VFs with a lease are left out: that
 * says what they are.
 */
export function renderSpec(snapshot: Snapshot, leases: readonly Lease[] = []): string {
  const macCounts = countMacs(snapshot);
  const pfs = new YAMLSeq<YAMLMap>();
  const notes: string[] = [];
  for (const pf of snapshot.pfs) {
    const reason = whyNotAdopted(pf, snapshot);
    if (reason === undefined) pfs.items.push(pfNode(pf, adoptVfs(pf, macCounts, leasedVfsOf(pf, leases))));
    else notes.push(`left out: PF ${pf.address} (${reason})`);
  }
  // An empty list has to be written as one.
  pfs.flow = pfs.items.length === 0;
  // Readers of YAML 1.1 take an unquoted yes or 1:20 for something else: `compat` quotes those.
  const document = new Document(
    mapNode([
      ['apiVersion', 'vfleet/v1'],
      ['kind', 'Host'],
      ['pfs', pfs],
    ]),
    {
      compat: 'yaml-1.1',
    },
  );
  document.commentBefore = commentOf([
    `Host ${snapshot.host.name} as it was at ${snapshot.takenAt}, written by vfleet adopt.`,
    'What is not named here is left alone.',
    ...notes,
  ]);
  // Without folding, a VF is one line.
  return document.toString({ lineWidth: 0 });
}

function leasedVfsOf(pf: Pf, leases: readonly Lease[]): ReadonlySet<number> {
  return new Set(leases.flatMap(({ key }) => (key.pf === pf.address ? [key.vf] : [])));
}

function whyNotAdopted(pf: Pf, snapshot: Snapshot): string | undefined {
  const address = parsePfAddress(pf.address);
  if (address === undefined) return 'a spec cannot spell its address';
  const same = snapshot.pfs.filter((other) => parsePfAddress(other.address) === address);
  return same.length > 1 ? 'another PF has the same address' : undefined;
}

function pfNode(pf: Pf, vfs: AdoptedVfs): YAMLMap {
  const [netdev] = pf.netdevs;
  const mode = pf.devlink?.eswitchMode;
  const isMtuSound =
    netdev !== undefined &&
    PfSpec.shape.mtu.safeParse(netdev.mtu).success &&
    netdev.mtu >= (netdev.minMtu ?? 0) &&
    netdev.mtu <= (netdev.maxMtu || Infinity);
  const node = mapNode([
    ['match', mapNode([['address', quotedNode(pf.address)]], { flow: true })],
    ...(isMtuSound ? [['mtu', netdev.mtu] as const] : []),
    ...(netdev === undefined ? [] : [['up', netdev.up] as const]),
    ...(mode === undefined ? [] : [['eswitch', mode] as const]),
    ...vfsEntries(vfs),
  ]);
  node.commentBefore = commentOf([describePf(pf), ...vfs.notes]);
  return node;
}

function vfsEntries({ count, defaults, ranges }: AdoptedVfs): readonly Entry[] {
  const entries: Entry[] = [
    ...(count === undefined ? [] : [['count', count] as const]),
    ...(Object.keys(defaults).length === 0 ? [] : [['default', vfNode(defaults)] as const]),
    ...ranges.map(({ key, settings }) => [key, vfNode(settings)] as const),
  ];
  return entries.length === 0 ? [] : [['vfs', mapNode(entries)]];
}

function vfNode(settings: VfSpec): YAMLMap {
  const entries = Object.entries(settings).map(([key, value]): Entry => {
    return [key, key === 'mac' ? quotedNode(String(value)) : new Scalar(value)];
  });
  return mapNode(entries, { flow: true });
}

function mapNode(entries: readonly Entry[], options: { flow?: boolean } = {}): YAMLMap {
  const node = new YAMLMap();
  node.flow = options.flow ?? false;
  node.items = entries.map(([key, value]) => {
    // A VF's index is quoted as the documentation has it, so that it does not look like a number.
    const keyNode = /^[0-9]/.test(key) ? quotedNode(key) : new Scalar(key);
    return new Pair(keyNode, typeof value === 'object' ? value : new Scalar(value));
  });
  return node;
}

function quotedNode(text: string): Scalar {
  const node = new Scalar(text);
  node.type = Scalar.QUOTE_DOUBLE;
  return node;
}

/** Lines of a comment: nothing from a host may end the line and begin a key. */
function commentOf(lines: readonly string[]): string {
  return lines.map((line) => ` ${printable(line)}`).join('\n');
}
