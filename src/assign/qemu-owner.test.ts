import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KernelSession } from '../kernel/session.ts';
import { readProcessInstance } from '../kernel/proc/process-identity.ts';
import type { ProcessIdentity } from '../model/lease.ts';
import { createSimKernel } from '../sim/sim-kernel.ts';
import type { QemuOwner, QemuOwnerFacts } from './qemu-owner.ts';
import { isOwnerGone, readQemuOwnerFacts } from './qemu-owner.ts';

const startBy = '2026-01-01T00:01:00Z';
const startByMs = Date.parse(startBy);
const process: ProcessIdentity = { pid: 42, startTicks: 1000, bootId: 'boot-1' };
const named: QemuOwner = { kind: 'qemu', name: 'vm1', process };
const awaited: QemuOwner = { kind: 'qemu', name: 'vm1', startBy };
const nobody: QemuOwnerFacts = { nowMs: startByMs, process: undefined, isOpen: false };

describe('an owner has gone', () => {
  it.each<[string, QemuOwner, Partial<QemuOwnerFacts>, boolean]>([
    ['its process runs', named, { process }, false],
    ['its process has ended', named, {}, true],
    ['another process has its number', named, { process: { ...process, startTicks: 1001 } }, true],
    ['the machine was started anew', named, { process: { ...process, bootId: 'boot-2' } }, true],
    ['its process has ended, and the QEMU that it had started has the VF', named, { isOpen: true }, false],
    ['there is time to open the VF', awaited, {}, false],
    ['the time to open the VF is over', awaited, { nowMs: startByMs + 1 }, true],
    ['the time is over, and a process has the VF', awaited, { nowMs: startByMs + 1, isOpen: true }, false],
    ['nothing says when', { kind: 'qemu', name: 'vm1' }, { nowMs: Infinity }, false],
    ['the time is none', { kind: 'qemu', name: 'vm1', startBy: 'soon' }, { nowMs: Infinity }, false],
    ['its process runs, and has time to open the VF', { ...named, startBy }, { process }, false],
    [
      'its process runs and did not open the VF in time',
      { ...named, startBy },
      { process, nowMs: Infinity },
      true,
    ],
    ['its process has ended before its time was over', { ...named, startBy }, {}, true],
  ])('or not: %s', (_, owner, facts, gone) => {
    expect(isOwnerGone(owner, { ...nobody, ...facts })).toBe(gone);
  });

  it('never while somebody has the VF open, and never back again', () => {
    const identity = fc.record({
      pid: fc.integer({ min: 1, max: 3 }),
      startTicks: fc.integer({ min: 0, max: 3 }),
      bootId: fc.constantFrom('a', 'b'),
    });
    const owner = fc.record(
      {
        kind: fc.constant('qemu' as const),
        name: fc.string(),
        process: identity,
        startBy: fc.constant(startBy),
      },
      { requiredKeys: ['kind', 'name'] },
    );
    fc.assert(
      fc.property(
        owner,
        fc.option(identity, { nil: undefined }),
        fc.nat(),
        fc.nat(),
        (of, now, at, later) => {
          const nowMs = startByMs - 1000 + at;
          expect(isOwnerGone(of, { nowMs, process: now, isOpen: true })).toBe(false);
          const isGone = isOwnerGone(of, { nowMs, process: now, isOpen: false });
          const isGoneLater = isOwnerGone(of, { nowMs: nowMs + later, process: now, isOpen: false });
          expect(isGoneLater || !isGone).toBe(true);
        },
      ),
    );
  });
});

describe('the facts of an owner', () => {
  const pf = '0000:01:00.0';

  async function hostWithVfs(): Promise<ReturnType<typeof createSimKernel>> {
    const kernel = createSimKernel({ profile: 'igb' });
    await kernel.files.write(`/sys/bus/pci/devices/${pf}/sriov_numvfs`, '2', 60_000);
    return kernel;
  }

  it('are read from the host: a VM that has the VF, and its end', async () => {
    const kernel = await hostWithVfs();
    const session = new KernelSession(kernel);
    const [vf] = kernel.state.pfs.find(({ address }) => address === pf)?.vfs ?? [];
    const lease = { address: vf?.address ?? '', owner: awaited };
    expect(await readQemuOwnerFacts(session, lease)).toMatchObject({ isOpen: false, process: undefined });
    kernel.holdVf(pf, 0, { kind: 'vm', name: 'vm1' });
    expect(await readQemuOwnerFacts(session, lease)).toMatchObject({ isOpen: true });
    const qemu = kernel.state.processes.find(({ commandLine }) => commandLine.includes('-device'));
    const identity = readProcessInstance(session.files, qemu?.pid ?? 0);
    expect(identity).toMatchObject({ pid: qemu?.pid, bootId: kernel.state.bootId });
    const owned = { ...lease, owner: { ...awaited, process: identity as ProcessIdentity } };
    expect(await readQemuOwnerFacts(session, owned)).toMatchObject({ isOpen: true, process: identity });
    kernel.releaseVf(pf, 0);
    expect(await readQemuOwnerFacts(session, owned)).toMatchObject({ isOpen: false, process: undefined });
    session.close();
  });

  it('leave it open whether the VF is, where open files may not be seen', async () => {
    const kernel = await hostWithVfs();
    kernel.holdVf(pf, 0, { kind: 'vfio', name: 'dpdk' });
    kernel.holdVf(pf, 1, { kind: 'vm', name: 'vm2' });
    // Processes of somebody else, and no CAP_SYS_PTRACE.
    kernel.change((state) => {
      state.capEff = '0000000000001000';
    });
    const session = new KernelSession(kernel);
    const [vf] = kernel.state.pfs.find(({ address }) => address === pf)?.vfs ?? [];
    const facts = await readQemuOwnerFacts(session, { address: vf?.address ?? '', owner: awaited });
    expect(facts.isOpen).toBe(true);
    session.close();
  });
});
