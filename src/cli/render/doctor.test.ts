import { describe, expect, it } from 'vitest';
import { runDoctor } from '../../doctor/run-doctor.ts';
import { cases } from '../../doctor/testing/cases.ts';
import { healthyHost } from '../../doctor/testing/healthy-host.ts';
import type { Terminal } from '../context.ts';
import { renderDoctorMarkdown } from './doctor-markdown.ts';
import { renderDoctor } from './doctor.ts';

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

/** A host with something wrong in every group. */
function ailingHost(): ReturnType<typeof healthyHost> {
  const host = healthyHost();
  for (const id of ['host.governor.saving', 'iommu.interrupt-remapping.off', 'nic.port.down'] as const)
    cases[id].breakIt(host);
  for (const id of ['pcie.errors.seen', 'network.lldp.absent', 'host.unread'] as const)
    cases[id].breakIt(host);
  return host;
}

const report = runDoctor(ailingHost());

describe('the screen of doctor', () => {
  it.each([80, 120, 200])('fits %i columns', (width) => {
    for (const verbose of [false, true]) {
      const lines = renderDoctor(report, terminal(width), { verbose });
      expect(lines.filter((line) => line.length > width)).toEqual([]);
    }
  });

  it('uses the width that there is', () => {
    const longest = (width: number): number =>
      Math.max(...renderDoctor(report, terminal(width), { verbose: false }).map((line) => line.length));
    expect(longest(200)).toBeGreaterThan(150);
    expect(longest(80)).toBeGreaterThan(70);
  });

  it('has the group with the worst finding first', () => {
    const lines = renderDoctor(report, terminal(undefined), { verbose: false });
    const titles = lines.filter((line) => /^[A-Z]\w+$/.test(line));
    expect(titles).toEqual(['IOMMU', 'Cards', 'PCIe', 'Server', 'Network']);
    expect(lines.find((line) => line.startsWith('  BLOCKER'))).toContain('(iommu.interrupt-remapping.off)');
    expect(lines.at(-1)).toMatch(/^SR-IOV cannot be used: 1 blocker, 2 warnings, 1 unknown, /);
  });

  it('says what was read, why it matters and what to do, for this server', () => {
    const text = renderDoctor(report, terminal(undefined), { verbose: false }).join('\n');
    expect(text).toContain('0000:98:00.0: ens1f0np0 is down');
    expect(text).toContain('do:  `ip link set ens1f0np0 up`');
    expect(text).toContain('firmware set-up (Dell): ');
    expect(text).not.toContain('Supermicro');
  });

  it('has one line for what is good in a group, and each with its facts when asked', () => {
    const short = renderDoctor(report, terminal(80), { verbose: false });
    expect(short.filter((line) => line.startsWith('  OK'))).toHaveLength(5);
    const all = renderDoctor(report, terminal(80), { verbose: true });
    expect(all.filter((line) => line.startsWith('  OK')).length).toBeGreaterThan(20);
    expect(all.join('\n')).toContain('platform.kvm = true');
  });

  it('keeps to ASCII where the terminal has no more', () => {
    const lines = renderDoctor(report, terminal(80, false), { verbose: true }).join('\n');
    expect(lines).toMatch(/^[\u0020-\u007e\n]+$/);
    expect(lines).toContain("The PF's interface is down");
  });

  it('lets no control character of a host through', () => {
    const host = healthyHost();
    host.host.name = 'a\u001b[31mb';
    for (const pf of host.pfs) pf.firmware = '1\u001b]0;x\u0007';
    const lines = renderDoctor(runDoctor(host), terminal(undefined), { verbose: true });
    // oxlint-disable-next-line no-control-regex -- this is what must not be there
    expect(lines.join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('the Markdown of doctor', () => {
  const text = renderDoctorMarkdown(report);

  it('has a heading for each kind that is not good, and a table of the good ones', () => {
    const kinds = new Set(report.findings.filter(({ severity }) => severity !== 'ok').map(({ id }) => id));
    expect(text.match(/^### /gm)).toHaveLength(kinds.size);
    expect(text).toContain('### BLOCKER: Interrupts are not remapped (`iommu.interrupt-remapping.off`)');
    expect(text.match(/^\| /gm)).toHaveLength(2 + report.counts.ok);
  });

  it('takes nothing from a host for Markdown or HTML', () => {
    const host = healthyHost();
    host.host.name = '<b>x|y</b> `z` [a](b)';
    const hostile = renderDoctorMarkdown(runDoctor(host));
    expect(hostile).toContain('# SR-IOV on &lt;b&gt;x\\|y&lt;/b&gt; \\`z\\` \\[a\\](b)');
  });
});
