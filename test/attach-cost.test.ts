import { afterEach, describe, expect, it } from 'vitest';
import { attachVf } from '../src/assign/attach.ts';
import { choiceFactsOf } from '../src/inventory/choice-facts.ts';
import { readSnapshot } from '../src/inventory/snapshot.ts';
import { RTM_GETLINK, RTM_SETLINK } from '../src/kernel/rtnetlink/link.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { agentSpec, pf } from './agent.fixture.ts';
import { askedKernel } from './asked-kernel.fixture.ts';
import { makeWorld, openProcess, removeFolders, request } from './assigning.fixture.ts';

afterEach(removeFolders);

/** What the kernel is asked for by an attach that knows the host, as the agent does. */
async function askedByAttach(driver: string): Promise<readonly string[]> {
  const world = await makeWorld('igb', agentSpec.replace('vfio-pci', driver));
  const opened = openProcess(world);
  const asked: string[] = [];
  const session = new KernelSession(askedKernel(opened.kernel, asked));
  const { offer } = await world.readGround();
  const facts = choiceFactsOf(session.files, await readSnapshot(session, { detail: 'settings' }));
  asked.length = 0;
  await attachVf({ ...opened.host, session }, async () => ({ offer, facts }), request('web-1'));
  session.close();
  return asked;
}

describe('an attach that knows the host', () => {
  it('asks the PF for its VFs three times: before, with the setting, and when the VM has it', async () => {
    const asked = await askedByAttach('kernel');
    expect(asked.filter((line) => line.startsWith('netlink'))).toEqual([
      `netlink route ${RTM_GETLINK}`,
      `netlink route ${RTM_SETLINK}+${RTM_GETLINK}`,
      `netlink route ${RTM_GETLINK}`,
    ]);
  });

  it('reads nothing of other VFs, and looks at other processes only for a VF that one could have open', async () => {
    const asked = await askedByAttach('kernel');
    const files = asked.filter((line) => !line.startsWith('netlink'));
    expect(files.filter((line) => line.includes('/proc'))).toEqual([]);
    expect(files.filter((line) => line.includes('virtfn'))).toEqual(
      Array.from({ length: 2 }, () => `link /sys/bus/pci/devices/${pf}/virtfn0`),
    );
    expect(files.length).toBeLessThan(16);
    expect((await askedByAttach('vfio-pci')).some((line) => line.includes('/proc'))).toBe(true);
  });
});
