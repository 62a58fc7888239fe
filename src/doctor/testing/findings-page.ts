// Owns the text of docs/findings.md as the tables say it, for the test that keeps both equal.
// Writes nothing.

import type { FindingKind } from '../finding-kind.ts';
import type { FindingId } from '../finding-kinds/table.ts';
import { findingKinds } from '../finding-kinds/table.ts';
import { groupOf } from '../finding.ts';
import { nameSetupEntry, setupEntryNames, setupVendors } from '../firmware-setup.ts';
import { findingGroups, severities } from '../run-doctor.ts';

const introduction = `# Findings of \`vfleet doctor\`

Every kind of finding, by group, the worst first. \`ADDRESS\` and \`NETDEV\` stand for the PF and its interface; a report has
them filled in, and so the names of entries of the firmware set-up (BIOS, UEFI) for the vendor of the server. How to read a
report is in [doctor.md](doctor.md).

A test keeps this page equal to the tables in \`src/doctor/finding-kinds\`.`;

const titles = {
  host: 'Server',
  iommu: 'IOMMU',
  nic: 'Cards',
  pcie: 'PCIe',
  network: 'Network',
  validated: 'Validated hardware',
} as const;

/** The whole page. Lines are not wrapped: the test compares words. */
export function renderFindingsPage(): string {
  const ids = Object.keys(findingKinds) as FindingId[];
  const sections = findingGroups.map((group) => {
    const own = ids
      .filter((id) => groupOf(id) === group)
      .sort(
        (a, b) => severities.indexOf(findingKinds[a].severity) - severities.indexOf(findingKinds[b].severity),
      );
    return `## ${titles[group]}\n\n${own.map(renderKind).join('\n\n')}`;
  });
  return `${[introduction, ...sections, renderSetup()].join('\n\n')}\n`;
}

function renderKind(id: FindingId): string {
  const { severity, title, why, todo }: FindingKind = findingKinds[id];
  const parts = [`### \`${id}\``, `**${severity}**: ${title}.`, `Why: ${linked(why)}`];
  return [...parts, ...(todo === undefined ? [] : [`Do: ${linked(todo)}`])].join('\n\n');
}

/** `{iommu}` as a link to the table of entries. */
function linked(text: string): string {
  let result = text.replace(
    '{enable-sriov}',
    'switch SR-IOV on in the card’s firmware with the command of the catalogue',
  );
  for (const name of setupEntryNames)
    result = result.replaceAll(`{${name}}`, `[firmware set-up: ${labelOf(name)}](#firmware-set-up)`);
  return result;
}

function labelOf(name: string): string {
  return name.replaceAll(/[A-Z]|\d+/g, (part) => ` ${part.toLowerCase()}`);
}

function renderSetup(): string {
  const head = `| Entry | ${setupVendors.join(' | ')} |\n| --- |${setupVendors.map(() => ' --- |').join('')}`;
  const rows = setupEntryNames.map((name) => {
    const cells = setupVendors.map((vendor) => nameSetupEntry(name, vendor).replace(/^[^:]*: /, ''));
    return `| ${labelOf(name)} | ${cells.join(' | ')} |`;
  });
  return `## Firmware set-up\n\n${[head, ...rows].join('\n')}`;
}
