// Owns the course of `vfleet hotplug`: the VF of a network into a QEMU that runs, or out of it, over its monitor.
// Whatever fails after the lease is made takes the VF out of QEMU again and gives it back.

import { VfleetError, messageOf } from '../../base/errors.ts';
import type { PciAddress } from '../../base/identifiers.ts';
import { parseMacAddress, parsePciAddress } from '../../base/identifiers.ts';
import type { AssigningHost } from '../../assign/assigning-host.ts';
import { giveBack, noLease, takeBack } from '../../assign/detach.ts';
import { leaseForQemu } from '../../assign/lease-for-qemu.ts';
import { readVfioUsersOf } from '../../assign/qemu-owner.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import { deviceIdOf } from '../../hypervisor/qemu/device-arguments.ts';
import {
  findFreePort,
  listVfioDevices,
  plugTimeoutMs,
  plugDevice,
  readVmName,
  unplugDevice,
} from '../../hypervisor/qemu/devices.ts';
import type { QmpClient } from '../../hypervisor/qemu/qmp.ts';
import { connectQmp } from '../../hypervisor/qemu/qmp.ts';
import { isSameProcess, readProcessInstance } from '../../kernel/proc/process-identity.ts';
import type { Lease, ProcessIdentity } from '../../model/lease.ts';
import { assigningHost, hypervisorIfThere } from '../assigning.ts';
import type { CliContext, LiveHost } from '../context.ts';
import { hasAgent, startHolder } from '../holder.ts';
import { groundReader } from '../offer.ts';
import { renderReleases } from '../render/attach.ts';
import { printable } from '../render/table.ts';
import type { Waiting } from '../render/waiting.ts';
import { beginWaiting } from '../render/waiting.ts';
import { statusOf } from './attaching.ts';
import type { HotplugOptions } from './hotplug.ts';
import { checkQemuName, isQemuName } from './qemu-name.ts';
import { changeable, jsonText, withHost } from './reading.ts';
import { checkRights } from './rights.ts';

/**
 * QEMU opens the VF at once, or after the longest that we wait for it. Should we be killed in between, the VF is not left
 * to a QEMU that does not have it.
 */
const openWithinMs = plugTimeoutMs + 20_000;

/** `vfleet hotplug`. */
export async function hotplug(context: CliContext, options: HotplugOptions): Promise<void> {
  const { network, remove } = options;
  if (network === undefined && remove === undefined)
    throw new VfleetError('usage.invalid', 'either --network NAME or --remove VF has to be given');
  if (options.name !== undefined) checkQemuName(options.name);
  await withHost(context, async (opened) => {
    const live = changeable(opened);
    checkRights(live);
    const qmp = await connectQmp(options.qmp);
    const waiting = beginWaiting(`speaking with QEMU at ${options.qmp}`, context.terminal);
    const work: Work = { context, live, qmp, options, waiting };
    try {
      if (network === undefined) await takeOut(work, remove ?? '');
      else await plugIn(work, network);
    } finally {
      waiting.end();
      qmp.close();
    }
  });
}

interface Work {
  readonly context: CliContext;
  readonly live: LiveHost;
  readonly qmp: QmpClient;
  readonly options: HotplugOptions;
  readonly waiting: Waiting;
}

async function plugIn(work: Work, network: string): Promise<void> {
  const { context, live, qmp, options, waiting } = work;
  const process = listenerOf(live, qmp);
  // Before a VF is leased: without room for it nothing shall be changed.
  const bus = options.bus ?? (await findFreePort(qmp));
  const own = options.name ?? (await readVmName(qmp)) ?? '';
  const name = isQemuName(own) ? own : `qemu ${process.pid}`;
  const hypervisor = await hypervisorIfThere(context, live);
  try {
    const host = hostOf(work, hypervisor);
    const { lease } = await leaseForQemu(host, groundReader(live, options.spec), {
      name,
      network,
      process,
      startWithinMs: openWithinMs,
      ...(options.mac === undefined ? {} : { mac: options.mac }),
      spread: options.spread === true,
      acceptedRisks: [...(options.acceptRisk ?? [])],
      waitMs: options.wait * 1000,
    });
    const hostAddress = addressOf(lease);
    const id = deviceIdOf(hostAddress);
    let holder: number | undefined;
    try {
      // Somebody waits for the end of QEMU before QEMU has the VF.
      if (!(await hasAgent(live))) holder = await startHolder(context, live, lease);
      waiting.say(`plugging ${hostAddress} into ${name}`);
      await plugDevice(qmp, { driver: 'vfio-pci', id, bus, properties: { host: hostAddress } });
      await verifyUser(live, lease, process);
    } catch (cause) {
      throw await putBack(work, host, lease, cause);
    }
    waiting.end();
    report(context, options, lease, { id, bus, holder });
  } finally {
    hypervisor?.close();
  }
}

function hostOf(
  { context, live, options, waiting }: Work,
  hypervisor: Hypervisor | undefined,
): AssigningHost {
  const host = assigningHost(context, live, hypervisor, (what) => waiting.say(what));
  const { unplugTimeout } = options;
  return unplugTimeout === undefined ? host : { ...host, unplugTimeoutMs: unplugTimeout * 1000 };
}

/**
 * The process behind the monitor, as the kernel says who listens at its socket. That it is the one that has the VF in the
 * end is verified afterwards, for a socket can be made by one process and served by another.
 */
function listenerOf(live: LiveHost, qmp: QmpClient): ProcessIdentity {
  const pid = qmp.listenerPid;
  const process = pid === undefined ? undefined : readProcessInstance(live.session.files, pid);
  if (process !== undefined) return process;
  throw new VfleetError('host.unsupported', `the process behind ${qmp.path} cannot be seen from here`, {
    hint: 'Run vfleet in the process namespace of QEMU or above it.',
  });
}

