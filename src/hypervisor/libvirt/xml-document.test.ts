import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from './outcome.fixture.ts';
import { vmOf } from './domain-state.ts';
import { liveXml } from './domain-xml.fixture.ts';
import { attributeOf, elementAt, parseXml, renderNewXml, renderXml, textOf } from './xml-document.ts';

const malformed: unknown = expect.objectContaining({ code: 'hypervisor.malformed' });

/** Reads text as libvirt's answer about a VM: either a VM comes of it, or `hypervisor.malformed`. */
function expectVmOrMalformed(text: string): void {
  const dom = { name: 'x', uuid: Buffer.alloc(16), id: 1 };
  const state = { state: 1, reason: 1 };
  const facts = { dom, state, persistent: true, liveXml: text, storedXml: text };
  expect([{ value: 'x' }, { code: 'hypervisor.malformed' }]).toContainEqual(
    outcomeOf(() => vmOf(facts).name),
  );
}

describe('XML', () => {
  test('comes out as it went in, with what vfleet does not know', () => {
    const once = renderXml(parseXml(liveXml, 'a test'));
    expect(once.replaceAll('"', "'")).toBe(liveXml);
  });

  test.each([
    '',
    ' ',
    'x',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a b=c/>',
    '<a b="1" b="2"/>',
    '<a>&unknown;</a>',
    '\0',
    '<',
  ])('refuses %j', (text) => {
    expect(() => parseXml(text, 'a test')).toThrow(malformed);
  });

  test('refuses document types', () => {
    for (const text of [
      '<!DOCTYPE d><d/>',
      '<!-- --><!DOCTYPE d [<!ELEMENT d EMPTY>]><d/>',
      '<d/><!DOCTYPE d>',
    ])
      expect(() => parseXml(text, 'a test')).toThrow(malformed);
  });

  test.each([
    ['CDATA', '<![CDATA[<!DOCTYPE html>]]>'],
    ['a comment', '<!-- <!DOCTYPE html> -->'],
    ['an instruction', '<?page <!DOCTYPE html> ?>'],
  ])('takes the words of a document type in %s for what they are', (_, inner) => {
    const text = `<domain><metadata>${inner}</metadata></domain>`;
    expect(renderXml(parseXml(text, 'a test'))).toBe(text);
  });

  test('puts nothing in the place of an entity, however often it is declared', () => {
    const laughs = Array.from(
      { length: 9 },
      (_, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`,
    );
    const bomb = `<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "lol">${laughs.join('')}]>`;
    const begin = performance.now();
    for (const root of ['<d>&l9;</d>', '<d a="&l9;"/>', '<d>&l0;</d>', '<d/>'])
      expect(() => parseXml(`${bomb}${root}`, 'a test')).toThrow(malformed);
    // A thousand million of them would take minutes.
    expect(performance.now() - begin).toBeLessThan(5000);
    const outside = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><domain>&x;</domain>';
    expect(() => parseXml(outside, 'a test')).toThrow(malformed);
  });

  test('refuses what is nested too deep, without falling over', () => {
    const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);
    expect(renderXml(parseXml(nested(200), 'a test'))).toHaveLength(7 * 200 - 3);
    for (const depth of [201, 20_000]) expect(() => parseXml(nested(depth), 'a test')).toThrow(malformed);
  });

  test('says what is wrong in one short line', () => {
    const text = `<domain>\n${'<x>'.repeat(500)}\n`;
    expect(() => parseXml(text, 'the definition of "web-1"')).toThrow(
      /^the definition of "web-1" [^\n]{1,260}$/,
    );
  });

  test('reads a text that was broken before it came into the document', () => {
    const root = parseXml('<domain><title a="caf\ufffd">caf\ufffd</title></domain>', 'a test');
    expect(textOf(elementAt(root, 'title'))).toBe('caf\ufffd');
    expect(renderXml(root)).toBe('<domain><title a="caf\ufffd">caf\ufffd</title></domain>');
  });

  test('holds any text as an attribute, or refuses it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (value) => {
        const outcome = outcomeOf(() =>
          attributeOf(parseXml(renderNewXml({ name: 'a', attributes: { b: value } }), 'a test'), 'b'),
        );
        expect([{ value }, { code: 'request.invalid' }]).toContainEqual(outcome);
      }),
      { numRuns: 400 },
    );
  });

  test('leaves out what is absent', () => {
    expect(renderNewXml({ name: 'a', attributes: { b: undefined }, children: [undefined] })).toBe('<a/>');
    expect(textOf(parseXml('<a> </a>', 'a test'))).toBeUndefined();
  });

  test('of any kind is a VM or malformed: junk', () => {
    expect.hasAssertions();
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), expectVmOrMalformed), {
      numRuns: 300,
    });
    const tokens = fc.constantFrom(
      '<domain>',
      '</domain>',
      '<devices>',
      '</devices>',
      "<interface type='hostdev'>",
      '</interface>',
      "<address type='pci' bus='0xzz' slot='99999999999'/>",
      "<vcpu cpuset='0-99999'>-1</vcpu>",
      "<memory unit='EiB'>1e999</memory>",
      "<vcpupin vcpu='-1' cpuset='^0'/>",
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&#0;',
      '&lt;',
      '<?x ?>',
      "xmlns='x'",
      '\ud800',
    );
    const soup = fc.array(tokens, { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(soup, (text) => {
        expectVmOrMalformed(text);
        expectVmOrMalformed(`<domain id='1'><devices>${text}</devices></domain>`);
      }),
      { numRuns: 300 },
    );
  });

  test('of any kind is a VM or malformed: a real one with bytes changed', () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(liveXml.length), fc.string({ maxLength: 3 })), { maxLength: 5 }),
        (edits) => {
          let text = liveXml;
          for (const [place, insert] of edits)
            text = text.slice(0, place) + insert + text.slice(place + insert.length);
          expectVmOrMalformed(text);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('of 200 kB of junk is a VM or malformed', () => {
    expect.hasAssertions();
    const pieces = [
      '<a b="',
      '<a>',
      '&lt;',
      ']]>',
      '<',
      '"',
      '<b/>',
      '<!-- -->',
      'x',
      '<x:b xmlns:x="u"/>',
      '&',
    ];
    for (const piece of pieces) {
      const junk = piece.repeat(Math.ceil(200_000 / piece.length));
      expectVmOrMalformed(junk);
      expectVmOrMalformed(`<domain id='1'><name>${junk}</name></domain>`);
    }
  });
});
