// Checks what apply, plan, revert and recover do on the command line with the leases of a host and with its applied spec.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAppliedSpec } from '../../apply/applied-spec.ts';
import { lockHost } from '../../apply/host-lock.ts';
import { JournalWriter, readLastJournal } from '../../apply/journal.ts';
import { readSnapshot } from '../../inventory/snapshot.ts';
import { openFileLeases } from '../../lease/file-leases.ts';
import { listEveryLease } from '../../lease/lease-store.ts';
import { exampleLease } from '../../lease/testing/example-lease.ts';
import type { CliContext } from '../context.ts';
import { reportFailure } from '../failure.ts';
import { openHost, openHypervisor } from '../host.ts';
import { addApplyCommands } from './apply.ts';
import { addPlanCommands } from './plan.ts';

const pf = '0000:01:00.0';
const held = { mac: '52:54:00:00:00:09', vlan: 200 };

let state = '';
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'vfleet-changing-'));
});
afterEach(() => rmSync(state, { recursive: true }));

const folder = (): string => join(state, 'sim-igb');

function file(vfs: string): string {
  const path = join(state, 'host.yaml');
  const head = ['apiVersion: vfleet/v1', 'kind: Host', 'networks: [{ name: storage }]', 'pfs:'];
  const entry = `  - { match: { address: "${pf}" }, networks: [storage], vfs: ${vfs} }`;
  writeFileSync(path, [...head, entry, ''].join('\n'));
  return path;
}

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line of vfleet on a simulated host, without a terminal; each call opens the host anew. */
async function vfleet(...args: readonly string[]): Promise<Result> {
  return vfleetAt(undefined, ...args);
}

/** The same at a terminal where `confirm` answers the questions. */
async function vfleetAt(
  confirm: CliContext['terminal']['confirm'],
  ...args: readonly string[]
): Promise<Result> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  let status = 0;
  const terminal: CliContext['terminal'] = {
    print: (line) => void stdout.push(line),
    note: (line) => void stderr.push(line),
    rewrite: undefined,
    widthColumns: undefined,
    isUtf8: true,
    style: (_style, text) => text,
    confirm,
  };
  const context: CliContext = {
    terminal,
    signal: new AbortController().signal,
    version: 'test',
    program: ['node', 'vfleet'],
    openHost: async () => openHost('sim:igb', state),
    openHypervisor: async (opened) => openHypervisor(opened, undefined),
    setExitStatus: (value) => {
      status = value;
    },
  };
  const program = new Command('vfleet').exitOverride();
  addPlanCommands(program, context);
  addApplyCommands(program, context);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    status = reportFailure(error, terminal, args.includes('--json'));
  }
  return { status, stdout: stdout.join('\n'), stderr: stderr.join('\n') };
}

describe('on the command line', () => {
  it('a leased VF keeps what its lease says, and stands in the way of what would remove it', async () => {
    const pool = file('{ count: 3, default: { driver: vfio-pci, vlan: 7 } }');
    expect((await vfleet('apply', pool, '--yes')).status).toBe(0);
    await openFileLeases(folder()).create(exampleLease({ key: { pf, vf: 1 }, settings: held }));

    const plan = JSON.parse((await vfleet('plan', pool, '--json')).stdout) as unknown;
    expect(plan).toMatchObject({
      changes: [
        { vf: 1, attribute: 'mac', after: held.mac },
        { vf: 1, attribute: 'vlan', before: 7, after: 200 },
      ],
      disruptions: [],
    });
    expect((await vfleet('apply', pool, '--yes')).stdout).toContain('Applied and verified.');

    const more = file('{ count: 4, default: { driver: vfio-pci, vlan: 7 } }');
    const refused = await vfleet('apply', more, '--yes', '--allow-disruption');
    expect(refused.status).toBe(3);
    expect(refused.stderr).toContain('VF 1 (0000:01:10.2) of 0000:01:00.0 is leased to VM web-1');
    expect(refused.stderr).toContain('hint: give it back first: vfleet detach web-1');
    expect((await vfleet('revert', '--yes', '--allow-disruption')).status).toBe(0);
    const same = file('{ count: 3, default: { driver: vfio-pci, vlan: 7 } }');
    expect((await vfleet('plan', same, '--exit-code')).status).toBe(0);
  });

  it('the spec is kept that was applied, also where nothing had to be changed, and revert brings back the one before', async () => {
    const first = file('{ count: 2 }');
    await vfleet('apply', first, '--yes');
    const applied = readAppliedSpec(folder());
    expect(applied).toMatchObject({
      fileName: first,
      text: expect.stringContaining('{ count: 2 }') as unknown,
    });
    await vfleet('apply', file('{ count: 2, default: {} }'));
    expect(readAppliedSpec(folder())?.text).toContain('default: {}');
    // Refused, not confirmed, wrong: none of these is applied.
    expect((await vfleet('apply', file('{ count: 3 }'))).status).toBe(3);
    expect((await vfleet('apply', file('{ count: 8 }'), '--yes')).status).toBe(1);
    expect(readAppliedSpec(folder())?.text).toContain('default: {}');
    await vfleet('apply', file('{ count: 3 }'), '--yes', '--boot');
    expect(readAppliedSpec(folder())?.text).toContain('{ count: 3 }');
    await vfleet('revert', '--yes');
    expect(readAppliedSpec(folder())?.text).toContain('default: {}');
  });

  it('a spec is not applied while VFs are given and taken', async () => {
    const path = file('{ count: 2 }');
    const sharing = await lockHost(folder(), { command: 'attach', waitMs: 0, mode: 'shared' });
    const refused = await vfleet('apply', path, '--yes');
    expect(refused).toMatchObject({ status: 4 });
    sharing.release();
    expect((await vfleet('apply', path, '--yes')).status).toBe(0);
  });

  it('a lease that cannot be understood keeps everything as it is', async () => {
    const path = file('{ count: 2 }');
    await vfleet('apply', path, '--yes');
    const leases = openFileLeases(folder());
    await leases.create(exampleLease({ key: { pf, vf: 1 } }));
    const [name = ''] = readdirSync(join(folder(), 'leases')).filter((each) => each.endsWith('.json'));
    writeFileSync(join(folder(), 'leases', name), '{');
    const refused = await vfleet('apply', file('{ count: 1 }'), '--yes', '--allow-disruption');
    expect(refused.status).toBe(6);
    expect(refused.stderr).toContain(name);
  });
});

