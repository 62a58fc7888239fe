import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../base/errors.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { addPresent } from './addition.ts';
import { matchHost } from './match.ts';
import { parseValidatedList } from './parsed-list.ts';
import { exampleCard, exampleList, examplePlatform, exampleServer } from './testing/example-server.ts';

const head = 'apiVersion: vfleet/v1\nkind: ValidatedHardware\n';

const newEntry = [
  "server: { vendor: 'Dell Inc.', product: 'PowerEdge R740' }",
  "nic: { id: '8086:1592', subsystem: '8086:0002' }",
  "firmware: '4.40 0x8001c967 1.3534.0'",
  "driver: { name: 'ice' }",
  "kernel: '6.12.9-amd64'",
  "hypervisor: { qemu: '10.0.2', libvirt: '11.3.0' }",
  "note: 'recorded on web-7, 2026-03-01'",
];

function lines(indent: string): string {
  return newEntry.map((line, index) => `${indent}${index === 0 ? '- ' : '  '}${line}\n`).join('');
}

function verdictsOf(text: string, snapshot: Snapshot): string[] {
  return matchHost(parseValidatedList(text, 'list.yaml'), snapshot).map(({ verdict }) => verdict);
}

describe('adding the present host to a validated list', () => {
  it('begins a list where there is none', () => {
    const { text, added, covered } = addPresent('', exampleServer());
    expect(text).toBe(`${head}entries:\n${lines('  ')}`);
    expect(added).toEqual([{ address: '0000:17:00.0', number: 1, omitted: [] }]);
    // The second port is the same combination.
    expect(covered).toEqual(['0000:17:00.1']);
  });

  it('keeps comments of a file that has nothing else', () => {
    const { text } = addPresent('# ours\n\n# from 2026\n', exampleServer());
    expect(text).toBe(`# ours\n\n# from 2026\n${head}entries:\n${lines('  ')}`);
  });

  it('changes nothing where an entry covers the host', () => {
    const { text, added, covered } = addPresent(exampleList, exampleServer());
    expect({ text, added }).toEqual({ text: exampleList, added: [] });
    expect(covered).toEqual(['0000:17:00.0', '0000:17:00.1']);
  });

  it.each([
    ['behind the last entry', exampleList, `${exampleList}${lines('  ')}`],
    [
      'before the keys that follow',
      `${head}entries:\n- nic: { id: '8086:1593' }   # one\n  # still one\n\n# the end\n`,
      `${head}entries:\n- nic: { id: '8086:1593' }   # one\n  # still one\n${lines('')}\n# the end\n`,
    ],
    [
      'before other keys',
      `entries:\n    - nic:\n        id: '8086:1593'\n\napiVersion: vfleet/v1\nkind: ValidatedHardware`,
      `entries:\n    - nic:\n        id: '8086:1593'\n${lines('    ')}\napiVersion: vfleet/v1\nkind: ValidatedHardware`,
    ],
    [
      'without an end of line at the end',
      `${head}entries:\n  - nic: { id: '8086:1593' }`,
      `${head}entries:\n  - nic: { id: '8086:1593' }\n${lines('  ')}`,
    ],
    [
      'behind a text of several lines',
      `${head}entries:\n  - nic: { id: '8086:1593' }\n    note: |\n      one\n      two\n`,
      `${head}entries:\n  - nic: { id: '8086:1593' }\n    note: |\n      one\n      two\n${lines('  ')}`,
    ],
    [
      'in place of an empty list',
      `${head}entries: [] # none yet\n# end\n`,
      `${head}entries: # none yet\n${lines('  ')}# end\n`,
    ],
    [
      'with the ends of lines of the file',
      `${head}entries:\n  - nic: { id: '8086:1593' }\n`.replaceAll('\n', '\r\n'),
      `${head}entries:\n  - nic: { id: '8086:1593' }\n${lines('  ')}`.replaceAll('\n', '\r\n'),
    ],
  ])('writes %s, and leaves all else alone', (_, before, after) => {
    const snapshot = exampleServer();
    const differing = exampleServer({ host: { ...snapshot.host, kernelRelease: '6.14.0' } });
    const other = before === exampleList ? differing : snapshot;
    const expected = before === exampleList ? after.replace('6.12.9-amd64', '6.14.0') : after;
    const { text } = addPresent(before, other);
    // An own driver version is named where it is not the kernel's.
    expect(text.replace("{ name: 'ice', version: '6.12.9-amd64' }", "{ name: 'ice' }")).toBe(expected);
    expect(verdictsOf(text, other)).toEqual(['validated', 'validated']);
  });

  it.each([
    ['in brackets', `${head}# one line\nentries: [{ nic: { id: '8086:1593' } }] # done\n`],
    ['all in braces', `{ apiVersion: vfleet/v1, kind: ValidatedHardware, entries: [] } # done\n`],
  ])('keeps entries and comments of a list %s', (_, before) => {
    const { text } = addPresent(before, exampleServer());
    expect(text).toContain('# done');
    expect(verdictsOf(text, exampleServer())).toEqual(['validated', 'validated']);
    const old = parseValidatedList(before, 'list.yaml').list.entries;
    expect(parseValidatedList(text, 'list.yaml').list.entries.slice(0, old.length)).toEqual(old);
  });

  it('leaves out what it does not know, and says so', () => {
    const { firmware: _, ...card } = exampleCard();
    const unread = [{ what: 'firmware', why: 'needs root', fact: 'pfs.0000:17:00.0.firmware' }];
    const { platform: __, ...server } = exampleServer({ pfs: [card], unread });
    const { text, added } = addPresent('', server);
    expect(added[0]?.omitted).toEqual([
      { key: 'server.vendor' },
      { key: 'server.product' },
      { key: 'firmware', why: 'needs root' },
      { key: 'hypervisor.qemu' },
      { key: 'hypervisor.libvirt' },
    ]);
    expect(text).not.toMatch(/firmware|server|hypervisor/);
    expect(addPresent(text, server).text).toBe(text);
  });

  it('skips PFs that are no PCI devices', () => {
    const { vendorId: _, deviceId: __, ...pf } = exampleCard({ address: 'netdevsim/netdevsim1' });
    const { text, skipped } = addPresent(exampleList, exampleServer({ pfs: [pf] }));
    expect({ text, skipped }).toEqual({ text: exampleList, skipped: ['netdevsim/netdevsim1'] });
  });

  it('refuses a file that is no list', () => {
    expect(() => addPresent('kind: Host\n', exampleServer(), 'mine.yaml')).toThrow(VfleetError);
    expect(() => addPresent('a: [', exampleServer(), 'mine.yaml')).toThrow(VfleetError);
  });

  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom(
      '',
      ' ',
      '6.10',
      '>=1',
      '22.*',
      "it's",
      'a: b # c',
      '- x',
      '\u2028',
      '{ }',
      '"',
      '~',
      'null',
      '---',
    ),
  );

  it('records any host so that it is validated, and adding it twice changes nothing', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', exampleList, `${head}entries: []\n`),
        fc.record({ firmware: hostile, driver: hostile, driverVersion: hostile }),
        fc.record({ vendor: hostile, product: hostile, qemu: hostile, kernel: hostile, name: hostile }),
        (before, card, { vendor, product, qemu, kernel, name }) => {
          const snapshot = exampleServer();
          const host = exampleServer({
            host: { ...snapshot.host, name, kernelRelease: kernel },
            platform: examplePlatform({
              firmware: { vendor, product, uefi: true },
              programs: { qemu, lldp: false },
            }),
            pfs: [exampleCard(card)],
          });
          const once = addPresent(before, host);
          expect(verdictsOf(once.text, host)).toEqual(['validated']);
          const twice = addPresent(once.text, host);
          expect(twice).toMatchObject({ text: once.text, added: [] });
        },
      ),
      { numRuns: 300 },
    );
  });
});
