// Owns the files of one host that `vfleet size --write` makes: the spec for `vfleet apply`, and where each machine goes.
// Texts only; who calls writes them.

import type { Placements } from '../model/placements.ts';
import type { HostModel } from '../sizing/host-model.ts';
import { type Pattern, placementsOnHost, type SizingResult, usedVfsOf } from '../sizing/result.ts';
import { hostName } from './host-names.ts';
import { type HostCores, placementsOf } from './host-placements.ts';

export interface HostFiles {
  /** Name of the host in the report. */
  readonly name: string;
  readonly spec: string;
  readonly placements: string;
}

/** The files of every used host, by class and number. `cores` has an entry for each of `result.hosts`. */
export function* hostFiles(result: SizingResult, cores: readonly HostCores[]): Generator<HostFiles> {
  for (const pattern of result.patterns) {
    const model = result.hosts[pattern.hostClass];
    if (model === undefined) continue;
    for (let nth = 0; nth < pattern.hostCount; nth += 1) {
      const host = pattern.firstHost + nth;
      const name = hostName(result.hosts, pattern.hostClass, host);
      yield {
        name,
        spec: specText(model, pattern, name),
        placements: placementsText(
          placementsOf(result, model, cores[pattern.hostClass], name, placementsOnHost(pattern, host)),
        ),
      };
    }
  }
}

/** The spec of a host of a pattern: for every PF as many VFs as its machines use, and the spares. */
function specText(model: HostModel, pattern: Pattern, name: string): string {
  const used = usedVfsOf(pattern, model);
  const lines = [
    '# yaml-language-server: $schema=./node_modules/vfleet/schema/host-spec.schema.json',
    `# Host ${commentText(name)}, written by vfleet size. vms.json beside it says which VM gets which VF.`,
  ];
  const isClass = model.source === 'class';
  const entries = model.pfs.flatMap((pf, at) => {
    const usedVfs = used[at] ?? 0;
    const count = usedVfs + pf.spareVfs;
    const port = model.ports[pf.port];
    const card = model.cards[port?.card ?? -1];
    if (count === 0) return [];
    const where = commentText(`${card?.name ?? ''}, ${port?.name ?? ''}`);
    const address = isClass ? placeholderAddress(model, at) : pf.address;
    return [
      `  # ${where}: ${usedVfs} used, ${pf.spareVfs} spare${isClass ? `. FILL IN its address (${commentText(pf.address)} in vms.json).` : ''}`,
      `  - match: { address: ${JSON.stringify(address)} }`,
      `    vfs: { count: ${count} }`,
    ];
  });
  if (isClass && entries.length > 0) {
    lines.push(
      '# This host is made from a class, so nobody knows its PCI addresses: those below (ffff:...) are on no machine,',
      '# and vfleet apply refuses the file until the real ones are filled in. `vfleet show` lists them.',
    );
  }
  lines.push('apiVersion: vfleet/v1', 'kind: Host', entries.length === 0 ? 'pfs: []' : 'pfs:', ...entries);
  return `${lines.join('\n')}\n`;
}

/**
 * An address that is right in form and on no machine: PCI domain ffff, the card as bus, its PFs counted through.
 * Firmware numbers domains from 0, and the kernel those of its own from 10000 hexadecimal (drivers/pci/controller/vmd.c).
 */
function placeholderAddress(model: HostModel, pf: number): string {
  const cardOf = (at: number): number => model.ports[model.pfs[at]?.port ?? -1]?.card ?? 0;
  const card = cardOf(pf);
  const nth = model.pfs.slice(0, pf).filter((_, at) => cardOf(at) === card).length;
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return `ffff:${hex(card)}:${hex(nth >> 3)}.${nth & 7}`;
}

/** Text that cannot end its comment: in one line, nothing invisible. */
function commentText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}

/** JSON with a line for each machine. */
function placementsText({ vms, ...head }: Placements): string {
  const opening = JSON.stringify(head, null, 2).replace(/\n}$/, ',\n  "vms": [');
  const lines = vms.map((vm) => `    ${JSON.stringify(vm)}`);
  return `${opening}${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n  `}]\n}\n`;
}
