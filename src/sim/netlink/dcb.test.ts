import { afterEach, describe, expect, it } from 'vitest';
import { KernelSession } from '../../kernel/session.ts';
import { concatBytes } from '../../kernel/netlink/attributes.ts';
import { encodeDcbHeader, readFlowControlPriorities, RTM_GETDCB } from '../../kernel/rtnetlink/dcb.ts';
import { createSimKernel } from '../sim-kernel.ts';

const sessions: KernelSession[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

function openRoute(profile: 'cx5-x8' | 'ice' | 'ixgbe'): KernelSession['route'] {
  const session = new KernelSession(createSimKernel({ profile }));
  sessions.push(session);
  return session.route;
}

describe('data center bridging', () => {
  it('tells the priorities with flow control', async () => {
    expect(await readFlowControlPriorities(openRoute('cx5-x8'), 'enp59s0f1np1')).toEqual([3]);
    expect(await readFlowControlPriorities(openRoute('ice'), 'enp23s0')).toEqual([]);
  });

  it('is not there for drivers without it, and for links that are no PF', async () => {
    expect(await readFlowControlPriorities(openRoute('ixgbe'), 'enp3s0f0')).toBeUndefined();
    expect(await readFlowControlPriorities(openRoute('ixgbe'), 'lo')).toBeUndefined();
  });

  it.each([
    ['an interface that is not there', encodeDcbHeader(21), 'enp9s9', 'ENODEV'],
    ['another command', encodeDcbHeader(1), 'enp59s0f0np0', 'EOPNOTSUPP'],
    ['half a header', new Uint8Array(2), undefined, 'EINVAL'],
    ['no name', encodeDcbHeader(21), undefined, 'EINVAL'],
  ])('is refused for %s', async (_, header, ifName, errno) => {
    const name = Buffer.from(`${ifName}\0`.padEnd(16, '\0'));
    const attribute =
      ifName === undefined ? new Uint8Array(0) : concatBytes([Uint8Array.of(20, 0, 1, 0), name]);
    const asking = openRoute('cx5-x8').request({
      operation: 'RTM_GETDCB',
      type: RTM_GETDCB,
      payload: concatBytes([header, attribute]),
    });
    await expect(asking).rejects.toMatchObject({ details: { errno } });
  });
});
