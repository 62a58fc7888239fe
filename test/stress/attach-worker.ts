// Owns one of many processes that give VFs of one simulated host to VMs and take them back, by the functions that commands
// use, until it is killed. Bundled and started by scripts/stress.mjs; a line of JSON on standard output says what it saw.

import type { AssigningHost } from '../../src/assign/assigning-host.ts';
import { attachVf } from '../../src/assign/attach.ts';
import { detachVfs } from '../../src/assign/detach.ts';
import { recoverLeases } from '../../src/assign/recover.ts';
import { VfleetError } from '../../src/base/errors.ts';
import type { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { decodeMessages } from '../../src/kernel/netlink/message.ts';
import { RTM_SETLINK } from '../../src/kernel/rtnetlink/link.ts';
import { KernelSession } from '../../src/kernel/session.ts';
import { openFileLeases } from '../../src/lease/file-leases.ts';
import { request } from '../assigning.fixture.ts';
import { askedHost } from './asked-host.ts';
import { cardOf, longTimeouts, stateFileIn, vmCountOf, vmNameOf } from './attach-terms.ts';
import { randomFrom } from './random.ts';

const [stateFolder = '', vfCountText = '7', seedText = '1'] = process.argv.slice(2);
const vfCount = Number(vfCountText);
const vmCount = vmCountOf(vfCount);
const random = randomFrom(Number(seedText));
/** Of the socket to the host, after standard input, output and errors. */
const hostFd = 3;
/** A process dies by itself at one of so many changes, as likely at each. */
const mostChanges = 400;

const counts = { rounds: 0, taken: 0, released: 0, busy: 0, recovered: 0, changes: 0 };
function say(): void {
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] = 0;
}
function violation(what: string): void {
  process.stdout.write(`${JSON.stringify({ violation: `${what}, process ${process.pid}` })}\n`);
}

let remaining = 1 + Math.floor(random() * mostChanges);

/** The process ends before or after its last change, each as likely. */
async function change<T>(work: () => Promise<T>): Promise<T> {
  remaining -= 1;
  const isLast = remaining === 0;
  if (isLast && random() < 0.5) process.kill(process.pid, 'SIGKILL');
  const result = await work();
  if (isLast) process.kill(process.pid, 'SIGKILL');
  counts.changes += 1;
  return result;
}

/** The host, whose changes are counted. */
function changingHost(kernel: Kernel, hypervisor: Hypervisor): AssigningHost {
  const leases = openFileLeases(stateFolder);
  const session = new KernelSession({
    ...kernel,
    files: {
      ...kernel.files,
      write: async (...args) => change(async () => kernel.files.write(...args)),
    },
    openNetlink(protocol, options) {
      const socket = kernel.openNetlink(protocol, options);
      return {
        ...socket,
        async send(datagram) {
          const isChange = decodeMessages(datagram).some(({ type }) => type === RTM_SETLINK);
          return isChange ? change(async () => socket.send(datagram)) : socket.send(datagram);
        },
      };
    },
  });
  return {
    session,
    stateFolder,
    leases: {
      ...leases,
      create: async (lease) => change(async () => leases.create(lease)),
      deleteIfGeneration: async (...args) => change(async () => leases.deleteIfGeneration(...args)),
    },
    hypervisor: {
      ...hypervisor,
      attachNic: async (...args) => change(async () => hypervisor.attachNic(...args)),
      detachNic: async (...args) => change(async () => hypervisor.detachNic(...args)),
    },
    timeouts: longTimeouts,
    unplugTimeoutMs: longTimeouts.settleMs,
    report: () => undefined,
  };
}

const { kernel, hypervisor, call } = askedHost(hostFd, cardOf(vfCount).profile, stateFileIn(stateFolder));
const host = changingHost(kernel, hypervisor);
const { offer, facts } = call('ground');

/** Now and then the host is read anew, as a command does it; else it is known, as the agent knows it. */
async function attach(vm: string): Promise<void> {
  const ground = random() < 0.05 || facts === undefined ? { offer } : { offer, facts };
  const hold = random() < 0.3 ? 'stored' : 'live';
  await attachVf(host, async () => ground, request(vm, { hold }));
  counts.taken += 1;
}

async function detach(vm: string): Promise<void> {
  for (const { result } of (await detachVfs(host, { vm })).releases) {
    if (result === 'quarantined') violation('a VF is in quarantine');
    else if (result === 'free') counts.released += 1;
    else counts.busy += 1;
  }
}

async function recover(): Promise<void> {
  const { releases } = await recoverLeases(host);
  counts.recovered += releases.filter(({ result }) => result === 'free').length;
}

/** What one among many hears without anything being wrong. */
const usual = new Set(['vf.unavailable', 'lease.none', 'lease.changed']);
/** What has to do with a VM whose plug somebody pulls, or that somebody starts, at the same moment; and one that is full. */
const aboutVm =
  /does not run|is (?:not|already) running|was started meanwhile|does not have it|No more available PCI slots/;
/** A VM that is started while it loses what its definition names has it then, and its lease stands. */
const aboutStart = /^it is still leased: VM .* has it still$/;

function isUsual({ code, message, details }: VfleetError): boolean {
  if (['usage.invalid', 'hypervisor.refused', 'attach.undone'].includes(code)) return aboutVm.test(message);
  if (code === 'attach.inconsistent')
    return details.problems?.every((problem) => aboutStart.test(problem)) === true;
  return usual.has(code);
}

function describe(error: unknown): string {
  const problems = error instanceof VfleetError ? (error.details.problems ?? []) : [];
  return [String(error), ...problems].join('; ');
}

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
say();
while (!stop.signal.aborted) {
  counts.rounds += 1;
  const vm = vmNameOf(Math.floor(random() * vmCount));
  const dice = random();
  try {
    if (dice < 0.5) await attach(vm);
    else if (dice < 0.9) await detach(vm);
    else if (dice < 0.95) {
      call('destroy', vm);
      call('start', vm);
    } else await recover();
  } catch (error) {
    if (!(error instanceof VfleetError) || !isUsual(error)) violation(`unexpected: ${describe(error)}`);
    counts.busy += 1;
  }
  say();
  // Signals are heard when the event loop turns.
  await new Promise((resolve) => setImmediate(resolve));
}
process.exit(0);
