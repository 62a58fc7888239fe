// Checks that any text ends in values or in a VfleetError, soon.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import { parseSpec } from './parsed-spec.ts';
import { problemsOf, thrownBy } from './testing/thrown.ts';
import { parseYaml } from './yaml-source.ts';

const megabyte = 1 << 20;

function syntaxProblems(text: string): readonly string[] {
  const error = thrownBy(() => parseYaml(text, 'host.yaml', () => undefined));
  expect(error.code).toBe('spec.syntax');
  return error.details.problems ?? [];
}

function valueOf(text: string): unknown {
  return parseYaml(text, 'host.yaml', () => undefined).value;
}

describe('a file that is no single mapping of YAML', () => {
  it.each([
    ['', 'host.yaml is empty; a spec begins with apiVersion: vfleet/v1'],
    ['# nothing\n', 'host.yaml is empty; a spec begins with apiVersion: vfleet/v1'],
    ['just words', 'host.yaml is no mapping; a spec begins with apiVersion: vfleet/v1'],
    ['- a list', 'host.yaml is no mapping; a spec begins with apiVersion: vfleet/v1'],
    ['a: 1\n---\nb: 2\n', 'line 2: a second document begins here, and a spec is one'],
    ['a:\n\tb: 1\n', 'line 2: a tab indents this line; YAML takes spaces only'],
    [
      'a: { b: 1\n',
      'line 2: not readable as YAML: Flow map in block collection must be sufficiently indented and end with a }',
    ],
    ['? [a]\n: 1\n', 'line 1: a key is a list, a mapping or an alias; keys are plain words'],
    [
      'a: !!binary aGk=\n',
      'line 1: tags have no meaning in a spec: Unresolved tag: tag:yaml.org,2002:binary',
    ],
    ['a: 1\nb: *gone\n', 'line 2: no anchor "gone" stands above this alias'],
    [`a: ${'x'.repeat(megabyte)}`, 'host.yaml has 1048579 bytes, more than the 1048576 that a spec may have'],
  ])('is refused, case %#', (text, problem) => {
    expect(syntaxProblems(text)).toEqual([problem]);
  });
});