describe('while a question waits for its answer', () => {
  const pool = (vlan: number): string => file(`{ count: 3, default: { vlan: ${vlan} } }`);
  /** What attach and detach need of the host, and whoever takes back VFs of VMs that have ended. */
  async function giveOrTake(): Promise<void> {
    (await lockHost(folder(), { command: 'attach', waitMs: 0, mode: 'shared' })).release();
  }

  it('VFs are given and taken, and another vfleet may change the host', async () => {
    await vfleet('apply', pool(7), '--yes');
    let questions = 0;
    const confirm = async (): Promise<boolean> => {
      questions += 1;
      await giveOrTake();
      (await lockHost(folder(), { command: 'apply', waitMs: 0 })).release();
      return true;
    };
    for (const args of [['apply', pool(8)], ['revert']]) {
      const { status, stdout, stderr } = await vfleetAt(confirm, ...args);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(stdout).toMatch(/(?:Applied|Reverted) and verified\.$/);
      expect(stdout.match(/no VF in use is disrupted/g)).toHaveLength(1);
    }
    expect(questions).toBe(2);
  });

  it('somebody may change what was planned: then the new plan is shown and asked about', async () => {
    await vfleet('apply', pool(7), '--yes');
    const questions: string[] = [];
    const confirm = async (question: string): Promise<boolean> => {
      questions.push(question);
      if (questions.length === 1)
        await openFileLeases(folder()).create(exampleLease({ key: { pf, vf: 1 }, settings: held }));
      return true;
    };
    const { status, stdout, stderr } = await vfleetAt(confirm, 'apply', pool(8));
    expect({ status, questions: questions.length }).toEqual({ status: 0, questions: 2 });
    const [first, second] = stdout.split('no VF in use is disrupted.');
    expect(first).toMatch(/VF 0-2 +vlan +7 → 8/);
    expect(second).toMatch(/VF 1 +vlan +7 → 200/);
    expect(stderr).toContain('this host has changed meanwhile');
    expect((await vfleet('plan', pool(8), '--exit-code')).status).toBe(0);
  });

  it('a change that leaves the plan as it was is none, and a no changes nothing', async () => {
    await vfleet('apply', pool(7), '--yes');
    let questions = 0;
    const answers = async (answer: boolean): Promise<boolean> => {
      questions += 1;
      if (answer)
        await openFileLeases(folder()).create(exampleLease({ key: { pf, vf: 1 }, settings: { vlan: 7 } }));
      return answer;
    };
    const other = (): string => file("{ count: 3, default: { vlan: 7 }, '0': { vlan: 9 } }");
    const refused = await vfleetAt(async () => answers(false), 'apply', other());
    expect(refused).toMatchObject({ status: 0, stderr: 'nothing was changed' });
    expect(refused.stdout).toContain('restarts its driver, which sees a new MAC or VLAN only then');
    expect((await vfleet('plan', pool(7), '--exit-code')).status).toBe(0);
    const agreed = await vfleetAt(async () => answers(true), 'apply', other());
    expect(agreed).toMatchObject({ status: 0, stdout: expect.stringMatching(/verified\.$/) });
    expect(agreed.stderr).not.toContain('meanwhile');
    expect(questions).toBe(2);
  });

  it('another vfleet may begin: after a yes it is named, and nothing is changed', async () => {
    await vfleet('apply', pool(7), '--yes');
    let lock: { release(): void } | undefined;
    const confirm = async (): Promise<boolean> => {
      lock = await lockHost(folder(), { command: 'apply', waitMs: 0 });
      return true;
    };
    const { status, stderr } = await vfleetAt(confirm, 'apply', pool(8));
    expect({ status, stderr }).toMatchObject({ status: 4, stderr: expect.stringContaining('vfleet apply') });
    lock?.release();
    expect((await vfleet('plan', pool(7), '--exit-code')).status).toBe(0);
  });

  it('there is none where the plan is refused, and none about a plan without changes', async () => {
    const confirm = async (): Promise<boolean> => Promise.reject(new Error('nobody shall be asked'));
    await vfleet('apply', pool(7), '--yes');
    const unchanged = await vfleetAt(confirm, 'apply', pool(7));
    expect(unchanged).toMatchObject({ status: 0, stderr: '' });
    expect(unchanged.stdout).toBe('No changes: the host is as the spec says.');
    await openFileLeases(folder()).create(exampleLease({ key: { pf, vf: 1 }, settings: { vlan: 7 } }));
    expect(await vfleetAt(confirm, 'apply', file('{ count: 1 }'))).toMatchObject({ status: 3 });
  });
});

