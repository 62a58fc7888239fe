import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import { parseValidatedList } from './parsed-list.ts';
import { exampleList } from './testing/example-server.ts';

const head = 'apiVersion: vfleet/v1\nkind: ValidatedHardware\n';

function problemsOf(text: string): { code: string; problems: readonly string[] } | undefined {
  try {
    parseValidatedList(text, 'list.yaml');
    return undefined;
  } catch (error) {
    if (!(error instanceof VfleetError)) throw error;
    return { code: error.code, problems: error.details.problems ?? [] };
  }
}

function invalid(...problems: string[]): { code: string; problems: string[] } {
  return { code: 'spec.invalid', problems };
}

describe('a validated hardware list', () => {
  it('is read with the lines of its entries', () => {
    const { list, lineOf } = parseValidatedList(exampleList, 'list.yaml');
    expect(list.entries.map(({ name }, index) => [name, lineOf(index)])).toEqual([
      ['web servers', 7],
      ['storage', 15],
    ]);
    expect(list.entries[0]?.firmware).toBe('4.40.*');
  });

  it('may be empty of entries', () => {
    expect(parseValidatedList(`${head}entries: []\n`, 'list.yaml').list.entries).toEqual([]);
  });

  it.each([
    ['no nic', '  - kernel: "6.1"\n', 'line 4, entries[0].nic: is missing'],
    [
      'a number for a version',
      '  - nic: { id: "8086:1592" }\n    kernel: 6.10\n',
      'line 5, entries[0].kernel: must be text, and 6.1 is not; put it in quotes',
    ],
    [
      'an ID that is none',
      '  - nic: { id: "0x8086:1592" }\n',
      'line 4, entries[0].nic.id: "0x8086:1592" is no PCI ID such as 8086:1592',
    ],
    [
      'a misspelt key',
      '  - nic: { id: "8086:1592" }\n    frimware: "1"\n',
      'line 5, entries[0].frimware: unknown key; did you mean firmware?',
    ],
    [
      'a key of another place',
      '  - nic: { id: "8086:1592", vendor: Intel }\n',
      'line 4, entries[0].nic.vendor: unknown key; known are id and subsystem',
    ],
    [
      'a range that is none',
      '  - nic: { id: "8086:1592" }\n    kernel: ">=6.1<6.13"\n',
      'line 5, entries[0].kernel: ">=6.1<6.13" has operators side by side; put a space between two bounds',
    ],
    [
      'a range within a mapping that is none',
      '  - nic: { id: "8086:1592" }\n    hypervisor:\n      libvirt: "9.*.1"\n',
      'line 6, entries[0].hypervisor.libvirt: "9.*.1" has a * that is no part of its own at the end, as in 22.5.*',
    ],
    ['an empty value', '  - nic:\n', 'line 4, entries[0].nic: is empty; give it a value, or leave it out'],
    ['text for a mapping', '  - nic: E810\n', 'line 4, entries[0].nic: must be a mapping, not "E810"'],
    [
      'a key given twice',
      '  - nic: { id: "8086:1592" }\n    kernel: "6.1"\n    kernel: "6.2"\n',
      'line 6, entries[0].kernel: given twice, first in line 5',
    ],
  ])('says where and what is wrong: %s', (_, entries, problem) => {
    expect(problemsOf(`${head}entries:\n${entries}`)).toEqual(invalid(problem));
  });

  it('tells all problems at once, in the order of the file', () => {
    const text =
      'apiVersion: vfleet/v2\nkind: Host\nentries:\n  - nic: { id: x }\n    server: { product: 7 }\n';
    expect(problemsOf(text)?.problems).toEqual([
      'line 1, apiVersion: "vfleet/v2" is not vfleet/v1',
      'line 2, kind: "Host" is not ValidatedHardware',
      'line 4, entries[0].nic.id: "x" is no PCI ID such as 8086:1592',
      'line 5, entries[0].server.product: must be text, and 7 is not; put it in quotes',
    ]);
  });

  it('fails in one way only, whatever the text is', () => {
    const piece = fc.constantFrom(
      'entries:',
      '\n',
      '  ',
      '- ',
      'nic: ',
      '{ id: "8086:1592" }',
      '[',
      ']',
      '&a ',
      '*a',
      '#',
      'kernel: ',
      '>=6',
      "'",
      '\t',
      '!!set ',
      '---',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 40 }).map((pieces) => head + pieces.join('')),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect([undefined, 'spec.syntax', 'spec.invalid']).toContain(problemsOf(each)?.code);
      }),
    );
  });
});
