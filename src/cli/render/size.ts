// Owns the screen of `vfleet size`: the answer, a bar for each resource, what runs out first, what one more would change.
// The sentences are those of the report room, the same as on the HTML page.

import { hostName } from '../../report/host-names.ts';
import { countText, numberText } from '../../report/amounts.ts';
import { pfName } from '../../report/resource-parts.ts';
import {
  answerText,
  boundText,
  crossNodeTexts,
  moreCardTexts,
  moreVmTexts,
  nearText,
  policyText,
  runsOutText,
  unplacedTexts,
  vmText,
} from '../../report/sizing-words.ts';
import { type Pattern, placementsOnHost, type SizingResult } from '../../sizing/result.ts';
import type { Terminal } from '../context.ts';
import { renderHost } from './size-host.ts';
import { wrapText } from './table.ts';

export interface SizeScreenOptions {
  /** Also which machine stands on which host, and on which PFs. */
  readonly verbose: boolean;
}

/** Without a terminal (a file, a pipe) lines are as long as people expect them. */
const usualWidthColumns = 80;
/** Ways to fill a host, and sentences of one kind, that are listed unless everything is asked for. */
const maxShownPatterns = 8;
const maxShownTexts = 12;

/** Lines that show a sizing. */
export function renderSizing(result: SizingResult, terminal: Terminal, options: SizeScreenOptions): string[] {
  const lines = [...renderAnswer(result, terminal), '', ...renderMachines(result, terminal)];
  if (result.outcome === 'impossible') return [...lines, ...renderReasons(result, terminal)];
  for (const use of result.use) {
    const host = result.hosts[use.hostClass];
    if (host !== undefined) lines.push('', ...renderHost(host, use, terminal, widthOf(terminal)));
  }
  const runsOut = result.use.flatMap((use) => {
    const host = result.hosts[use.hostClass];
    return host === undefined ? [] : [runsOutText(host, use)];
  });
  const near = nearText(result);
  const section = (title: string, texts: readonly string[]): string[] =>
    renderSection(title, texts, terminal, options);
  return [
    ...lines,
    ...section('Runs out first', runsOut),
    ...section('Across NUMA nodes', [...crossNodeTexts(result), ...(near === undefined ? [] : [near])]),
    ...section('One more machine', moreVmTexts(result)),
    ...section('One more card', moreCardTexts(result)),
    ...renderPatterns(result, terminal, options),
    ...renderNotes(result, terminal, options),
  ];
}

function widthOf(terminal: Terminal): number {
  return terminal.widthColumns ?? usualWidthColumns;
}

function renderAnswer(result: SizingResult, terminal: Terminal): string[] {
  const width = widthOf(terminal);
  const style = result.outcome === 'fits' ? 'green' : 'red';
  const bound = boundText(result);
  return [
    ...wrapText(answerText(result), '', width).map((line) => terminal.style(style, line)),
    ...(bound === undefined ? [] : wrapText(bound, '', width)),
    ...unplacedTexts(result).flatMap((text) => wrapText(text, '  ', width)),
  ];
}

function renderMachines({ vms, policy }: SizingResult, terminal: Terminal): string[] {
  const width = widthOf(terminal);
  return [
    terminal.style('bold', 'Virtual machines'),
    ...vms.flatMap((vm) => wrapText(`${numberText(vm.count)} x ${vm.name}: ${vmText(vm)}`, '  ', width)),
    ...wrapText(policyText(policy), '  ', width).map((line) => terminal.style('dim', line)),
  ];
}

function renderReasons({ impossible }: SizingResult, terminal: Terminal): string[] {
  const width = widthOf(terminal);
  return impossible.flatMap(({ summary, facts }) => [
    '',
    ...wrapText(summary.slice(0, 1).toUpperCase() + summary.slice(1), '', width).map((line) =>
      terminal.style('bold', line),
    ),
    ...facts.flatMap(({ text }) => wrapText(text, '  - ', width)),
    ...wrapText(
      'These facts together make it impossible; without any one of them they do not.',
      '  ',
      width,
    ).map((line) => terminal.style('dim', line)),
  ]);
}

function renderSection(
  title: string,
  texts: readonly string[],
  terminal: Terminal,
  { verbose }: SizeScreenOptions,
): string[] {
  if (texts.length === 0) return [];
  const width = widthOf(terminal);
  const shown = verbose ? texts : texts.slice(0, maxShownTexts);
  const more = texts.length - shown.length;
  return [
    '',
    terminal.style('bold', title),
    ...shown.flatMap((text) => wrapText(text, '  ', width)),
    ...(more > 0 ? [`  and ${numberText(more)} more; --verbose shows all`] : []),
  ];
}

/** How hosts are filled: machines per class, and with `verbose` where each one stands. */
function renderPatterns(result: SizingResult, terminal: Terminal, { verbose }: SizeScreenOptions): string[] {
  const width = widthOf(terminal);
  const shown = verbose ? result.patterns : result.patterns.slice(0, maxShownPatterns);
  const lines = shown.flatMap((pattern) => {
    const machines = pattern.vmsPerHost.flatMap((count, at) =>
      count === 0 ? [] : [`${numberText(count)} x ${result.vms[at]?.name ?? ''}`],
    );
    const title = `${patternHosts(result, pattern)}: ${machines.join(', ')}`;
    return [...wrapText(title, '  ', width), ...(verbose ? renderSeats(result, pattern, width) : [])];
  });
  const more = result.patterns.length - shown.length;
  if (more > 0)
    lines.push(`  and ${countText(more, 'more way', 'more ways')} to fill a host; --verbose shows all`);
  return lines.length === 0 ? [] : ['', terminal.style('bold', 'On each host'), ...lines];
}

function patternHosts({ hosts }: SizingResult, { hostClass, firstHost, hostCount }: Pattern): string {
  const first = hostName(hosts, hostClass, firstHost);
  if (hostCount === 1) return first;
  return `${first} to ${hostName(hosts, hostClass, firstHost + hostCount - 1)}, ${countText(hostCount, 'host')}`;
}

/** Machines of the first host of a pattern; on its other hosts stand the next ones by number. */
function renderSeats(result: SizingResult, pattern: Pattern, width: number): string[] {
  const host = result.hosts[pattern.hostClass];
  if (host === undefined) return [];
  return placementsOnHost(pattern, pattern.firstHost).flatMap(({ vmClass, vm, seat }) => {
    const of = result.vms[vmClass];
    const nodes = seat.nodes.map((node) => host.nodes[node]?.node ?? node).join(' and ');
    const nics = seat.pfs.map((pfs, nic) => {
      const on = pfs.map(
        (pf) =>
          `${host.cards[host.ports[host.pfs[pf]?.port ?? -1]?.card ?? -1]?.name ?? ''} ${pfName(host, pf)}`,
      );
      return `${of?.nics?.[nic]?.network ?? ''} on ${on.join(' and ')}`;
    });
    const remote = seat.remoteVfs > 0 ? [`${countText(seat.remoteVfs, 'VF')} on another node`] : [];
    return wrapText(
      `${of?.name ?? ''}-${vm}: ${[`node ${nodes}`, ...nics, ...remote].join('; ')}`,
      '    ',
      width,
    );
  });
}

function renderNotes({ hosts }: SizingResult, terminal: Terminal, options: SizeScreenOptions): string[] {
  const notes = hosts.flatMap((host) => host.notes.map((note) => `${host.name}: ${note}`));
  return renderSection('Taken for granted', notes, terminal, options);
}