describe('YAML that asks for too much', () => {
  it.each([
    ['lists', '['.repeat(megabyte)],
    ['mappings', '{a: '.repeat(megabyte / 4)],
    ['block lists', '- '.repeat(megabyte / 2)],
    ['block mappings', '? '.repeat(megabyte / 2)],
    ['indentation', Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('is refused for the depth of its %s', (_name, text) => {
    expect(syntaxProblems(text)[0]).toMatch(/: nests deeper than 32 levels$/);
  });

  it('is refused for an alias that holds itself', () => {
    expect(syntaxProblems('a: &a { b: *a }')).toEqual(['line 1: nests deeper than 32 levels']);
  });

  it('is refused for aliases that multiply', () => {
    const lines = ['a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
    for (let level = 1; level < 12; level += 1) {
      lines.push(`a${level}: &a${level} [${`*a${level - 1}, `.repeat(10)}]`);
    }
    expect(syntaxProblems(lines.join('\n'))[0]).toMatch(/: aliases unfold to more than 400000 values$/);
  });

  it('is refused for the number of its parts', () => {
    expect(syntaxProblems(`a: [${'0,'.repeat(500_000)}]`)).toEqual([
      'line 1: more than 400000 pieces of YAML so far',
    ]);
    expect(syntaxProblems(`{${Array.from({ length: 90_000 }, (_, i) => `k${i}`).join(',')}`)).toHaveLength(1);
  });

  it('is told at most ten errors', () => {
    expect(syntaxProblems('a: }\n'.repeat(1000)).length).toBeLessThanOrEqual(10);
  });
});

describe('values', () => {
  it('are those of YAML 1.2, whatever the file calls itself', () => {
    const text = '%YAML 1.1\n---\na: yes\nb: 1:20\nc: 0x10\nd: 010\ne: ~\nf: "x"\n<<: { g: 1 }\n';
    expect(valueOf(text)).toEqual({ a: 'yes', b: '1:20', c: 16, d: 10, e: null, f: 'x', '<<': { g: 1 } });
  });

  it('have keys as the file spells them', () => {
    expect(Object.keys(valueOf('010: 1\n0x1: 2\n1-2: 3\ntrue: 4\n') as object)).toEqual([
      '010',
      '0x1',
      '1-2',
      'true',
    ]);
  });

  it('have no keys with a meaning of their own', () => {
    const value = valueOf('__proto__: { polluted: true }\nconstructor: 1\n') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Reflect.has({}, 'polluted')).toBe(false);
  });

  it('take the nearest anchor above', () => {
    const text = 'a: &x { y: &y 1 }\nb: &y 2\nc: *x\nd: *y\ne: &x 3\nf: *x\n';
    expect(valueOf(text)).toEqual({ a: { y: 1 }, b: 2, c: { y: 1 }, d: 2, e: 3, f: 3 });
  });

  it('are placed where they are used', () => {
    const { locate } = parseYaml('a: &x\n  b: 1\nc: *x\n', 'host.yaml', () => undefined);
    expect(locate(['a', 'b'])).toEqual({ line: 2, column: 3 });
    expect(locate(['c', 'b'])).toEqual({ line: 3, column: 4 });
  });
});

const validSpec = `apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, qos: 1, mtu: 1500, rdma: false }
  - { name: front, minTxRateMbps: 1, maxTxRateMbps: 5 }
pfs:
  - match: { address: "0000:01:00.0" }
    mtu: 1500
    networks: [storage, front]
    vfs: &vfs
      count: 4
      default: { driver: vfio-pci, spoofCheck: true, linkState: auto }
      "0": { mac: "52:54:00:aa:00:01", vlan: 100, qos: 3 }
      "1-2": { vlan: 200, vlanProtocol: 802.1Q, maxTxRateMbps: 500 }
  - match: { driver: igb }
    vfs: *vfs
`;

const fragments = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '<<',
    '&a',
    '*a',
    '*vfs',
    '!!map',
    '!x',
    '---',
    '...',
  ),
  fc.constantFrom(
    '1e999',
    '-0',
    '99999999999999999999',
    '0x7fffffffffffffff',
    '.inf',
    '.nan',
    '~',
    'null',
    '""',
  ),
  fc.constantFrom(
    '\0',
    '\u{feff}',
    '\u{2028}',
    '\u{d800}',
    '\t',
    '\r',
    '\n',
    '%YAML 1.1',
    "'",
    '#',
    '@',
    '`',
  ),
  fc.constantFrom('{', '}', '[', ']', ',', ': ', '? ', '- ', '|', '"0-65534"', '4294967296-4294967297', '0-'),
  fc.constantFrom('pfs', 'networks', 'vfs', 'match', 'default', 'mac: auto', 'count', 'vlan: 4095', 'qos: 7'),
);

/** A valid spec with pieces cut out, doubled or replaced. */
const mutatedSpec = fc
  .array(
    fc.tuple(
      fc.nat(validSpec.length),
      fc.nat(12),
      fc.oneof(fragments, fc.string({ unit: 'binary', maxLength: 5 })),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((edits) =>
    edits.reduce(
      (text, [at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length),
      validSpec,
    ),
  );

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fragments, { maxLength: 40 }).map((pieces) => pieces.join('')),
  fc.array(fragments, { maxLength: 40 }).map((pieces) => pieces.join(' ')),
  fc.json(),
  mutatedSpec,
);

describe('any text', () => {
  it('is a spec or a VfleetError with a line per problem', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        let error: unknown;
        try {
          parseSpec(text, 'host.yaml');
        } catch (thrown) {
          error = thrown;
        }
        if (error === undefined) return;
        if (!(error instanceof VfleetError)) throw error;
        expect(['spec.syntax', 'spec.invalid']).toContain(error.code);
        const lines = error.details.problems ?? [];
        expect(lines.length).toBeGreaterThan(0);
        for (const line of lines) {
          expect(line).toMatch(/^(line [1-9]\d*(, .+)?: |host\.yaml )/);
          expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('under a known key is told with that key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        const value = JSON.stringify(text);
        fc.pre(!['legacy', 'switchdev'].includes(text));
        const spec = `apiVersion: vfleet/v1\nkind: Host\npfs: [{ match: { numa: 0 }, eswitch: ${value} }]`;
        expect(problemsOf(() => parseSpec(spec, 'host.yaml'))[0]).toMatch(/^line 3(, pfs\[0\]\.eswitch)?: /);
      }),
    );
  });
});
