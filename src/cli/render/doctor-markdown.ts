// Owns the report of `vfleet doctor` as Markdown: for tickets, wikis and mail.

import type { DoctorReport, Finding } from '../../model/finding.ts';
import { collectKinds, countsText, groupTitles, orderGroups, titleOf, verdictTexts } from './doctor.ts';
import type { FindingSet } from './doctor.ts';
import { printable } from './table.ts';

/** The whole report, with every finding that is good in a table at the end. */
export function renderDoctorMarkdown(report: DoctorReport): string {
  const { host, takenAt, findings } = report;
  const lines = [
    `# SR-IOV on ${escaped(host.name)}`,
    '',
    `Kernel ${escaped(host.kernelRelease)}, read ${escaped(takenAt)}.`,
    '',
    `**${verdictTexts[report.verdict].replace(/^./, (letter) => letter.toUpperCase())}**: ${countsText(report)}.`,
  ];
  const worse = findings.filter(({ severity }) => severity !== 'ok');
  for (const group of orderGroups(worse)) {
    lines.push('', `## ${groupTitles[group]}`);
    for (const set of collectKinds(worse.filter((finding) => finding.group === group)))
      lines.push('', ...renderSet(set));
  }
  const good = findings.filter(({ severity }) => severity === 'ok');
  if (good.length > 0) {
    lines.push('', '## Good', '', '| Finding | Subject | What was read |', '| --- | --- | --- |');
    for (const { id, subject, summary } of good)
      lines.push(`| ${escaped(titleOf(id))} (\`${id}\`) | ${escaped(subject)} | ${escaped(summary)} |`);
  }
  return `${lines.join('\n')}\n`;
}

function renderSet({ id, first, findings }: FindingSet): string[] {
  const isSame = findings.every(({ todo }) => todo === first.todo);
  const lines = [`### ${first.severity.toUpperCase()}: ${escaped(titleOf(id))} (\`${id}\`)`, ''];
  for (const finding of findings) {
    lines.push(`- ${escaped(finding.subject)}: ${escaped(finding.summary)}${factsText(finding)}`);
    if (!isSame && finding.todo !== undefined) lines.push(`  - Do: ${withCode(finding.todo)}`);
  }
  lines.push('', `Why: ${withCode(first.why)}`);
  if (isSame && first.todo !== undefined) lines.push('', `Do: ${withCode(first.todo)}`);
  return lines;
}

function factsText({ evidence }: Finding): string {
  if (evidence.length === 0) return '';
  const texts = evidence.map(({ fact, value }) => {
    const text = `${fact} = ${value === undefined ? '(absent)' : value === '' ? '(empty)' : value}`;
    return codeText(text);
  });
  return ` (${texts.join(', ')})`;
}

/** Inline code; a text with a backtick in it has its backticks replaced, since code cannot escape them. */
function codeText(text: string): string {
  return `\`${printable(text).replaceAll('`', '’').replaceAll('|', '\\|')}\``;
}

/** Text from a host: nothing in it is Markdown or HTML. */
function escaped(text: string): string {
  return printable(text)
    .replace(/[\\`*_{}[\]#|~]/g, (sign) => `\\${sign}`)
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** Our own texts: pieces between backticks stay code, the rest is escaped. */
function withCode(text: string): string {
  return text
    .split('`')
    .map((piece, index, pieces) =>
      index % 2 === 1 && index < pieces.length - 1 ? codeText(piece) : escaped(piece),
    )
    .join('');
}
