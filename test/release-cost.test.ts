import { afterEach, describe, expect, it } from 'vitest';
import { LeaseCare } from '../src/agent/lease-care.ts';
import { attachVf } from '../src/assign/attach.ts';
import type { Hypervisor } from '../src/hypervisor/hypervisor.ts';
import { RTM_GETLINK, RTM_SETLINK } from '../src/kernel/rtnetlink/link.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { agentSpec, pf } from './agent.fixture.ts';
import { askedKernel } from './asked-kernel.fixture.ts';
import {
  copyWorld,
  makeWorld,
  openProcess,
  problemsOf,
  removeFolders,
  request,
} from './assigning.fixture.ts';

afterEach(removeFolders);

/** The same hypervisor; each question is a line of `asked`. */
function askedHypervisor(hypervisor: Hypervisor, asked: string[]): Hypervisor {
  const note = (line: string): void => void asked.push(`hypervisor ${line}`);
  return {
    ...hypervisor,
    async listVms() {
      note('list');
      return hypervisor.listVms();
    },
    async readVm(name) {
      note('read');
      return hypervisor.readVm(name);
    },
    async detachNic(uuid, alias, scope, timeoutMs) {
      note('detach');
      return hypervisor.detachNic(uuid, alias, scope, timeoutMs);
    },
  };
}

/** What is asked for when the agent hears that a VM was destroyed. */
async function askedByRelease(driver: string): Promise<readonly string[]> {
  const world = await makeWorld('igb', agentSpec.replace('vfio-pci', driver));
  const before = copyWorld(world);
  const opened = openProcess(world);
  await attachVf(opened.host, world.readGround, request('web-1'));
  await opened.hypervisor.destroy('web-1');
  const asked: string[] = [];
  const session = new KernelSession(askedKernel(opened.kernel, asked));
  const care = new LeaseCare({
    ...opened.host,
    session,
    hypervisor: askedHypervisor(opened.hypervisor, asked),
  });
  for (const { mend } of await care.findSuspects(0))
    expect(await mend(() => undefined)).toMatchObject({ result: 'free' });
  session.close();
  expect(await problemsOf(world, before)).toEqual([]);
  return asked;
}

const linesOf = (asked: readonly string[], word: string): readonly string[] =>
  asked.filter((line) => line.startsWith(`${word} `));

describe('giving back the VF of a VM that was destroyed', () => {
  it('lists all VMs once, and reads this one under the lock and at the end', async () => {
    expect(linesOf(await askedByRelease('vfio-pci'), 'hypervisor')).toEqual([
      'hypervisor list',
      'hypervisor read',
      // Not seen, and asked for all the same: whatever still plugs it in is over then.
      'hypervisor detach',
      'hypervisor read',
    ]);
  });

  it('asks the PF for its VFs when it sets them, and once more only after a driver was bound', async () => {
    const reading = `netlink route ${RTM_GETLINK}`;
    const setting = `netlink route ${RTM_SETLINK}+${RTM_GETLINK}`;
    expect(linesOf(await askedByRelease('vfio-pci'), 'netlink')).toEqual([reading, setting]);
    expect(linesOf(await askedByRelease('kernel'), 'netlink')).toEqual([reading, setting, reading]);
  });

  // Each is a child process, for it may hang in the kernel.
  it('writes what the reset and a driver need', async () => {
    const device = '/sys/bus/pci/devices/0000:01:10.0';
    expect(linesOf(await askedByRelease('vfio-pci'), 'write')).toEqual([`write ${device}/reset`]);
    expect(linesOf(await askedByRelease('kernel'), 'write')).toEqual([
      'write /sys/bus/pci/drivers/igbvf/unbind',
      `write ${device}/reset`,
      `write ${device}/driver_override`,
      'write /sys/bus/pci/drivers_probe',
    ]);
  });

  it('looks through the processes before the reset and at the end, and at no other VF', async () => {
    const asked = await askedByRelease('vfio-pci');
    expect(asked.filter((line) => line === 'list /proc')).toHaveLength(2);
    expect(asked.filter((line) => /virtfn[1-9]|01:10\.[1-9]/.test(line))).toEqual([]);
    expect(asked.filter((line) => line.includes(pf) && line.startsWith('list '))).toHaveLength(1);
    expect((await askedByRelease('kernel')).filter((line) => line === 'list /proc')).toEqual([]);
  });
});
