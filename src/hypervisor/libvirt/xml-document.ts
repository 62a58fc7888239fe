// Owns reading and writing XML: hostile text in, elements out, and elements back to text with everything encoded.
// Knows no element of libvirt. Nothing else in vfleet puts XML together.

import type { Element } from '@xmldom/xmldom';
import { DOMImplementation, DOMParser, XMLSerializer } from '@xmldom/xmldom';
import { messageOf, VfleetError } from '../../base/errors.ts';

export type { Element } from '@xmldom/xmldom';

/** Definitions nest about eight deep; what goes through one by recursion must not use up the stack. */
const maxDepth = 200;

/**
 * Reads a whole document and answers its root. Throws `hypervisor.malformed` for everything that is not well-formed, and
 * for a document type: libvirt writes none, and entities are declared in one. The library puts none of them in: one that
 * XML does not know by itself is an error.
 */
export function parseXml(text: string, what: string): Element {
  try {
    const parser = new DOMParser({
      locator: false,
      // Only these three are line ends in XML 1.0; the library's default takes more characters for one.
      normalizeLineEndings: (source) => source.replaceAll(/\r\n?/g, '\n'),
      onError: (level, message) => {
        // U+FFFD is a character like others: somebody's text was broken once, the document is not.
        if (level === 'warning' && message.startsWith('Unicode replacement character')) return;
        throw new Error(`${level}: ${message}`);
      },
    });
    const { doctype, documentElement: root } = parser.parseFromString(text, 'text/xml');
    if (doctype !== null) throw new Error('it declares a document type');
    if (root === null || depthOf(root) > maxDepth) throw new Error(`it is nested deeper than ${maxDepth}`);
    return root;
  } catch (thrown) {
    throw malformed(what, messageOf(thrown));
  }
}

/** The number of elements in each other, at most one more than is allowed; found without recursion. */
function depthOf(root: Element): number {
  let level = [root];
  for (let depth = 1; depth <= maxDepth; depth += 1) {
    level = level.flatMap((element) => childElements(element));
    if (level.length === 0) return depth;
  }
  return maxDepth + 1;
}

function malformed(what: string, problem: string): VfleetError {
  const line = problem.replaceAll(/\s+/g, ' ').slice(0, 200);
  return new VfleetError('hypervisor.malformed', `${what} is not XML that vfleet reads: ${line}`);
}

/** A new element with attributes (absent ones are left out) and children; every value is encoded when it is written. */
export interface NewElement {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | undefined>>;
  readonly children?: readonly (NewElement | undefined)[];
}

/** Renders an element as text. Throws `request.invalid` for characters that XML cannot hold. */
export function renderNewXml(element: NewElement): string {
  const document = new DOMImplementation().createDocument(null, element.name);
  const root = document.documentElement;
  if (root === null) throw new VfleetError('internal.bug', `no element ${element.name}`);
  fill(root, element);
  return renderXml(root);
}

/** Adds a new element at the end of another and answers it. */
export function appendElement(parent: Element, element: NewElement): Element {
  const child = createElement(parent, element);
  parent.appendChild(child);
  return child;
}

/** A new element for the document of another, in no place yet. */
export function createElement(sibling: Element, element: NewElement): Element {
  const document = sibling.ownerDocument;
  if (document === null) throw new VfleetError('internal.bug', `no document for ${element.name}`);
  const child = document.createElement(element.name);
  fill(child, element);
  return child;
}

function fill(target: Element, { attributes = {}, children = [] }: NewElement): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) target.setAttribute(name, value);
  }
  for (const child of children) if (child !== undefined) appendElement(target, child);
}

/** Renders an element and everything in it, also what vfleet does not know. */
export function renderXml(element: Element): string {
  try {
    return new XMLSerializer().serializeToString(element, { requireWellFormed: true });
  } catch (thrown) {
    throw new VfleetError('request.invalid', `characters that XML cannot hold: ${messageOf(thrown)}`);
  }
}

/** Elements directly in another, in order. */
export function childElements(parent: Element | undefined, name?: string): Element[] {
  const found: Element[] = [];
  for (let node = parent?.firstChild ?? null; node !== null; node = node.nextSibling) {
    if (node.nodeType === node.ELEMENT_NODE && (name === undefined || node.nodeName === name)) {
      found.push(node as Element);
    }
  }
  return found;
}

/** The first element at a path of names below another. */
export function elementAt(parent: Element | undefined, ...path: readonly string[]): Element | undefined {
  let element = parent;
  for (const name of path) [element] = childElements(element, name);
  return element;
}

/** An attribute that is there and not empty. */
export function attributeOf(element: Element | undefined, name: string): string | undefined {
  const value = element?.getAttribute(name);
  return value === null || value === undefined || value === '' ? undefined : value;
}

/** Text of an element without the blanks around it. */
export function textOf(element: Element | undefined): string | undefined {
  const text = element?.textContent?.trim();
  return text === undefined || text === '' ? undefined : text;
}
