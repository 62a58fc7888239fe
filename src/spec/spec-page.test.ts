// Checks that docs/spec.md tells the truth: its examples are specs, and every key is on it.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Network } from '../model/network.ts';
import { HostSpec, PfMatch, PfSpec, VfSpec } from '../model/spec.ts';
import { parseSpec } from './parsed-spec.ts';

const page = readFileSync(new URL('../../docs/spec.md', import.meta.url), 'utf8');

describe('the examples', () => {
  it.each(['igb.yaml', 'networks.yaml'])('%s is a spec', (name) => {
    const text = readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8');
    expect(parseSpec(text, name).spec.pfs).toHaveLength(1);
  });
});

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
    // Keys that networks share with VFs stand together.
    for (const key of Object.keys(Network.shape)) {
      expect(page).toMatch(new RegExp(`^\\| (\`[A-Za-z]+\`, )*\`${key}\`(, \`[A-Za-z]+\`)* +\\| `, 'm'));
    }
  });
});
