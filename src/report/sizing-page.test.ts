import { describe, expect, it } from 'vitest';
import type { HostModel } from '../sizing/host-model.ts';
import type { SizingResult } from '../sizing/result.ts';
import { renderSizingPage } from './sizing-page.ts';
import { impossible, sized, smallFleet } from './testing/sized.ts';

const options = { fileName: 'workload.yaml', version: '1.2.3' };
const attack = `"><script>alert('x')</script><img src=x onerror=alert(1)>&`;

/** The same result with a hostile text in the place of every name. */
function attacked(result: SizingResult): SizingResult {
  return {
    ...result,
    vms: result.vms.map((vm) => ({
      ...vm,
      name: attack,
      nics: vm.nics?.map((nic) => ({ ...nic, network: attack })),
    })),
    hosts: result.hosts.map((host): HostModel => ({
      ...host,
      name: attack,
      cards: host.cards.map((card) => ({ ...card, name: attack })),
      ports: host.ports.map((port) => ({ ...port, name: attack, networks: [attack] })),
      pfs: host.pfs.map((pf) => ({ ...pf, address: attack })),
      notes: [attack],
    })),
    impossible: result.impossible.map((each) => ({
      ...each,
      summary: attack,
      facts: each.facts.map((fact) => ({ ...fact, text: attack })),
    })),
  };
}

/** Names of the elements of a page, with how often each is opened. */
function elementsOf(page: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [, name = ''] of page.matchAll(/<([a-zA-Z!][^\s/>]*)/g))
    counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

describe('the page of a sizing', () => {
  it.each([
    ['a fleet that fits', smallFleet],
    ['one that cannot fit', impossible],
  ])('has the same elements whatever the names are: %s', async (_, text) => {
    const { result } = await sized(text);
    const plain = renderSizingPage({ ...result, hosts: withNotes(result.hosts) }, options);
    const page = renderSizingPage(attacked(result), { fileName: attack, version: attack });
    expect(elementsOf(page)).toEqual(elementsOf(plain));
    expect(elementsOf(page).has('script')).toBe(false);
    expect(elementsOf(page).has('img')).toBe(false);
    expect(page).toContain('&quot;&gt;&lt;script&gt;');
  });

  it('loads nothing and runs nothing', async () => {
    const page = renderSizingPage((await sized(smallFleet)).result, options);
    expect(page).not.toMatch(/<script|<link|<iframe|https?:|@import|\bon[a-z]+=|src=|href=|url\((?!#gap\))/);
    expect(page).toContain(`content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"`);
  });

  it('closes every element that it opens', async () => {
    const page = renderSizingPage((await sized(smallFleet)).result, options);
    for (const name of [
      'html',
      'body',
      'main',
      'section',
      'table',
      'tr',
      'td',
      'th',
      'ul',
      'li',
      'svg',
      'text',
      'title',
      'details',
    ]) {
      const opened = page.match(new RegExp(`<${name}[\\s>]`, 'g'))?.length;
      expect([name, page.match(new RegExp(`</${name}>`, 'g'))?.length]).toEqual([name, opened]);
    }
  });

  it('says the answer, the bound, and tells each picture in words with a table behind it', async () => {
    const { result } = await sized(smallFleet);
    const page = renderSizingPage(result, options);
    expect(page).toContain(`<p class="answer fits">Everything fits on ${result.usedHosts} hosts.</p>`);
    const pictures = page.match(
      /<svg\s+class="picture"\s+viewBox="[-0-9. ]+"\s+role="img"\s+aria-label="[^"]{10,}"/g,
    );
    expect(pictures).toHaveLength(page.match(/<svg/g)?.length ?? 0);
    expect(pictures?.length).toBe(2 + result.use.length);
    expect(page).toContain('<th scope="row">port 0 VFs</th>');
    expect(page).toContain('aria-label="rack: NUMA node 0 vCPUs');
  });

  it('shows the facts that make it impossible, and no empty pictures', async () => {
    const { result } = await sized(impossible);
    const page = renderSizingPage(result, options);
    expect(page).toContain('This cannot fit.');
    for (const { facts } of result.impossible)
      for (const { text } of facts) expect(page).toContain(`<li>${text}</li>`);
    expect(page).not.toContain('<svg');
  });

  it('is the same for the same sizing', async () => {
    const first = renderSizingPage((await sized(smallFleet)).result, options);
    expect(renderSizingPage((await sized(smallFleet)).result, options)).toBe(first);
  });
});

function withNotes(hosts: readonly HostModel[]): HostModel[] {
  return hosts.map((host) => ({ ...host, notes: ['a note'] }));
}
