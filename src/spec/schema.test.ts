// Checks that the published JSON Schemas are what the models say, and that they say what the docs promise.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderSchemas } from './schema.ts';

const folder = new URL('../../schema/', import.meta.url);
const schemas = renderSchemas();

describe('the published schemas', () => {
  it('are all there, and nothing else is', () => {
    expect(readdirSync(folder).sort()).toEqual([...schemas.keys()].sort());
  });

  it.each([...schemas])('%s is up to date (node scripts/write-schemas.mjs writes it)', (fileName, text) => {
    expect(readFileSync(new URL(fileName, folder), 'utf8')).toBe(text);
  });

  it('are of the draft that editors know', () => {
    for (const text of schemas.values()) {
      expect(JSON.parse(text)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
    }
  });

  it('describe every key of a spec', () => {
    const undescribed: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const group of ['properties', 'patternProperties'] as const) {
        const properties = (node as Record<string, unknown>)[group] ?? {};
        for (const [name, property] of Object.entries(properties)) {
          const child: unknown = property;
          if (!Object.hasOwn(child as object, 'description')) undescribed.push(`${path}.${name}`);
          visit(child, `${path}.${name}`);
        }
      }
      if ('items' in node) visit(node.items, path);
    };
    visit(JSON.parse(schemas.get('host-spec.schema.json') ?? ''), 'spec');
    expect(undescribed).toEqual([]);
  });

  it('take VFs by index and range, and no other key', () => {
    const spec: unknown = JSON.parse(schemas.get('host-spec.schema.json') ?? '');
    expect(spec).toMatchObject({
      properties: {
        pfs: {
          items: {
            properties: {
              match: { minProperties: 1, additionalProperties: false },
              vfs: {
                properties: { count: { type: 'integer' }, default: { type: 'object' } },
                patternProperties: { '^[0-9]+(-[0-9]+)?$': { additionalProperties: false } },
                additionalProperties: false,
              },
            },
          },
        },
      },
    });
  });
});