/** Throws `verify.mismatch` when QEMU took the device and another process, or none, has the VF open. */
async function verifyUser(live: LiveHost, lease: Lease, process: ProcessIdentity): Promise<void> {
  const { users } = await readVfioUsersOf(live.session, lease);
  const isOwners = users.some(
    ({ pid }) => pid !== undefined && isSameProcess(process, readProcessInstance(live.session.files, pid)),
  );
  if (isOwners) return;
  const found = users.map(({ name, pid }) => `${name} (pid ${pid ?? 'unknown'})`).join(', ');
  throw new VfleetError(
    'verify.mismatch',
    `QEMU took the VF, but ${found === '' ? 'no process' : found} has it open, not process ${process.pid} behind the monitor`,
    { hint: 'Name the socket that QEMU itself listens at.' },
  );
}

/** Takes the VF out of QEMU, if it is in, and gives it back. Answers the error to throw. */
async function putBack(
  { qmp, options }: Work,
  host: AssigningHost,
  lease: Lease,
  cause: unknown,
): Promise<VfleetError> {
  const name = `VF ${lease.key.vf} of ${lease.key.pf}`;
  const subject = `${name} could not be given to ${JSON.stringify(lease.owner.name)}`;
  const { hint, details } = cause instanceof VfleetError ? cause : { hint: undefined, details: {} };
  let problem: string;
  try {
    await unplugIfThere(qmp, deviceIdOf(addressOf(lease)), host.unplugTimeoutMs);
    // What was asked to end may be the reason, and is no reason to leave the VF as it is.
    const patient = { ...host, signal: undefined };
    const { result, why = result } = await giveBack(patient, lease, options.wait * 1000);
    if (result === 'free') {
      return new VfleetError('attach.undone', `${subject}, and is free again: ${messageOf(cause)}`, {
        hint,
        details,
        cause,
      });
    }
    problem = why;
  } catch (error) {
    problem = messageOf(error);
  }
  return new VfleetError(
    'attach.inconsistent',
    `${subject}, and not be put back either: ${messageOf(cause)}`,
    {
      hint: 'mend the cause, then run `vfleet recover`',
      details: { ...details, pf: lease.key.pf, vf: lease.key.vf, problems: [problem] },
      cause,
    },
  );
}

/** A QEMU that is gone has no device any more; whether the VF is still open is looked at when it is given back. */
async function unplugIfThere(qmp: QmpClient, id: string, timeoutMs: number): Promise<void> {
  try {
    await unplugDevice(qmp, id, timeoutMs);
  } catch (error) {
    if (!(error instanceof VfleetError) || error.code !== 'hypervisor.unreachable') throw error;
  }
}

function report(
  { terminal }: CliContext,
  { json }: HotplugOptions,
  lease: Lease,
  device: { readonly id: string; readonly bus: string; readonly holder: number | undefined },
): void {
  if (json === true) {
    terminal.print(jsonText({ lease, device: device.id, bus: device.bus, holder: device.holder }));
    return;
  }
  const { key, address, network, settings, owner } = lease;
  const vf = `VF ${key.vf} of ${key.pf} (${address ?? ''})`;
  const text = `${owner.name} has ${vf} on network ${network}, MAC ${settings.mac ?? 'unknown'}, at ${device.bus}.`;
  terminal.print(terminal.style('green', printable(text)));
}

async function takeOut(work: Work, what: string): Promise<void> {
  const { context, live, qmp, options, waiting } = work;
  const { terminal } = context;
  const host = hostOf(work, undefined);
  const lease = await findLease(host, what);
  const { id } = (await listVfioDevices(qmp)).find(({ hostAddress }) => hostAddress === lease.address) ?? {};
  const owner = lease.owner.kind === 'qemu' ? lease.owner.process : undefined;
  // A lease whose VF did not get into this QEMU is this QEMU's all the same; any other is somebody else's.
  if (id === undefined && (owner === undefined || !isSameProcess(owner, listenerOf(live, qmp))))
    throw new VfleetError('lease.none', `the QEMU at ${qmp.path} does not have VF ${what}`);
  waiting.say(`waiting for the guest to let go of ${lease.address ?? ''}`);
  if (id !== undefined) await unplugDevice(qmp, id, host.unplugTimeoutMs);
  const release = await takeBack(host, lease, options.wait * 1000);
  waiting.end();
  if (options.json === true) terminal.print(jsonText({ releases: [release] }));
  else for (const line of renderReleases([release], terminal)) terminal.print(line);
  context.setExitStatus(statusOf([release]));
}

/** The lease of the VF that is meant. Throws `usage.invalid`, `lease.none`. */
async function findLease(host: AssigningHost, what: string): Promise<Lease> {
  const address = parsePciAddress(what);
  const mac = parseMacAddress(what);
  if (address === undefined && mac === undefined)
    throw new VfleetError('usage.invalid', `${JSON.stringify(what)} is neither a PCI nor a MAC address`);
  const { leases, corrupt } = await host.leases.list();
  const found = leases.find(
    (lease) =>
      lease.owner.kind === 'qemu' &&
      (address === undefined ? lease.settings.mac === mac : lease.address === address),
  );
  if (found !== undefined) return found;
  throw noLease(`no VF ${what} is leased to a plain QEMU`, corrupt);
}

function addressOf({ address, key }: Lease): PciAddress {
  const parsed = parsePciAddress(address ?? '');
  if (parsed !== undefined) return parsed;
  throw new VfleetError(
    'internal.bug',
    `VF ${key.vf} of ${key.pf} was leased to a QEMU and is no PCI device`,
  );
}
