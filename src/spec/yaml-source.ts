// Owns the step from a YAML document to plain values with a place in the file for each.
// Knows nothing of the spec: any mapping of text, numbers, booleans, lists and mappings passes.

import { isAlias, isMap, isScalar, isSeq, type YAMLMap } from 'yaml';
import type { Position, Report, SpecPath } from './problem.ts';
import { quoted, shown } from './wording.ts';
import { maxDepth, parseYamlDocument, type YamlDocument } from './yaml-document.ts';

/** Bounds what aliases may unfold to; more than a file of the largest size holds without any. */
const maxValues = 400_000;

/** A file's values. Mappings are objects without prototype, so that no key has a meaning of its own in JavaScript. */
export interface YamlSource {
  readonly value: Record<string, unknown>;
  /** Place of a value's key, or of a list's item; for a path that is not in the file, of the nearest one above. */
  readonly locate: (path: SpecPath) => Position;
}

interface Place {
  readonly offset: number;
  /** Absent for values that hold no others: a large spec has tens of thousands of these. */
  children?: Map<string | number, Place>;
}

/**
 * Reads a file that holds one YAML document, a mapping at its top. Keys that are given twice and values that are
 * neither of the kinds above go to `report`. Throws `spec.syntax`.
 */
export function parseYaml(text: string, fileName: string, report: Report): YamlSource {
  const document = parseYamlDocument(text, fileName);
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    throw document.fileError('is empty; a spec begins with apiVersion: vfleet/v1');
  }
  if (!isMap(contents)) {
    throw document.fileError('is no mapping; a spec begins with apiVersion: vfleet/v1');
  }
  const root: Place = { offset: contents.range[0] };
  const value = new ValueReader(document, report).readMap(contents, [], root, undefined);
  return { value, locate: (path) => document.positionOf(placeOf(root, path).offset) };
}

function placeOf(root: Place, path: SpecPath): Place {
  let place = root;
  for (const key of path) {
    const child = place.children?.get(key);
    if (child === undefined) break;
    place = child;
  }
  return place;
}

/**
 * Turns nodes into plain values in the order of the file. Aliases unfold, and what they unfold to is placed where the
 * alias stands: `aliasOffset`, undefined outside of aliases.
 */
class ValueReader {
  private readonly document: YamlDocument;
  private readonly report: Report;
  /** The last node with each anchor up to here. */
  private readonly anchors = new Map<string, unknown>();
  private valueCount = 0;

  constructor(document: YamlDocument, report: Report) {
    this.document = document;
    this.report = report;
  }

  readMap(
    map: YAMLMap,
    path: SpecPath,
    place: Place,
    aliasOffset: number | undefined,
  ): Record<string, unknown> {
    const value = Object.create(null) as Record<string, unknown>;
    const children = new Map<string | number, Place>();
    place.children = children;
    for (const pair of map.items) {
      const key = keyOf(pair.key);
      const child: Place = { offset: aliasOffset ?? offsetOf(pair.key) ?? place.offset };
      const keyPath = [...path, key];
      const first = children.get(key);
      if (first === undefined) {
        children.set(key, child);
        value[key] = this.read(pair.value, keyPath, child, aliasOffset);
        continue;
      }
      // Inside an alias the same was said at its anchor.
      if (aliasOffset !== undefined) continue;
      const { line } = this.document.positionOf(first.offset);
      this.report(keyPath, `given twice, first in line ${line}`, this.document.positionOf(child.offset));
    }
    return value;
  }

  private read(node: unknown, path: SpecPath, place: Place, aliasOffset: number | undefined): unknown {
    this.valueCount += 1;
    if (this.valueCount > maxValues) {
      throw this.document.lineError(place.offset, `aliases unfold to more than ${maxValues} values`);
    }
    if (path.length > maxDepth) {
      throw this.document.lineError(place.offset, `nests deeper than ${maxDepth} levels`);
    }
    if (isAlias(node)) {
      if (!this.anchors.has(node.source)) {
        throw this.document.lineError(
          place.offset,
          `no anchor ${quoted(node.source)} stands above this alias`,
        );
      }
      return this.read(this.anchors.get(node.source), path, place, aliasOffset ?? offsetOf(node));
    }
    if (aliasOffset === undefined) this.noteAnchor(node);
    if (isMap(node)) return this.readMap(node, path, place, aliasOffset);
    if (isSeq(node)) {
      const children = new Map<string | number, Place>();
      place.children = children;
      return node.items.map((item, index) => {
        const child: Place = { offset: aliasOffset ?? offsetOf(item) ?? place.offset };
        children.set(index, child);
        return this.read(item, [...path, index], child, aliasOffset);
      });
    }
    const value: unknown = isScalar(node) ? node.value : null;
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
    this.report(path, `${shown(value)} is no value for a spec`);
    return null;
  }

  private noteAnchor(node: unknown): void {
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined) {
      this.anchors.set(node.anchor, node);
    }
  }
}

/** A key as the file spells it: `010` stays what it is and does not become 8 or 10. */
function keyOf(key: unknown): string {
  if (!isScalar(key)) return '';
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

function offsetOf(node: unknown): number | undefined {
  if (isMap(node) || isSeq(node) || isScalar(node) || isAlias(node)) return node.range?.[0];
  return undefined;
}
