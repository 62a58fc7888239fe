// Owns `vfleet attach --qemu`: a VF for a QEMU that somebody starts, its arguments on standard output, and who holds it.
// Standard output gets the arguments and nothing else, for `qemu-system-x86_64 … $(vfleet attach --qemu …)`.

import { VfleetError, messageOf } from '../../base/errors.ts';
import { parsePciAddress } from '../../base/identifiers.ts';
import type { AssigningHost } from '../../assign/assigning-host.ts';
import { giveBack } from '../../assign/detach.ts';
import { leaseForQemu } from '../../assign/lease-for-qemu.ts';
import type { QemuLeaseRequest } from '../../assign/lease-for-qemu.ts';
import { renderDeviceArguments } from '../../hypervisor/qemu/device-arguments.ts';
import { readProcessInstance } from '../../kernel/proc/process-identity.ts';
import type { Lease, Risk } from '../../model/lease.ts';
import { assigningHost, hypervisorIfThere } from '../assigning.ts';
import type { CliContext, LiveHost } from '../context.ts';
import { hasAgent, holderLogPath, startHolder } from '../holder.ts';
import { groundReader } from '../offer.ts';
import { printable } from '../render/table.ts';
import { beginWaiting } from '../render/waiting.ts';
import { describeEnd, holdUntilFree } from './holding.ts';
import { checkQemuName } from './qemu-name.ts';
import { changeable, jsonText, withHost } from './reading.ts';
import { checkRights } from './rights.ts';

export interface QemuAttachOptions {
  /** Name of the VM, for people. */
  readonly name: string;
  readonly network: string;
  readonly mac?: string;
  readonly spread?: boolean;
  readonly acceptRisk?: readonly Risk[];
  /** Offer of this file instead of the applied spec's. */
  readonly spec?: string;
  readonly json?: boolean;
  /** The process whose end frees the VF; absent: the one that opens it. */
  readonly pid?: number;
  /** Seconds in which a process has to open the VF; absent: {@link defaultStartSeconds}. */
  readonly startWithin?: number;
  /** Bus of the machine, for example the id of a pcie-root-port. */
  readonly bus?: string;
  /** This process holds the VF itself. */
  readonly foreground?: boolean;
  /** Seconds to wait for another vfleet that is changing this host. */
  readonly wait: number;
}

/** QEMU opens its devices when it starts; scripts and people need some time to start it. */
export const defaultStartSeconds = 60;
/** Names of buses and ids of devices in QEMU; a word of these is one word to every shell, with and without quotes. */
const busName = /^[A-Za-z0-9_./-]{1,128}$/;

/** `vfleet attach --qemu`. A failure leaves no lease: exit status as for `vfleet attach`. */
export async function attachQemu(context: CliContext, options: QemuAttachOptions): Promise<void> {
  checkQemuName(options.name);
  if (options.bus !== undefined && !busName.test(options.bus))
    throw new VfleetError('usage.invalid', `${JSON.stringify(options.bus)} is no name of a bus of QEMU`);
  await withHost(context, async (opened) => {
    const live = changeable(opened);
    checkRights(live);
    const lease = await leaseVf(context, live, options);
    const host = assigningHost(context, live, undefined, () => undefined);
    if (options.foreground === true) await holdHere(context, host, lease, options);
    else await handOver(context, live, host, lease, options);
  });
}

async function leaseVf(context: CliContext, live: LiveHost, options: QemuAttachOptions): Promise<Lease> {
  const request = requestOf(live, options);
  const waiting = beginWaiting(`leasing a VF for ${options.name}`, context.terminal);
  const hypervisor = await hypervisorIfThere(context, live);
  try {
    const host = assigningHost(context, live, hypervisor, (what) => waiting.say(what));
    return (await leaseForQemu(host, groundReader(live, options.spec), request)).lease;
  } finally {
    hypervisor?.close();
    waiting.end();
  }
}

function requestOf(live: LiveHost, options: QemuAttachOptions): QemuLeaseRequest {
  const { name, network, mac, acceptRisk = [], spread, wait, startWithin = defaultStartSeconds } = options;
  return {
    name,
    network,
    ...(mac === undefined ? {} : { mac }),
    spread: spread === true,
    acceptedRisks: [...acceptRisk],
    waitMs: wait * 1000,
    ...ownerOf(live, options.pid, startWithin),
  };
}

