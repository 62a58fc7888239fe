// The doctor on machines that differ in what firmware and slots give: each is a boot of the lab of its own, because these
// things are settled before Linux runs. Run by scripts/test.mjs on the host, not inside the lab.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../src/model/finding.ts';

const vfleet = 'dist/cli/main.js';
const maxOutputBytes = 1 << 24;

/** What the doctor says on a machine, after some commands in it. */
async function judge(
  machine: readonly string[],
  before = 'true',
): Promise<{ status: number; report: DoctorReport }> {
  const script = `${before}; vfleet doctor --json; echo "status $?"`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [vfleet, 'lab', 'run', ...machine, '--', 'sh', '-c', script],
    { maxBuffer: maxOutputBytes },
  );
  const end = stdout.lastIndexOf('status ');
  return {
    status: Number(stdout.slice(end + 'status '.length)),
    report: JSON.parse(stdout.slice(0, end)) as DoctorReport,
  };
}

function idsOf(report: DoctorReport, ...severities: readonly string[]): string[] {
  const found = report.findings.filter(({ severity }) => severities.includes(severity)).map(({ id }) => id);
  return [...new Set(found)].sort();
}

/** What is so on every machine of the lab: a VM without KVM, whose cards are down. */
const always = ['host.kvm.absent-in-guest', 'nic.port.down'];

describe('doctor in the lab', () => {
  it('finds VT-d with interrupt remapping good', async () => {
    const { status, report } = await judge(['--iommu', 'intel']);
    expect(idsOf(report, 'blocker')).toEqual([]);
    expect(idsOf(report, 'warning')).toEqual(always);
    expect(idsOf(report, 'ok')).toEqual(
      expect.arrayContaining(['iommu.dma-remapping.on', 'iommu.interrupt-remapping.on']),
    );
    expect({ status, verdict: report.verdict }).toEqual({ status: 0, verdict: 'usable' });
  });

  it('finds an IOMMU that firmware does not offer', async () => {
    const { status, report } = await judge(['--iommu', 'off']);
    expect(idsOf(report, 'blocker')).toEqual(['iommu.firmware.off']);
    expect(idsOf(report, 'warning')).toEqual(always);
    expect(status).toBe(3);
  });

  it('finds that interrupts are not remapped', async () => {
    const { status, report } = await judge(['--iommu', 'intel-noremap']);
    expect(idsOf(report, 'blocker')).toEqual(['iommu.interrupt-remapping.off']);
    expect(idsOf(report, 'warning')).toEqual(
      [...always, 'iommu.dmar.no-interrupt-remapping'].sort((a, b) => (a < b ? -1 : 1)),
    );
    expect(status).toBe(3);
  });

  it('knows AMD-Vi, which is emulated without interrupt remapping', async () => {
    const { status, report } = await judge(['--iommu', 'amd']);
    expect(idsOf(report, 'blocker')).toEqual(['iommu.interrupt-remapping.off']);
    expect(idsOf(report, 'warning')).toEqual(always);
    expect(idsOf(report, 'ok')).toContain('iommu.dma-remapping.on');
    expect(status).toBe(3);
  });

  it('finds a slot of one lane, and VFs that get no driver', async () => {
    const noProbe = 'for pf in /sys/bus/pci/devices/*/sriov_drivers_autoprobe; do echo 0 > "$pf"; done';
    const { status, report } = await judge(['--nic', 'igb:1', '--slot-link', '2.5x1'], noProbe);
    expect(idsOf(report, 'blocker')).toEqual([]);
    expect(idsOf(report, 'warning')).toEqual(always);
    expect(idsOf(report, 'advice')).toEqual(
      expect.arrayContaining(['nic.autoprobe.off', 'pcie.link.below-catalogue']),
    );
    expect(status).toBe(0);
  });

  it('finds that there is no card', async () => {
    const { status, report } = await judge(['--nic', 'igb:0']);
    expect(idsOf(report, 'blocker')).toEqual(['nic.none']);
    expect(idsOf(report, 'warning')).toEqual(['host.kvm.absent-in-guest']);
    expect(status).toBe(3);
  });
});