describe('recover', () => {
  const steps = [{ kind: 'num-vfs', pf, before: 0, after: 3 } as const];

  /** As if an apply from no VFs to three had ended just before its last step was done. */
  async function cutOff(): Promise<void> {
    const host = await openHost('sim:igb', state);
    if (host.kind !== 'live') throw new Error('the simulated host is none');
    const { host: facts } = await readSnapshot(host.session, { detail: 'settings' });
    host.session.close();
    JournalWriter.begin(folder(), {
      command: 'apply',
      startedAt: '2026-01-01T00:00:00.000Z',
      bootId: facts.bootId,
      allowDisruption: false,
      steps,
      target: { pfs: [{ address: pf, numVfs: 3, vfs: [] }] },
      before: { pfs: [{ address: pf, numVfs: 0, vfs: [] }] },
    }).close();
  }

  it('comes before the plan that is asked about', async () => {
    await vfleet('apply', file('{ count: 3 }'), '--yes');
    await cutOff();
    const order: string[] = [];
    const confirm = async (): Promise<boolean> => {
      order.push((await readLastJournal(folder()))?.end ?? 'open');
      return true;
    };
    const { status, stdout, stderr } = await vfleetAt(confirm, 'apply', file('{ count: 2 }'));
    expect({ status, order }).toEqual({ status: 0, order: ['undone'] });
    expect(stderr).toContain('it was put back');
    expect(stdout).toContain('count  0 → 2');
  });

  it('takes back what a VM that is no more has left behind', async () => {
    const pool = file('{ count: 3, default: { vlan: 7 } }');
    await vfleet('apply', pool, '--yes');
    const giveBack = { settings: { vlan: 7, mac: '00:00:00:00:00:00' } };
    await openFileLeases(folder()).create(exampleLease({ key: { pf, vf: 1 }, settings: held, giveBack }));
    expect((await vfleet('apply', pool, '--yes')).stdout).toContain('Applied and verified.');
    const recovered = await vfleet('recover');
    expect(recovered).toMatchObject({ status: 0, stderr: '' });
    expect(recovered.stdout.split('\n')).toEqual([
      'nothing to recover: the last apply ended properly',
      'web-1 has given back VF 1 of 0000:01:00.0 (storage): clean and free.',
    ]);
    expect(await listEveryLease(openFileLeases(folder()))).toEqual([]);
    expect((await vfleet('plan', pool, '--exit-code')).status).toBe(0);
    expect(JSON.parse((await vfleet('recover', '--json')).stdout)).toEqual({
      recovery: 'nothing',
      releases: [],
      corrupt: [],
    });
  });

  it('undoes an apply that only such a VF stood in the way of', async () => {
    await vfleet('apply', file('{ count: 3 }'), '--yes');
    await cutOff();
    const giveBack = { settings: {} };
    await openFileLeases(folder()).create(exampleLease({ key: { pf, vf: 1 }, settings: {}, giveBack }));
    const refused = await vfleet('apply', file('{ count: 5 }'), '--yes');
    expect(refused).toMatchObject({ status: 6 });
    expect(refused.stderr).toContain('is leased to VM web-1');
    const recovered = await vfleet('recover', '--json');
    expect(JSON.parse(recovered.stdout)).toMatchObject({
      recovery: 'undone',
      releases: [{ key: { pf, vf: 1 }, owner: 'web-1', result: 'free' }],
    });
    expect((await readLastJournal(folder()))?.end).toBe('undone');
  });

  it('says what it did also where an apply cannot be undone', async () => {
    await vfleet('apply', file('{ count: 3 }'), '--yes');
    await cutOff();
    const leases = openFileLeases(folder());
    const owner = { kind: 'qemu', name: 'vm1', startBy: '2999-01-01T00:00:00.000Z' } as const;
    await leases.create(exampleLease({ key: { pf, vf: 1 }, owner, settings: {} }));
    const recovered = await vfleet('recover');
    expect(recovered.status).toBe(6);
    expect(recovered.stderr).toContain('cannot be undone');
    expect(recovered.stderr).toContain('is leased to VM vm1');
    expect(await listEveryLease(leases)).toHaveLength(1);
  });
});
