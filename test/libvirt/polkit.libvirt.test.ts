// Who is let in by a libvirtd that asks polkit. The client runs where the daemon does: polkit is told of a process by number.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { libvirtdIsThere } from './libvirtd.fixture.ts';
import type { Libvirtd } from './libvirtd.fixture.ts';
import { endPolkitd, polkitRoot, startLibvirtdWithPolkit, vfleetAs } from './polkit.fixture.ts';

// It is unpacked, which may fail where apt has it not: never silently.
const isLeftOut = polkitRoot === undefined && process.env['CI'] !== 'true';
const refused = {
  status: 3,
  stdout: '',
  stderr: expect.stringMatching(/^vfleet: libvirt: [^\n]+\n {2}hint: [^\n]*group libvirt[^\n]*\n$/) as string,
  code: 'permission.missing',
};

describe.skipIf(!libvirtdIsThere || isLeftOut)('a libvirtd that asks polkit', () => {
  let libvirtd: Libvirtd;

  beforeAll(async () => {
    if (polkitRoot === undefined) throw new Error('VFLEET_TEST_POLKIT_ROOT does not say where polkit is');
    libvirtd = await startLibvirtdWithPolkit(polkitRoot);
  });

  afterAll(async () => {
    await libvirtd?.stop();
  });

  const noVm = { status: 0, stdout: 'No VM at libvirt (qemu:///system).\n', stderr: '' };

  /** What `vfleet vms` says to a user who is not let in, and the code that it gives for it. */
  async function refusalOf(user: 'daemon' | 'nobody'): Promise<unknown> {
    const asJson = await vfleetAs(libvirtd, user, 'vms', '--json');
    const { code } = (JSON.parse(asJson.stderr) as { error: { code: string } }).error;
    return { ...(await vfleetAs(libvirtd, user, 'vms')), code };
  }

  test('lets in root', async () => {
    expect(await vfleetAs(libvirtd, 'root', 'vms')).toEqual(noVm);
  });

  test('lets in a user of the group libvirt', async () => {
    expect(await vfleetAs(libvirtd, 'daemon', 'vms')).toEqual(noVm);
  });

  test('refuses anybody else in one line, with what to do', async () => {
    const refusal = await refusalOf('nobody');
    expect(refusal).toEqual(refused);
    expect(refusal).toMatchObject({ stderr: expect.stringContaining("'org.libvirt.unix.manage'") as string });
  });

  test('lets in root alone when polkit does not run: of root it does not ask', async () => {
    await endPolkitd(libvirtd);
    expect(await vfleetAs(libvirtd, 'root', 'vms')).toEqual(noVm);
    expect(await refusalOf('daemon')).toEqual(refused);
    expect(await refusalOf('nobody')).toEqual(refused);
  });
});
