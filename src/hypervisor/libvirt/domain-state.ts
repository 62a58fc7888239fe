// Owns domains as values: UUIDs, states, and a Vm from what libvirt says of one.
// Asks libvirt nothing itself.

import type { VfleetError } from '../../base/errors.ts';
import { present } from '../../base/present.ts';
import type { Vm, VmNic, VmState } from '../../model/vm.ts';
import { readDefinition } from './definition.ts';
import type { ReadDefinition } from './definition.ts';
import type { DomainRef } from './remote-protocol.ts';

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The sixteen bytes of a UUID; undefined for text that is none. */
export function parseUuid(text: string): Buffer | undefined {
  return uuidPattern.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : undefined;
}

export function formatUuid(uuid: Buffer): string {
  return uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** virDomainState and its reason, as numbers. */
export interface StateNumbers {
  readonly state: number;
  readonly reason: number;
}

/** virDomainState. */
const VirState = { paused: 3, shutdown: 4, crashed: 6, pmsuspended: 7 } as const;
/** virDomainShutoffReason and virDomainCrashedReason have nothing else in common. */
const VIR_DOMAIN_SHUTOFF = 5;
const VIR_DOMAIN_SHUTOFF_CRASHED = 3;

/**
 * Whether a VM has a process is told by its number, not by its state: one that crashed with `<on_crash>preserve` keeps
 * process and devices, so it counts as paused.
 */
export function vmStateOf(id: number, { state, reason }: StateNumbers): VmState {
  if (id < 0) {
    const crashed =
      state === VirState.crashed || (state === VIR_DOMAIN_SHUTOFF && reason === VIR_DOMAIN_SHUTOFF_CRASHED);
    return crashed ? 'crashed' : 'stopped';
  }
  switch (state) {
    case VirState.paused:
    case VirState.crashed:
      return 'paused';
    case VirState.shutdown:
      return 'stopping';
    case VirState.pmsuspended:
      return 'suspended';
    default:
      return 'running';
  }
}

/** What libvirt says of one domain; a text is absent when there is no such definition, or libvirt does not give it. */
export interface DomainFacts {
  readonly dom: DomainRef;
  readonly state: StateNumbers;
  readonly persistent: boolean;
  readonly liveXml: string | undefined;
  readonly storedXml: string | undefined;
  /** Why libvirt does not give one of the definitions. */
  readonly refusal?: VfleetError | undefined;
}

/** Puts a VM together. Throws `hypervisor.malformed` for a definition that cannot be read, and libvirt's refusal to give one. */
export function vmOf(
  { dom, state, persistent, liveXml, storedXml, refusal }: DomainFacts,
  read: ReadDefinition = readDefinition,
): Vm {
  if (refusal !== undefined) throw refusal;
  const what = `the definition of ${JSON.stringify(dom.name)}`;
  const current = liveXml === undefined ? undefined : read(liveXml, what);
  // A VM that has stopped since it was listed answers with its stored definition.
  const live = current?.isRunning === true ? current : undefined;
  const stored = storedXml === undefined ? undefined : read(storedXml, what);
  return present({
    name: dom.name,
    uuid: formatUuid(dom.uuid),
    state: vmStateOf(live === undefined ? -1 : dom.id, state),
    persistent,
    nics: [...(live?.nics ?? [])],
    storedNics: [...(stored?.nics ?? [])],
    placement: (live ?? stored)?.placement ?? noPlacement,
    storedPlacement: stored?.placement,
  });
}

const noPlacement = { vcpuCount: 1, memoryMb: 0, vcpuPins: {} };

/** The VM of a definition that cannot be read: what libvirt says besides, and why there is no more. */
export function unreadableVm(
  { dom, state, persistent, liveXml, storedXml, refusal }: DomainFacts,
  problem: string,
): Vm {
  return {
    name: dom.name,
    uuid: formatUuid(dom.uuid),
    state: vmStateOf(dom.id, state),
    persistent,
    problem,
    ...(refusal === undefined ? {} : { withheld: true }),
    nics: listClaims(liveXml ?? ''),
    storedNics: listClaims(storedXml ?? ''),
    placement: noPlacement,
  };
}

const anyMac = /\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g;
/** A device of the host as libvirt writes it; the guest's addresses stand in no `<source>`. */
const hostDevice =
  /<source[^<>]*>\s*<address[^<>]*domain='0x(?<domain>[0-9a-f]{4})' bus='0x(?<bus>[0-9a-f]{2})' slot='0x(?<slot>[0-9a-f]{2})' function='0x(?<fn>[0-7])'/g;

/** What stands in a text, wherever it stands, and nobody else may be given: MAC addresses, and devices of the host. */
function listClaims(text: string): VmNic[] {
  const lower = text.toLowerCase();
  const hostAddresses = [...lower.matchAll(hostDevice)].map(({ groups = {} }) => {
    const { domain, bus, slot, fn } = groups;
    return `${domain}:${bus}:${slot}.${fn}`;
  });
  return [
    ...[...new Set(lower.match(anyMac))].map((mac) => ({ kind: 'unknown', mac })),
    ...[...new Set(hostAddresses)].map((hostAddress) => ({ kind: 'unknown', hostAddress })),
  ];
}
