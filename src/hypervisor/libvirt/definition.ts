// Owns what vfleet takes from the definition of a VM, and not parsing the same text twice: definitions hardly change, and a
// host with a hundred VMs is listed at every attach.

import type { VmNic, VmPlacement } from '../../model/vm.ts';
import { readNics } from './nic-xml.ts';
import { readPlacement } from './placement-xml.ts';
import type { Element } from './xml-document.ts';
import { attributeOf, parseXml, renderXml } from './xml-document.ts';

/** What a definition says. Shared by all who ask for the same text: nobody may change it. */
export interface Definition {
  /** A running domain has a number; a stored definition has none. */
  readonly isRunning: boolean;
  readonly nics: readonly VmNic[];
  readonly placement: VmPlacement;
}

/** Reads a definition; `what` names it in errors. Throws `hypervisor.malformed`. */
export type ReadDefinition = (xml: string, what: string) => Definition;

/** Two definitions of 5 to 20 kB for each of several hundred VMs: some MB. */
const maxRemembered = 1000;

/**
 * What others keep in a definition. libvirt writes one such element, as they gave it, before everything else that could
 * hold its name; and it takes there what is XML without namespaces, which we do not parse.
 */
const metadata = /<metadata[\s>][^]*<\/metadata>/;
const placeholder = '<metadata/>';

/** Parses a definition, without its metadata. Throws `hypervisor.malformed`. */
export function parseDefinition(xml: string, what: string): Element {
  return parseXml(xml.replace(metadata, placeholder), what);
}

/** Renders a definition that was parsed from `xml` and then changed, with its metadata as they stand there. */
export function renderDefinition(domain: Element, xml: string): string {
  const [kept = placeholder] = metadata.exec(xml) ?? [];
  return renderXml(domain).replace(placeholder, () => kept);
}

export function readDefinition(xml: string, what: string): Definition {
  const domain = parseDefinition(xml, what);
  return {
    isRunning: attributeOf(domain, 'id') !== undefined,
    nics: readNics(domain),
    placement: readPlacement(domain),
  };
}

/** A {@link readDefinition} that remembers. */
export function rememberDefinitions(): ReadDefinition {
  const remembered = new Map<string, Definition>();
  return (xml, what) => {
    const known = remembered.get(xml);
    if (known !== undefined) return known;
    const definition = readDefinition(xml, what);
    // The oldest goes; one that is asked for again and again costs one parsing in a thousand.
    const [oldest] = remembered.keys();
    if (remembered.size >= maxRemembered && oldest !== undefined) remembered.delete(oldest);
    remembered.set(xml, definition);
    return definition;
  };
}
