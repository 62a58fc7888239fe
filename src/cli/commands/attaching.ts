// Owns the course of `vfleet attach` and `vfleet detach`: which VM, for how long, the work, the result on the screen.
// The work itself is the agent's or src/assign's; both stand behind Assigner.

import { ExitStatus, VfleetError } from '../../base/errors.ts';
import type { Attachment, AttachRequest, Release } from '../../model/attachment.ts';
import type { Vm } from '../../model/vm.ts';
import { isActive } from '../../model/vm.ts';
import { listed, quoted } from '../../spec/wording.ts';
import { suggestWord } from '../../base/suggestion.ts';
import { withAssigner } from '../assigning.ts';
import type { Assigner } from '../assigning.ts';
import type { CliContext } from '../context.ts';
import { countReasons, renderAttachment, renderReleases } from '../render/attach.ts';
import { renderChoice } from '../render/choice.ts';
import type { AttachOptions, DetachOptions } from './attach.ts';
import { jsonText } from './reading.ts';

/** More VMs than these in a message help nobody. */
const namedVms = 8;

const libvirtOptions = ['live', 'persistent', 'failover', 'explain'] as const;
const qemuOptions = ['name', 'pid', 'startWithin', 'bus', 'foreground'] as const;

/** `vfleet attach VM`. */
export async function attachCommand(
  context: CliContext,
  name: string | undefined,
  options: AttachOptions,
): Promise<void> {
  if (options.qemu === true) return attachToQemu(context, name, options);
  if (name === undefined) throw usage('no VM is named', 'vfleet attach VM --network NAME');
  const stray = qemuOptions.find((each) => options[each] !== undefined);
  if (stray !== undefined)
    throw usage(`--${stray === 'startWithin' ? 'start-within' : stray} goes with --qemu only`);
  const { terminal } = context;
  await withAssigner(
    context,
    { ...options, changes: options.explain !== true, doing: `attaching ${name}` },
    async (assigner) => {
      const vm = await findVm(assigner, name);
      const request: AttachRequest = {
        vm: vm.uuid,
        network: options.network,
        ...(options.mac === undefined ? {} : { mac: options.mac }),
        hold: holdOf(vm, options),
        spread: options.spread === true,
        acceptedRisks: [...(options.acceptRisk ?? [])],
        ...(options.failover === undefined ? {} : { failover: options.failover }),
        waitMs: options.wait * 1000,
      };
      if (options.explain === true) {
        const candidates = await assigner.explain(request);
        assigner.quiet();
        if (options.json === true) terminal.print(jsonText({ candidates }));
        else for (const line of renderChoice(candidates, terminal)) terminal.print(line);
        return;
      }
      const attachment = await attach(assigner, request);
      assigner.quiet();
      if (options.json === true) terminal.print(jsonText(attachment));
      else for (const line of renderAttachment(attachment, terminal)) terminal.print(line);
    },
  );
}

/** `vfleet detach VM`. */
export async function detachCommand(
  context: CliContext,
  name: string,
  options: DetachOptions,
): Promise<void> {
  const { terminal } = context;
  await withAssigner(context, { ...options, changes: true, doing: `detaching ${name}` }, async (assigner) => {
    const list = await assigner.detach({
      vm: name,
      ...(options.network === undefined ? {} : { network: options.network }),
      ...(options.mac === undefined ? {} : { mac: options.mac }),
      waitMs: options.wait * 1000,
    });
    assigner.quiet();
    if (options.json === true) terminal.print(jsonText(list));
    else for (const line of renderReleases(list.releases, terminal)) terminal.print(line);
    context.setExitStatus(statusOf(list.releases));
  });
}

/** Attaches; when no VF can be taken, the error says how many there are for which reason. */
async function attach(assigner: Assigner, request: AttachRequest): Promise<Attachment> {
  try {
    return await assigner.attach(request);
  } catch (error) {
    if (!(error instanceof VfleetError) || error.code !== 'vf.unavailable') throw error;
    const counts = countReasons(await assigner.explain(request).catch(() => []));
    if (counts === '') throw error;
    throw new VfleetError(error.code, `no VF of ${request.network} can be taken for it: ${counts}`, {
      hint: 'add --explain to see each VF and why',
      details: error.details,
      cause: error,
    });
  }
}

/** What became of VFs, to a script: the worst of them counts. */
export function statusOf(releases: readonly Release[]): number {
  const results = releases.map(({ result }) => result);
  if (results.includes('quarantined')) return ExitStatus.inconsistent;
  return results.includes('kept') ? ExitStatus.busy : ExitStatus.ok;
}

/** The VM of a name or UUID. Throws `vm.unknown` with the name that was meant, or those there are. */
export async function findVm(
  assigner: Pick<Assigner, 'label' | 'readVm' | 'listVms'>,
  name: string,
): Promise<Vm> {
  try {
    return await assigner.readVm(name);
  } catch (error) {
    if (!(error instanceof VfleetError) || error.code !== 'vm.unknown') throw error;
    const names = (await assigner.listVms()).map((vm) => vm.name);
    const near = suggestWord(name, names);
    const known = listed(names.map(quoted), namedVms);
    throw new VfleetError('vm.unknown', `there is no VM ${quoted(name)} at ${assigner.label}`, {
      hint:
        near === undefined
          ? names.length === 0
            ? 'it has none'
            : `it has ${known}`
          : `did you mean ${near}?`,
      details: error.details,
      cause: error,
    });
  }
}

/** For how long the VM shall have the VF. */
function holdOf(vm: Vm, { live, persistent }: AttachOptions): 'live' | 'stored' {
  const name = quoted(vm.name);
  if (persistent === true) {
    if (vm.persistent) return 'stored';
    throw usage(`${name} has no stored definition that could name the VF`, 'leave --persistent away');
  }
  if (isActive(vm)) return 'live';
  const how = live === true ? 'take --persistent for --live' : 'add --persistent';
  throw usage(`${name} is not running, so only its stored definition can be given a VF`, how);
}

async function attachToQemu(
  context: CliContext,
  vm: string | undefined,
  options: AttachOptions,
): Promise<void> {
  const { name } = options;
  if (vm !== undefined) throw usage('with --qemu the VM is named by --name', `--name ${vm}`);
  if (name === undefined) throw usage('--qemu needs the name of the VM', 'add --name NAME');
  const stray = libvirtOptions.find((each) => options[each] !== undefined);
  if (stray !== undefined) throw usage(`--${stray} is for VMs of libvirt and does not go with --qemu`);
  const { attachQemu } = await import('./qemu-attach.ts');
  await attachQemu(context, { ...options, name });
}

function usage(message: string, hint?: string): VfleetError {
  return new VfleetError('usage.invalid', message, { hint });
}
