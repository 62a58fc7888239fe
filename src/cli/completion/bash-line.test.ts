import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteForBash, readBashLine } from './bash-line.ts';

const breaks = ' \t\n"\'@><=;|&(:';
/** What a name can hold that reaches a command line at all. */
const names = fc.stringMatching(/^[^\p{C}\p{Zl}\p{Zp}]{1,30}$/u);

describe('a line of bash', () => {
  it.each([
    ['vfleet ', { words: ['vfleet'], current: '' }],
    ['vfleet attach we', { words: ['vfleet', 'attach'], current: 'we', kept: '' }],
    ['vfleet  a\\ b "c d" \'e\'"f"g', { words: ['vfleet', 'a b', 'c d'], current: 'efg' }],
    ['vfleet --host sim:ig', { current: 'sim:ig', kept: 'sim:' }],
    ['vfleet --host=sim:', { current: '--host=sim:', kept: '--host=sim:' }],
    ['vfleet "my v', { current: 'my v', kept: '', quote: '"' }],
    ['vfleet a:b"my v', { current: 'a:bmy v', kept: 'a:b', quote: '"' }],
    ["vfleet 'it:$(x)\\", { current: 'it:$(x)\\', kept: '', quote: "'" }],
    ['vfleet "a\\$\\x', { current: 'a$\\x', quote: '"' }],
    ['vfleet a\\:b', { current: 'a:b', kept: '' }],
    ['vfleet x\\', { current: 'x', kept: '' }],
    ['vfleet "" \'\' ', { words: ['vfleet', '', ''], current: '' }],
    ['vfleet show --json 2>er', { words: ['vfleet', 'show', '--json'], current: 'er', isRedirection: true }],
    ['vfleet show >all 2>&1 --js', { words: ['vfleet', 'show'], current: '--js', isRedirection: false }],
  ])('%j is read as bash reads it', (line, parts) => {
    expect(readBashLine(line, breaks)).toMatchObject(parts);
  });

  it('never fails, and has no more than is typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        const { words, current, kept } = readBashLine(line, breaks);
        expect(current.startsWith(kept)).toBe(true);
        expect([...words, current].join('').length).toBeLessThanOrEqual(line.length);
      }),
    );
  });

  it('holds a quoted name as one word, behind any quote and any break', () => {
    fc.assert(
      fc.property(names, fc.constantFrom('', '"', "'"), (name, quote) => {
        const written = quoteForBash(name, quote);
        fc.pre(written !== undefined);
        const read = readBashLine(`vfleet attach ${quote}${written}`, breaks);
        expect(read.words).toEqual(['vfleet', 'attach']);
        expect(read.current).toBe(name);
        // What is left of it when readline keeps its beginning is the same name again.
        const rest = quoteForBash(name.slice(read.kept.length), quote) ?? '';
        const again = readBashLine(`x ${quote}${quoteForBash(read.kept, quote)}${rest}`, breaks);
        expect(again.current).toBe(name);
      }),
    );
  });
});
