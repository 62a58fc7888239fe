// Checks that docs/spec.md tells the truth: its examples are specs, and every key is on it.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HostSpec, PfMatch, PfSpec, VfSpec } from '../model/spec.ts';
import { parseSpec } from './parsed-spec.ts';

const page = readFileSync(new URL('../../docs/spec.md', import.meta.url), 'utf8');

describe('the page about the spec', () => {
  it('has examples that are specs', () => {
    const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);
    expect(examples.length).toBeGreaterThan(1);
    for (const example of examples) expect(parseSpec(example, 'spec.md').spec.kind).toBe('Host');
  });

  it('describes every key', () => {
    const keys = [HostSpec, PfSpec, PfMatch, VfSpec].flatMap((model) => Object.keys(model.shape));
    for (const key of [...keys, 'count', 'default'])
      expect(page).toMatch(new RegExp(`^\\| \`${key}\` +\\| `, 'm'));
  });
});