/** Whose the VF shall be: a process that runs, or the one that will open it. Throws `usage.invalid`. */
function ownerOf(
  live: LiveHost,
  pid: number | undefined,
  startWithin: number,
): Pick<QemuLeaseRequest, 'process' | 'startWithinMs'> {
  if (pid === undefined) return { startWithinMs: startWithin * 1000 };
  const process = readProcessInstance(live.session.files, pid);
  if (process === undefined) throw new VfleetError('usage.invalid', `no process ${pid} runs`);
  return { process };
}

/** Leaves the lease to the agent, or to a process of its own. */
async function handOver(
  context: CliContext,
  live: LiveHost,
  host: AssigningHost,
  lease: Lease,
  options: QemuAttachOptions,
): Promise<void> {
  let holder: number | undefined;
  try {
    if (!(await hasAgent(live))) holder = await startHolder(context, live, lease);
  } catch (cause) {
    throw await undone(host, lease, cause);
  }
  printArguments(context, lease, options, holder);
  const who =
    holder === undefined
      ? 'the agent'
      : `process ${holder}, which writes to ${holderLogPath(live.stateFolder)}`;
  context.terminal.note(printable(`${describeLease(lease, options)}, by ${who}`));
}

/** Waits itself, and gives back at the end; also when it is asked to stop, unless the VF is in use. */
async function holdHere(
  context: CliContext,
  host: AssigningHost,
  lease: Lease,
  options: QemuAttachOptions,
): Promise<void> {
  const { terminal, signal } = context;
  printArguments(context, lease, options, process.pid);
  terminal.note(printable(`${describeLease(lease, options)}, by this command`));
  // A give-back is not to be broken off by the signal that asks for it.
  const patient: AssigningHost = {
    ...host,
    report: (text) => terminal.note(printable(text)),
    signal: undefined,
  };
  const end = await holdUntilFree(patient, lease, { signal });
  if (end !== 'aborted') {
    terminal.note(printable(describeEnd(end)));
    return;
  }
  const release = await giveBack(patient, lease);
  const isKept = release.result === 'kept';
  terminal.note(printable(isKept ? `${release.why ?? 'in use'}; ${describeEnd(end)}` : describeEnd(release)));
}

function printArguments(
  { terminal }: CliContext,
  lease: Lease,
  { bus, json }: QemuAttachOptions,
  holder: number | undefined,
): void {
  const { list, line } = argumentsOf(lease, bus);
  terminal.print(json === true ? jsonText({ lease, arguments: list, holder }) : line);
}

function argumentsOf(
  { address, key }: Lease,
  bus: string | undefined,
): ReturnType<typeof renderDeviceArguments> {
  const hostAddress = parsePciAddress(address ?? '');
  if (hostAddress !== undefined) return renderDeviceArguments({ hostAddress, bus });
  throw new VfleetError(
    'internal.bug',
    `VF ${key.vf} of ${key.pf} was leased to a QEMU and is no PCI device`,
  );
}

function describeLease({ key, network, settings, owner }: Lease, options: QemuAttachOptions): string {
  const { pid, startWithin = defaultStartSeconds } = options;
  const until =
    pid === undefined
      ? `until the QEMU ends that opens it within ${startWithin} s`
      : `until process ${pid} ends`;
  return `VF ${key.vf} of ${key.pf} on ${network}, MAC ${settings.mac ?? 'unknown'}, is held for ${owner.name} ${until}`;
}

/** Gives back what was leased in vain. The error says what failed, and whether the VF is free again. */
async function undone(host: AssigningHost, lease: Lease, cause: unknown): Promise<VfleetError> {
  const { result, why } = await giveBack(host, lease);
  const isFree = result === 'free';
  return new VfleetError(
    isFree ? 'attach.undone' : 'attach.inconsistent',
    `${messageOf(cause)}; the VF ${isFree ? 'is free again' : `could not be given back: ${why ?? result}`}`,
    { cause },
  );
}
