import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { impossible, onSnapshot, sized, simSnapshot, smallFleet, tight } from '../../report/testing/sized.ts';
import type { Terminal } from '../context.ts';
import { renderSizing } from './size.ts';

function terminal(widthColumns: number | undefined, isUtf8 = true): Terminal {
  return {
    print: () => undefined,
    note: () => undefined,
    rewrite: undefined,
    widthColumns,
    isUtf8,
    style: (_, text) => text,
    confirm: undefined,
  };
}

const barOf = (line: string): number => /[█▒░]+/.exec(line)?.[0].length ?? 0;

describe('the screen of a sizing', () => {
  it('is the golden text at 80 columns', async () => {
    const { result } = await sized(tight);
    const text = `${renderSizing(result, terminal(80), { verbose: true }).join('\n')}\n`;
    expect(text).toBe(readFileSync(new URL('testing/size-80.txt', import.meta.url), 'utf8'));
  });

  it.each([80, 100, 132, 200])('fits %i columns', async (width) => {
    const { result } = await sized(smallFleet);
    for (const line of renderSizing(result, terminal(width), { verbose: true })) {
      expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  it('has longer bars where there is room, and 80 columns without a terminal', async () => {
    const { result } = await sized(smallFleet);
    const longest = (width: number | undefined): number =>
      Math.max(...renderSizing(result, terminal(width), { verbose: false }).map(barOf));
    expect(longest(200)).toBeGreaterThanOrEqual(longest(80) * 3);
    expect(longest(undefined)).toBe(longest(80));
  });

  it('is plain ASCII on a terminal that shows nothing else', async () => {
    const { result } = await sized(smallFleet);
    const text = renderSizing(result, terminal(80, false), { verbose: true }).join('\n');
    expect(text).toMatch(/^[\n\u0020-\u007e]*$/);
    expect(text).toMatch(/vCPUs +#+=*\.* +\d+ %/);
  });

  it('has a bar for every limited resource of a host that was read', async () => {
    const { result } = await sized(onSnapshot, await simSnapshot('mixed-numa'));
    const lines = renderSizing(result, terminal(80), { verbose: true });
    const limited = result.use.flatMap(({ resources }) =>
      resources.filter(({ capacity }) => capacity !== undefined),
    );
    expect(lines.filter((line) => barOf(line) > 0)).toHaveLength(limited.length);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('names the facts of what cannot be', async () => {
    const { result } = await sized(impossible);
    const text = renderSizing(result, terminal(80), { verbose: false }).join('\n');
    expect(text).toContain('This cannot fit.');
    expect(text).toMatch(/ {2}- a machine of db needs 300 vCPUs/);
    expect(text).not.toContain('█');
  });

  it('lets no escape sequence of a name through', async () => {
    const { result } = await sized(smallFleet);
    const evil = '\u001b[31mred\u0007';
    const named = {
      ...result,
      hosts: result.hosts.map((host) => ({
        ...host,
        name: evil,
        notes: [evil],
        ports: host.ports.map((port) => ({ ...port, name: evil })),
        cards: host.cards.map((card) => ({ ...card, name: evil })),
      })),
    };
    const text = renderSizing(named, terminal(80), { verbose: true }).join('\n');
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u0007');
  });
});
