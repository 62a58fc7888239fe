// Owns the HTML report of `vfleet size`: one file with pictures and the tables behind them.
// Nothing in it is loaded from elsewhere, and nothing in it runs; every value goes through html.ts.

import type { HostModel } from '../sizing/host-model.ts';
import type { HostClassUse, SizingResult } from '../sizing/result.ts';
import { boundPicture, fleetPicture } from './fleet-picture.ts';
import { hostPicture } from './host-picture.ts';
import { Html, type HtmlValue, markup } from './html.ts';
import { sizingStyle } from './sizing-style.ts';
import { amountNumber, countText, numberText, percentText, unitOf } from './amounts.ts';
import { nodeText, pfUses, resourceParts } from './resource-parts.ts';
import {
  answerText,
  boundText,
  crossNodeTexts,
  hostCountText,
  moreCardTexts,
  moreVmTexts,
  nearText,
  policyText,
  runsOutText,
  unplacedTexts,
  vmText,
} from './sizing-words.ts';

export interface SizingPageOptions {
  /** Name of the workload file, for the title. */
  readonly fileName: string;
  /** Version of vfleet. */
  readonly version: string;
}

/** Classes of hosts with a picture each; the others stand in the table. */
const maxPictures = 40;

/** The text of the page. */
export function renderSizingPage(result: SizingResult, options: SizingPageOptions): string {
  const title = `Sizing of ${options.fileName}`;
  const policy = "default-src 'none'; style-src 'unsafe-inline'";
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Html(sizingStyle)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${answer(result)} ${result.outcome === 'impossible' ? reasons(result) : packed(result)}
          ${machines(result)} ${notes(result)}
        </main>
        <footer><p class="quiet">Made by vfleet ${options.version}. ${policyText(result.policy)}</p></footer>
      </body>
    </html> `;
  return page.text;
}

function answer(result: SizingResult): Html {
  const bound = boundText(result);
  const unplaced = unplacedTexts(result);
  return markup`<p class="answer ${result.outcome}">${answerText(result)}</p>
    ${bound === undefined ? undefined : markup`<p>${bound}</p>`} ${list(unplaced)}`;
}

/** Each proof that it cannot fit, with the facts that make it. */
function reasons({ impossible }: SizingResult): HtmlValue {
  return impossible.map(
    ({ summary, facts }) =>
      markup`<section class="panel">
        <h2>${sentence(summary)}</h2>
        <p class="quiet">
          These facts together make it impossible; leave any of them out, and they no longer do:
        </p>
        ${list(facts.map(({ text }) => text))}
      </section> `,
  );
}

function packed(result: SizingResult): HtmlValue {
  return [
    markup`<section>
      <h2>Hosts</h2>
      <div class="panel">${boundPicture(result)}</div>
      <div class="panel">${fleetPicture(result)}${behind('Hosts by class', fleetTable(result))}</div>
    </section> `,
    markup`<section>
      <h2>What runs out first</h2>
      ${list(result.use.flatMap((use) => hostOf(result, use).map((host) => runsOutText(host, use))))}
    </section> `,
    markup`<section>
      <h2>Use of each host</h2>
      <p class="quiet">
        <span class="key mean"></span>mean of the used hosts<span class="key highest"></span>the fullest
        one<span class="key near"></span>85 % or more<span class="key none"></span>98 % or more
      </p>
      ${result.use.slice(0, maxPictures).map((use) => hostOf(result, use).map((host) => hostSection(host, use)))}
      ${result.use.length > maxPictures ? markup`<p>Pictures of ${result.use.length - maxPictures} more classes are left out.</p>` : undefined}
    </section> `,
    markup`<section>
      <h2>Across NUMA nodes</h2>
      ${list([...crossNodeTexts(result), ...(nearText(result) === undefined ? [] : [nearText(result) ?? ''])])}
    </section> `,
    result.marginal === undefined
      ? undefined
      : markup`<section>
          <h2>One more</h2>
          ${list([...moreVmTexts(result), ...moreCardTexts(result)])}
        </section> `,
  ];
}

function hostOf(result: SizingResult, { hostClass }: HostClassUse): HostModel[] {
  const host = result.hosts[hostClass];
  return host === undefined ? [] : [host];
}

function hostSection(host: HostModel, use: HostClassUse): Html {
  return markup`<section class="panel">
    <h3>${host.name}: ${countText(use.usedHosts, 'host')} used of ${hostCountText(host)}</h3>
    <div class="wide">${hostPicture(host, use)}</div>
    ${behind('Resources', resourceTable(host, use))}
    <h3>VFs of each PF</h3>
    ${pfTable(host, use)}
  </section> `;
}

function fleetTable({ hosts, use }: SizingResult): Html {
  const rows = hosts.map((host, at) => {
    const used = use.find(({ hostClass }) => hostClass === at)?.usedHosts ?? 0;
    return markup`<tr>
      <th scope="row">${host.name}</th>
      <td class="number">${numberText(used)}</td>
      <td class="number">${hostCountText(host)}</td>
      <td class="number">${host.nodes.length}</td>
      <td>${host.cards.map(({ name }, card) => `${name}, ${nodeText(host, card)}`).join('; ')}</td>
    </tr>`;
  });
  return table(['Class', '#Used', '#There are', '#NUMA nodes', 'Cards'], rows);
}

function resourceTable(host: HostModel, use: HostClassUse): Html {
  const rows = resourceParts(host, use).flatMap(({ title, resources }) =>
    resources.map(({ label, use: { kind, capacity, least, mean, most } }) => {
      const of = capacity === undefined ? 'no limit known' : amountNumber(kind, capacity);
      const share = capacity === undefined || capacity <= 0 ? '' : percentText(mean / capacity);
      const amounts = [least, mean, most].map(
        (amount) => markup`<td class="number">${amountNumber(kind, amount)}</td>`,
      );
      return markup`<tr>
        <td>${title}</td>
        <th scope="row">${label}</th>
        ${amounts}
        <td class="number">${of}</td>
        <td>${unitOf(kind)}</td>
        <td class="number">${share}</td>
      </tr>`;
    }),
  );
  return table(['Part', 'Resource', '#Least', '#Mean', '#Most', '#Of', 'Unit', '#Mean used'], rows);
}

function pfTable(host: HostModel, use: HostClassUse): Html {
  const rows = pfUses(host, use).map(
    (pf) =>
      markup`<tr>
        <th scope="row">${pf.address}</th>
        <td>${pf.card}, ${pf.name}</td>
        <td>${pf.networks}</td>
        <td class="number">
          ${pf.least === pf.most ? numberText(pf.most) : `${numberText(pf.least)}-${numberText(pf.most)}`}
        </td>
        <td class="number">${pf.spare}</td>
        <td class="number">${pf.total}</td>
      </tr>`,
  );
  return table(['PF', 'Where', 'Networks', '#VFs used', '#Spare', '#Of'], rows);
}

function machines({ vms }: SizingResult): Html {
  const rows = vms.map(
    (vm) =>
      markup`<tr>
        <th scope="row">${vm.name}</th>
        <td class="number">${numberText(vm.count)}</td>
        <td>${vmText(vm)}</td>
      </tr>`,
  );
  return markup`<section>
    <h2>Virtual machines</h2>
    ${table(['Class', '#Machines', 'Each'], rows)}
  </section> `;
}

function notes({ hosts }: SizingResult): Html | undefined {
  const texts = hosts.flatMap(({ name, notes: of }) => of.map((note) => `${name}: ${note}`));
  return texts.length === 0
    ? undefined
    : markup`<section>
        <h2>Taken for granted</h2>
        ${list(texts)}
      </section> `;
}

/** A table that is folded away behind its picture; printers and readers of tables open it. */
function behind(title: string, content: Html): Html {
  return markup`<details>
    <summary>${title} as a table</summary>
    ${content}
  </details>`;
}

/** Titles that begin with # stand over numbers. */
function table(titles: readonly string[], rows: readonly Html[]): Html {
  const heads = titles.map((title) =>
    title.startsWith('#')
      ? markup`<th scope="col" class="number">${title.slice(1)}</th>`
      : markup`<th scope="col">${title}</th>`,
  );
  return markup`<div class="wide">
    <table>
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function list(texts: readonly string[]): Html | undefined {
  return texts.length === 0
    ? undefined
    : markup`<ul>
        ${texts.map((text) => markup`<li>${text}</li>`)}
      </ul>`;
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
