// Owns the pictures of the whole fleet: used hosts against the proven bound, and used hosts by class.
// Measures and marks only; colours are those of the page (sizing-style.ts).

import type { SizingResult } from '../sizing/result.ts';
import { type Html, markup } from './html.ts';
import { endText, fittingText, rect } from './shapes.ts';
import { countText, numberText } from './amounts.ts';
import { boundText, hostCountText } from './sizing-words.ts';

const pictureWidth = 960;
const labelWidth = 190;
const endWidth = 190;
const rowHeight = 34;
const barHeight = 18;
const barWidth = pictureWidth - labelWidth - endWidth;

/** Used hosts as a bar, with a mark at the bound and the gap hatched. */
export function boundPicture(result: SizingResult): Html {
  const { usedHosts, boundHosts } = result;
  const scale = barWidth / Math.max(1, usedHosts, boundHosts);
  const bound = boundHosts * scale;
  const used = usedHosts * scale;
  const bar = { x: labelWidth, y: 8, width: Math.min(used, bound), height: barHeight };
  const label = `${countText(usedHosts, 'host')} used, ${countText(boundHosts, 'host')} the proven lower bound. ${boundText(result) ?? ''}`;
  return markup`<svg
    class="picture"
    viewBox="0 0 ${pictureWidth} ${rowHeight * 2 + 6}"
    role="img"
    aria-label="${label}"
  >
    <defs>
      <pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="hatch" width="3" height="6" />
      </pattern>
    </defs>
    ${row(0, 'Used', countText(usedHosts, 'host'))}
    ${rect('fill', bar, 3)}
    ${used > bound ? rect('gap', { ...bar, x: labelWidth + bound, width: used - bound }, 0) : undefined}
    ${row(1, 'Proven lower bound', countText(boundHosts, 'host'))}
    ${rect('bound', { ...bar, y: rowHeight + 8, width: bound }, 3)}
    <line class="mark" x1="${labelWidth + bound}" x2="${labelWidth + bound}" y1="2" y2="${rowHeight * 2}" />
  </svg>`;
}

/** A bar for every class of hosts: used of those that there are. */
export function fleetPicture(result: SizingResult): Html {
  const rows = result.hosts.map((host, at) => ({
    host,
    used: result.use.find(({ hostClass }) => hostClass === at)?.usedHosts ?? 0,
  }));
  const most = Math.max(1, ...rows.map(({ host, used }) => host.count ?? used));
  const drawn = rows.map(({ host, used }, at) => {
    const there = host.count ?? used;
    const bar = { x: labelWidth, y: at * rowHeight + 8, width: (barWidth * there) / most, height: barHeight };
    return markup`${row(at, host.name, `${numberText(used)} of ${hostCountText(host)}`)}
      ${rect('track', bar, 3)}${rect('fill', { ...bar, width: (barWidth * used) / most }, 3)}`;
  });
  const label = rows.map(
    ({ host, used }) => `${host.name}: ${numberText(used)} of ${hostCountText(host)} used`,
  );
  return markup`<svg
    class="picture"
    viewBox="0 0 ${pictureWidth} ${rows.length * rowHeight}"
    role="img"
    aria-label="${label.join('; ')}"
  >
    ${drawn}
  </svg>`;
}

function row(at: number, label: string, end: string): Html {
  const y = at * rowHeight + 22;
  return markup`${fittingText('label', 0, y, label, labelWidth - 10)}${endText(pictureWidth, y, end)}`;
}
