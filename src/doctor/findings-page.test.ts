import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderFindingsPage } from './testing/findings-page.ts';

/** Words of a page, without what formatting may change: line breaks, the width of tables, escapes. */
function wordsOf(page: string): string[] {
  return page
    .replaceAll('\\', '')
    .split(/\s+/)
    .map((word) => word.replace(/^-+$/, '-'))
    .filter((word) => word !== '');
}

it('docs/findings.md is what the tables of findings say', () => {
  expect(wordsOf(readFileSync('docs/findings.md', 'utf8'))).toEqual(wordsOf(renderFindingsPage()));
});
