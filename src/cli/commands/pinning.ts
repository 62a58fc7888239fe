// Owns the course of `vfleet pin`: facts, plan, question, change, and reading back what the hypervisor made of it.

import { VfleetError, messageOf } from '../../base/errors.ts';
import { parsePciAddress } from '../../base/identifiers.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import { readHostCpus } from '../../inventory/host-cpus.ts';
import type { FileTree } from '../../kernel/kernel.ts';
import { readMemoryByNode } from '../../kernel/proc/numa-maps.ts';
import { readNumaNode } from '../../kernel/sysfs/device.ts';
import { readPhysfn } from '../../kernel/sysfs/pci-device.ts';
import { isActive } from '../../model/vm.ts';
import type { Pinning, Vm } from '../../model/vm.ts';
import type { PinningPlan, VmVf } from '../../placement/pinning-plan.ts';
import { planPinning } from '../../placement/plan-pinning.ts';
import type { CliContext, LiveHost } from '../context.ts';
import { changeCountOf, renderPinning } from '../render/pin.ts';
import { carryOutAsAgreed } from './agreed-change.ts';
import { findVm } from './attaching.ts';
import type { PinOptions } from './pin.ts';
import { changeable, jsonText, withHost } from './reading.ts';

/** `vfleet pin VM`. */
export async function pinCommand(context: CliContext, name: string, options: PinOptions): Promise<void> {
  if (options.yes === true && options.apply !== true)
    throw new VfleetError('usage.invalid', '--yes goes with --apply only');
  await withHost(context, async (opened) => {
    const host = changeable(opened);
    const hypervisor = await context.openHypervisor(host);
    try {
      if (options.apply === true) await applyPinning(context, host, hypervisor, name, options);
      else show(context, await planFor(host.session.files, hypervisor, name), 'planned', options);
    } finally {
      hypervisor.close();
    }
  });
}

/** Two of us at once could give the same CPUs to two VMs: the lock of the host is held from the last plan to its end. */
async function applyPinning(
  context: CliContext,
  { session: { files }, stateFolder }: LiveHost,
  hypervisor: Hypervisor,
  name: string,
  options: PinOptions,
): Promise<void> {
  const { terminal } = context;
  const json = options.json === true;
  await carryOutAsAgreed<PinningPlan>(context, {
    command: 'pin',
    stateFolder,
    wait: options.wait,
    yes: options.yes === true,
    json,
    plan: async () => planFor(files, hypervisor, name),
    show: (plan) => {
      if (!json) show(context, plan, 'planned', options);
    },
    isEmpty: (plan) => changeCountOf(plan) === 0,
    // Reasons and notes name amounts of memory, which always differ.
    substanceOf: ({ uuid, node, live, stored }) => [uuid, node, live, stored],
    carryOut: async (plan) => {
      if (changeCountOf(plan) === 0) {
        if (json) show(context, plan, 'unchanged', options);
        return;
      }
      const isMemoryLeft = await pinAsFarAsCan(context, hypervisor, plan);
      checkPinned(hypervisor, await planFor(files, hypervisor, plan.uuid), isMemoryLeft);
      if (json) terminal.print(jsonText({ result: 'applied', plan }));
      else terminal.print(terminal.style('green', 'Pinned, and read back.'));
    },
  });
}

function show(
  { terminal }: CliContext,
  plan: PinningPlan,
  result: 'planned' | 'unchanged',
  { json }: PinOptions,
): void {
  if (json === true) terminal.print(jsonText({ result, plan }));
  else for (const line of renderPinning(plan, terminal)) terminal.print(line);
}

async function planFor(files: FileTree, hypervisor: Hypervisor, name: string): Promise<PinningPlan> {
  const vm = await findVm(hypervisor, name);
  const vms = await hypervisor.listVms();
  const memoryMbByNode = isActive(vm) && vm.pid !== undefined ? readMemoryByNode(files, vm.pid) : undefined;
  return planPinning({
    host: readHostCpus(files),
    vm,
    vms,
    vfs: listVfs(files, vm),
    ...(memoryMbByNode === undefined ? {} : { memoryMbByNode }),
  });
}

/** The VFs of a VM that are on the host now, running or stored; other devices of it do not count. */
function listVfs(files: FileTree, { nics, storedNics }: Vm): readonly VmVf[] {
  const addresses = new Set(
    [...nics, ...storedNics].flatMap(({ hostAddress = '' }) => parsePciAddress(hostAddress) ?? []),
  );
  return [...addresses]
    .filter((address) => readPhysfn(files, address) !== undefined)
    .map((address) => {
      const node = readNumaNode(files, address);
      return node === undefined ? { address } : { address, node };
    });
}

/**
 * Pins as planned. A hypervisor without a cgroup for it cannot bind memory of a running VM, which would hardly move anyway:
 * then the rest is done, and true given back.
 */
async function pinAsFarAsCan(
  { terminal }: CliContext,
  hypervisor: Hypervisor,
  plan: PinningPlan,
): Promise<boolean> {
  try {
    await pinAsPlanned(hypervisor, plan);
    return false;
  } catch (error) {
    const { memoryNodes, ...threads } = plan.live?.pinning ?? {};
    if (!(error instanceof VfleetError) || error.code !== 'hypervisor.refused' || memoryNodes === undefined)
      throw error;
    await pinAsPlanned(hypervisor, { ...plan, live: { pinning: threads, changes: [] } });
    terminal.note(`memory of the running VM is not bound: ${error.message}`);
    return true;
  }
}

/**
 * One call where the running VM and its stored definition get the same: then both have it, or none. Otherwise the stored
 * one first, which changes nothing that runs.
 */
async function pinAsPlanned(hypervisor: Hypervisor, { vm, uuid, live, stored }: PinningPlan): Promise<void> {
  const [running, later] = [live?.pinning ?? {}, stored?.pinning ?? {}];
  if (hasChange(running) && JSON.stringify(running) === JSON.stringify(later)) {
    await hypervisor.pin(uuid, running, { live: true, stored: true });
    return;
  }
  if (hasChange(later)) await hypervisor.pin(uuid, later, { live: false, stored: true });
  if (!hasChange(running)) return;
  try {
    await hypervisor.pin(uuid, running, { live: true, stored: false });
  } catch (cause) {
    if (!(cause instanceof VfleetError) || !hasChange(later)) throw cause;
    throw new VfleetError(
      cause.code,
      `the stored definition of ${vm} is pinned, the running VM is not: ${messageOf(cause)}`,
      { hint: cause.hint, details: cause.details, cause },
    );
  }
}

function hasChange(pinning: Pinning): boolean {
  return Object.keys(pinning).length > 0;
}

/** Throws `verify.mismatch` when there is still something to change. */
function checkPinned(hypervisor: Hypervisor, plan: PinningPlan, isMemoryLeft: boolean): void {
  const live = (plan.live?.changes ?? []).filter(({ what }) => !(isMemoryLeft && what === 'memory'));
  const left = [...live, ...(plan.stored?.changes ?? [])].map(({ what }) => what);
  if (left.length === 0) return;
  throw new VfleetError(
    'verify.mismatch',
    `${hypervisor.label} took the pinning of ${plan.vm} and did not keep it: ${[...new Set(left)].join(', ')}`,
    { hint: 'compare with: vfleet pin VM' },
  );
}
