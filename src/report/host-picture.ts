// Owns the picture of a host: its NUMA nodes with their cards, and a bar for the use of every resource.
// Measures and marks only; colours are those of the page (sizing-style.ts).

import type { HostModel } from '../sizing/host-model.ts';
import type { HostClassUse, ResourceUse } from '../sizing/result.ts';
import { type Html, markup } from './html.ts';
import { type Box, endText, fittingText, rect, textWidth } from './shapes.ts';
import { amountNumber, fullShare, percentText, scarceShare, useText } from './amounts.ts';
import { type ResourcePart, resourceParts } from './resource-parts.ts';

/** Units of the picture's own coordinate system; the page scales it to its width. */
const pictureWidth = 960;
const gap = 16;
const padding = 14;
const rowHeight = 24;
const titleHeight = 26;
/** Labels longer than this are shortened; the bars need room as well. */
const maxLabelWidth = 190;
const barHeight = 12;

/** Room for the labels before the bars, and for the amounts behind them: the same in the whole picture. */
interface Columns {
  readonly label: number;
  readonly amount: number;
}

function columnsFor(parts: readonly ResourcePart[]): Columns {
  const rows = parts.flatMap(({ resources }) => resources);
  const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map(textWidth)) + 8;
  return {
    label: Math.min(maxLabelWidth, longest(rows.map(({ label }) => label))),
    amount: longest(rows.map(({ use }) => useText(use))),
  };
}

/** A node, or the cards whose node is not known, with what stands in it. */
interface Panel {
  readonly title: string;
  readonly parts: readonly ResourcePart[];
}

/** The picture, with a text in its place for those who cannot see it. */
export function hostPicture(host: HostModel, use: HostClassUse): Html {
  const allParts = resourceParts(host, use);
  const panels = panelsOf(host, allParts);
  const texts = columnsFor(allParts);
  const columns = panels.length > 1 ? 2 : 1;
  const width = (pictureWidth - gap * (columns - 1)) / columns;
  const bottoms = Array.from({ length: columns }, () => 0);
  const drawn = panels.map((panel) => {
    const column = bottoms.indexOf(Math.min(...bottoms));
    const y = bottoms[column] ?? 0;
    const height = panelHeight(panel);
    bottoms[column] = y + height + gap;
    return drawPanel(panel, { x: column * (width + gap), y, width, height }, texts);
  });
  const height = Math.max(0, Math.max(...bottoms) - gap);
  const summary = panels.flatMap(({ parts }) =>
    parts.flatMap(({ title, resources }) => partSummary(title, resources)),
  );
  return markup`<svg
    class="picture"
    viewBox="-1 -1 ${pictureWidth + 2} ${height + 2}"
    role="img"
    aria-label="${`${host.name}: ${summary.join('; ')}`}"
  >
    ${drawn}
  </svg>`;
}

function partSummary(title: string, resources: ResourcePart['resources']): string[] {
  return resources.map(({ label, use }) => `${title} ${label} ${useText(use)}`);
}

/** Nodes with the cards on them; cards of unknown nodes have a panel of their own. */
function panelsOf(host: HostModel, parts: readonly ResourcePart[]): readonly Panel[] {
  const nodes = host.nodes.map(({ node }, at): Panel => ({
    title: `NUMA node ${node}`,
    parts: parts.filter(
      (part) => part.node === at || (part.card !== undefined && host.cards[part.card]?.node === at),
    ),
  }));
  const astray = parts.filter((part) => part.card !== undefined && host.cards[part.card]?.node === undefined);
  const all = astray.length === 0 ? nodes : [...nodes, { title: 'NUMA node not known', parts: astray }];
  return all.filter((panel) => panel.parts.length > 0);
}

function panelHeight({ parts }: Panel): number {
  return titleHeight + padding + parts.reduce((sum, part) => sum + partHeight(part), 0);
}

function partHeight({ card, resources }: ResourcePart): number {
  const rows = resources.length * rowHeight;
  return card === undefined ? rows + 6 : titleHeight + rows + 18;
}

function drawPanel(panel: Panel, box: Box, texts: Columns): Html {
  let y = box.y + titleHeight + 6;
  const inside = { x: box.x + padding, width: box.width - 2 * padding };
  const parts = panel.parts.map((part) => {
    const drawn = drawPart(part, { ...inside, y }, texts);
    y += partHeight(part);
    return drawn;
  });
  return markup`${rect('node', box, 8)}
    <text class="name" x="${inside.x}" y="${box.y + 21}">${panel.title}</text>${parts}`;
}

function drawPart(part: ResourcePart, { x, y, width }: Omit<Box, 'height'>, texts: Columns): Html {
  if (part.card === undefined) {
    const rows = part.resources.map(({ label, use }, at) =>
      drawRow(label, use, { x, y: y + at * rowHeight, width }, texts),
    );
    return markup`${rows}`;
  }
  const [name = ''] = part.title.split(/, node [^,]*$/);
  const height = partHeight(part) - 10;
  const inner = { x: x + 10, width: width - 20 };
  const rows = part.resources.map(({ label, use }, at) =>
    drawRow(label, use, { ...inner, y: y + titleHeight + at * rowHeight }, texts),
  );
  return markup`${rect('card', { x, y, width, height }, 5)}
    ${fittingText('card-name', inner.x, y + 19, name, inner.width)}${rows}`;
}

function drawRow(
  label: string,
  use: ResourceUse,
  { x, y, width }: Omit<Box, 'height'>,
  texts: Columns,
): Html {
  const baseline = y + 15;
  const barWidth = Math.max(0, width - texts.label - texts.amount);
  const box = { x: x + texts.label, y: y + 5, width: barWidth, height: barHeight };
  return markup`${fittingText('label', x, baseline, label, texts.label)}${bar(use, box)}
    ${endText(x + width, baseline, useText(use), useTitle(label, use))}`;
}

function useTitle(label: string, use: ResourceUse): string {
  const mean = amountNumber(use.kind, use.mean);
  return `${label}: ${useText(use)}, ${mean} in the mean`;
}

/** A bar: filled to the mean of all used hosts, lighter up to the fullest one. */
function bar({ capacity, mean, most }: ResourceUse, box: Box): Html | undefined {
  if (capacity === undefined || capacity <= 0) return undefined;
  const share = Math.min(1, mean / capacity);
  const top = Math.min(1, most / capacity);
  return markup`${rect('track', box, 3)}
    ${rect('most', { ...box, width: top * box.width }, 3)}
    ${rect(fillClass(share), { ...box, width: share * box.width }, 3, markup`<title>${percentText(share)}</title>`)}`;
}

/** The class of a bar by its share: usual, scarce or full. */
function fillClass(share: number): string {
  return share >= fullShare ? 'fill full' : share >= scarceShare ? 'fill scarce' : 'fill';
}
