// Owns the section `choose`: the choice among 8 PFs of 256 VFs, a quarter of them leased, and the reading of its facts.
// The choice is a computation: it is measured once warm, and as the first thing that a process of its own does.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseVfs } from '../src/choice/choose-vfs.ts';
import type { ChoiceInput } from '../src/choice/choice-input.ts';
import { readChoiceFacts } from '../src/inventory/choice-facts.ts';
import { KernelSession } from '../src/kernel/session.ts';
import { listSriovPfs } from '../src/kernel/sysfs/sriov.ts';
import type { Lease } from '../src/model/lease.ts';
import type { Kernel } from '../src/kernel/kernel.ts';
import { copyBigHost } from './copied-host.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { alternate, figureOf, timeMs } from './sample.ts';

const vfsPerPf = 256;
const maxChoiceMs = 5;
const leasedShare = 4;
const firstRounds = 9;

/** A choice on the host `big`, for a VM that is pinned to node 1. */
async function bigInput(kernel: Kernel): Promise<ChoiceInput> {
  const session = new KernelSession(kernel);
  const facts = await readChoiceFacts(session, listSriovPfs(kernel.files));
  session.close();
  const vfs = facts.pfs.flatMap((pf) => pf.vfs.map(({ index }) => ({ pf: pf.address, vf: index })));
  const leases = vfs.filter((_, at) => at % leasedShare === 0).map((key, at) => leaseOf(key, `vm-${at}`));
  return {
    facts,
    offer: {
      networks: [{ name: 'storage' }],
      pools: facts.pfs.map((pf) => ({
        pf: pf.address,
        networks: ['storage'],
        vfs: pf.vfs.map(({ index }) => ({ index, settings: {} })),
      })),
    },
    network: { name: 'storage', maxTxRateMbps: 1000 },
    leases,
    corrupt: [],
    quarantines: [],
    definedUsers: [],
    unknownUsers: [],
    vm: {
      name: 'web-1',
      uuid: 'web-1',
      hostAddresses: [],
      placement: { vcpuCount: 1, memoryMb: 1024, vcpuPins: { 0: [...(facts.nodes[1]?.cpus ?? [])] } },
    },
    spread: true,
    acceptedRisks: [],
  };
}

function leaseOf(key: Lease['key'], name: string): Lease {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Lease',
    key,
    generation: '0'.repeat(32),
    owner: { kind: 'libvirt', uuid: name, name, hold: 'live' },
    network: 'storage',
    settings: { maxTxRateMbps: 500 },
    giveBack: { settings: {} },
    acceptedRisks: [],
    createdAt: '2026-01-01T00:00:00Z',
  };
}

/** Milliseconds of one choice. Throws when it chose nothing. */
async function timeChoice(input: ChoiceInput): Promise<number> {
  return timeMs(() => {
    if (chooseVfs(input)[0]?.rank !== 1) throw new Error('nothing was chosen');
  });
}

/** What `here.js first-choice FILE` prints: the time of the first choice of its process. */
export async function answerFirstChoice(file: string): Promise<void> {
  const input = JSON.parse(readFileSync(file, 'utf8')) as ChoiceInput;
  console.log(JSON.stringify(await timeChoice(input)));
}

export async function measureChoices(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-choose-'));
  const host = await copyBigHost(vfsPerPf);
  try {
    const { kernel } = host;
    const input = await bigInput(kernel);
    const file = join(folder, 'input.json');
    writeFileSync(file, JSON.stringify(input));
    const [, script = ''] = process.argv;
    const first = Array.from({ length: firstRounds }, () =>
      Number(execFileSync(process.execPath, [script, 'first-choice', file], { encoding: 'utf8' })),
    );
    const { ours } = await alternate(
      { ours: async () => timeChoice(input) },
      { rounds: 101, warmUpRounds: 50 },
    );
    const pfs = listSriovPfs(kernel.files);
    const readFacts = async (): Promise<void> => {
      const session = new KernelSession(kernel);
      const { groups } = await readChoiceFacts(session, pfs);
      session.close();
      if (groups.length === 0) throw new Error('no facts were read');
    };
    const { reading } = await alternate(
      { reading: async () => timeMs(readFacts) },
      { rounds: 9, warmUpRounds: 3 },
    );
    return [
      rowOf({
        section: 'choose',
        where: 'this machine',
        what: 'choose among 8 PFs x 256 VFs, a quarter leased',
        unit: 'ms',
        ours,
        first: figureOf(first),
        bound: maxChoiceMs,
      }),
      rowOf({
        section: 'choose',
        where: 'this machine',
        what: 'read the facts of a choice, 8 PFs x 256 VFs',
        unit: 'ms',
        ours: reading,
      }),
    ];
  } finally {
    host.remove();
    rmSync(folder, { recursive: true });
  }
}
