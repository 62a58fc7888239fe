// Owns asking libvirt for domains: all of them in as few calls as there are, or one by name or UUID.
// Changes nothing.

import { messageOf, VfleetError } from '../../base/errors.ts';
import type { Vm } from '../../model/vm.ts';
import type { ReadDefinition } from './definition.ts';
import type { DomainFacts, StateNumbers } from './domain-state.ts';
import { formatUuid, parseUuid, unreadableVm, vmOf } from './domain-state.ts';
import type { LibvirtClient } from './libvirt-client.ts';
import { isRefusal } from './refusal.ts';
import type { DomainRef } from './remote-protocol.ts';
import {
  procedures,
  VIR_CONNECT_LIST_DOMAINS_PERSISTENT,
  VIR_DOMAIN_STATS_STATE,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_SECURE,
} from './remote-protocol.ts';

/** Longer than any name that a file system holds, and libvirt keeps a definition in a file of the VM's name. */
const maxNameBytes = 4096;

/**
 * All VMs, by name. One that goes away meanwhile is left out; one whose definition cannot be read, or libvirt does not give,
 * says so.
 */
export async function listVms(client: LibvirtClient, read: ReadDefinition): Promise<Vm[]> {
  const [{ records }, { domains }] = await Promise.all([
    client.call(procedures.connectGetAllDomainStats, { doms: [], stats: VIR_DOMAIN_STATS_STATE, flags: 0 }),
    client.call(procedures.connectListAllDomains, {
      needResults: 1,
      flags: VIR_CONNECT_LIST_DOMAINS_PERSISTENT,
    }),
  ]);
  const persistent = new Set(domains.map(({ uuid }) => formatUuid(uuid)));
  const found = await Promise.all(
    records.map(({ dom, params }) =>
      unlessGone(readFacts(client, dom, stateIn(params), persistent.has(formatUuid(dom.uuid)))),
    ),
  );
  return found
    .filter((facts) => facts !== undefined)
    .map((facts) => listed(facts, read))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function listed(facts: DomainFacts, read: ReadDefinition): Vm {
  try {
    return vmOf(facts, read);
  } catch (thrown) {
    const isMalformed = thrown instanceof VfleetError && thrown.code === 'hypervisor.malformed';
    if (thrown !== facts.refusal && !isMalformed) throw thrown;
    return unreadableVm(facts, messageOf(thrown));
  }
}

/** One VM. Throws `vm.unknown`, `hypervisor.malformed` when its definition cannot be read, and libvirt's refusal to give it. */
export async function readVm(client: LibvirtClient, read: ReadDefinition, nameOrUuid: string): Promise<Vm> {
  const dom = await findDomain(client, nameOrUuid);
  const [state, { persistent }] = await Promise.all([
    client.call(procedures.domainGetState, { dom, flags: 0 }),
    client.call(procedures.domainIsPersistent, { dom }),
  ]);
  return vmOf(await readFacts(client, dom, state, persistent === 1), read);
}

/** A domain by UUID, or by name. Throws `vm.unknown`. */
export async function findDomain(client: LibvirtClient, nameOrUuid: string): Promise<DomainRef> {
  const uuid = parseUuid(nameOrUuid);
  const byUuid =
    uuid === undefined ? undefined : await unlessGone(client.call(procedures.domainLookupByUuid, { uuid }));
  if (byUuid !== undefined) return byUuid.dom;
  const sendable = !nameOrUuid.includes('\0') && Buffer.byteLength(nameOrUuid) <= maxNameBytes;
  const byName = sendable
    ? await unlessGone(client.call(procedures.domainLookupByName, { name: nameOrUuid }))
    : undefined;
  // Half a surrogate pair is sent as another character, and so finds another VM.
  if (byName?.dom.name === nameOrUuid) return byName.dom;
  const shown = nameOrUuid.length > 100 ? `${nameOrUuid.slice(0, 100)}…` : nameOrUuid;
  throw new VfleetError('vm.unknown', `libvirt has no VM ${JSON.stringify(shown)}`);
}

/** Definition of a running domain; of one that does not run, its stored one. */
export async function readLiveXml(client: LibvirtClient, dom: DomainRef): Promise<string> {
  return (await client.call(procedures.domainGetXmlDesc, { dom, flags: 0 })).xml;
}

/** Stored definition; `secure` brings passwords with it, without which it must not be stored again. */
export async function readStoredXml(client: LibvirtClient, dom: DomainRef, secure = false): Promise<string> {
  const flags = VIR_DOMAIN_XML_INACTIVE | (secure ? VIR_DOMAIN_XML_SECURE : 0);
  return (await client.call(procedures.domainGetXmlDesc, { dom, flags })).xml;
}

async function readFacts(
  client: LibvirtClient,
  dom: DomainRef,
  state: StateNumbers,
  persistent: boolean,
): Promise<DomainFacts> {
  const [live, stored] = await Promise.all([
    dom.id < 0 ? undefined : unlessRefused(dom, readLiveXml(client, dom)),
    persistent ? unlessRefused(dom, readStoredXml(client, dom)) : undefined,
  ]);
  const refusal = live?.refusal ?? stored?.refusal;
  return { dom, state, persistent, liveXml: live?.xml, storedXml: stored?.xml, refusal };
}

interface GivenXml {
  readonly xml?: string;
  readonly refusal?: VfleetError;
}

/** A definition, or why libvirt does not give that of this one domain; one that is no more is thrown as such. */
async function unlessRefused(dom: DomainRef, reading: Promise<string>): Promise<GivenXml> {
  try {
    return { xml: await reading };
  } catch (thrown) {
    if (!(thrown instanceof VfleetError) || !isRefusal(thrown) || isRefusal(thrown, 'VIR_ERR_NO_DOMAIN'))
      throw thrown;
    const { code, hint, details, message } = thrown;
    const what = `the definition of ${JSON.stringify(dom.name)} is not to be had: ${message}`;
    return { refusal: new VfleetError(code, what, { hint, details, cause: thrown }) };
  }
}

function stateIn(params: readonly { field: string; value: { value: unknown } }[]): StateNumbers {
  const valueOf = (name: string) => Number(params.find(({ field }) => field === name)?.value.value ?? 0);
  return { state: valueOf('state.state'), reason: valueOf('state.reason') };
}

async function unlessGone<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (thrown) {
    if (isRefusal(thrown, 'VIR_ERR_NO_DOMAIN')) return undefined;
    throw thrown;
  }
}
