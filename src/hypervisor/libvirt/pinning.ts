// Owns moving a VM to CPUs and NUMA nodes: the running one by libvirt's calls, the stored one by a new definition.
// Chooses no CPU (src/placement). All of a pinning holds or, as far as libvirt lets us, nothing of it.

import { messageOf, VfleetError } from '../../base/errors.ts';
import type { Pinning, VmPlacement } from '../../model/vm.ts';
import type { ChangeScope } from '../hypervisor.ts';
import { parseDefinition, renderDefinition } from './definition.ts';
import { findDomain, readLiveXml, readStoredXml } from './domain-reader.ts';
import type { LibvirtClient } from './libvirt-client.ts';
import { cpuMapOf, renderNumberSet } from './number-set.ts';
import { putPinning, readPlacement } from './placement-xml.ts';
import type { DomainRef } from './remote-protocol.ts';
import { procedures, TypedParam, VIR_DOMAIN_AFFECT_LIVE } from './remote-protocol.ts';

/** Bytes of a CPU map that libvirt fills at most (REMOTE_CPUMAP_MAX). */
const mapBytes = 2048;
const flags = VIR_DOMAIN_AFFECT_LIVE;

export async function pin(
  client: LibvirtClient,
  uuid: string,
  pinning: Pinning,
  scope: ChangeScope,
): Promise<void> {
  const dom = await findDomain(client, uuid);
  // The stored one is rendered before anything changes, and stored after the running VM took the pinning.
  const storedXml = scope.stored ? await renderPinned(client, dom, pinning) : undefined;
  const undo = scope.live ? await pinLive(client, dom, pinning) : undefined;
  if (storedXml === undefined) return;
  try {
    await client.call(procedures.domainDefineXmlFlags, { xml: storedXml, flags: 0 });
  } catch (thrown) {
    await undo?.();
    throw thrown;
  }
}

async function renderPinned(client: LibvirtClient, dom: DomainRef, pinning: Pinning): Promise<string> {
  const { persistent } = await client.call(procedures.domainIsPersistent, { dom });
  if (persistent !== 1) {
    throw new VfleetError(
      'hypervisor.refused',
      `the VM ${JSON.stringify(dom.name)} has no stored definition`,
    );
  }
  const xml = await readStoredXml(client, dom, true);
  const domain = parseDefinition(xml, 'the stored definition');
  checkThreads(readPlacement(domain), pinning);
  putPinning(domain, pinning);
  return renderDefinition(domain, xml);
}

function checkThreads(
  { vcpuCount, ioThreads = [] }: VmPlacement,
  { vcpuPins = {}, ioThreadPins = {} }: Pinning,
): void {
  const vcpu = Object.keys(vcpuPins).find(
    (number) => !/^\d{1,5}$/.test(number) || Number(number) >= vcpuCount,
  );
  if (vcpu !== undefined)
    throw new VfleetError('hypervisor.refused', `the VM has no vCPU ${vcpu}: it has ${vcpuCount}`);
  const ioThread = Object.keys(ioThreadPins).find((number) => !ioThreads.some((own) => `${own}` === number));
  if (ioThread !== undefined)
    throw new VfleetError('hypervisor.refused', `the VM has no I/O thread ${ioThread}`);
}

type Undo = () => Promise<void>;

/** Answers how the running VM gets what it had before. */
async function pinLive(client: LibvirtClient, dom: DomainRef, pinning: Pinning): Promise<Undo> {
  const before = readPlacement(parseDefinition(await readLiveXml(client, dom), 'the running VM'));
  checkThreads(before, pinning);
  checkMemory(before, pinning);
  const undos: Undo[] = [];
  async function undo(): Promise<void> {
    for (const step of undos.reverse()) await step();
  }
  try {
    if (pinning.vcpuPins !== undefined)
      undos.push(await pinVcpus(client, dom, pinning.vcpuPins, before.vcpuCount));
    if (pinning.emulatorPin !== undefined) undos.push(await pinEmulator(client, dom, pinning.emulatorPin));
    if (pinning.ioThreadPins !== undefined) undos.push(await pinIoThreads(client, dom, pinning.ioThreadPins));
    if (pinning.memoryNodes !== undefined) {
      await setMemoryNodes(client, dom, pinning.memoryNodes);
      const { memoryNodes } = before;
      if (memoryNodes !== undefined) undos.push(() => setMemoryNodes(client, dom, memoryNodes));
    }
    return undo;
  } catch (thrown) {
    await undo().catch((cause: unknown) => {
      throw new VfleetError(
        'hypervisor.refused',
        `${messageOf(thrown)}; and the pinning before could not be put back: ${messageOf(cause)}`,
        { cause: thrown },
      );
    });
    throw thrown;
  }
}

/**
 * qemuDomainSetNumaParamsLive: pages of a running VM move only where no mode is set or it is `restrictive`, and what is
 * bound by itself (memnode) never.
 */
function checkMemory({ memoryMode, memoryParts }: VmPlacement, { memoryNodes }: Pinning): void {
  const isFree = memoryMode === undefined || memoryMode === 'restrictive';
  if (memoryNodes === undefined || (isFree && memoryParts === undefined)) return;
  const why =
    memoryParts === undefined
      ? `its numatune mode is ${memoryMode}`
      : 'its parts are bound by themselves (memnode)';
  throw new VfleetError('hypervisor.refused', `memory of a running VM stays where it is while ${why}`, {
    hint: 'Pin the stored definition; it holds from the next start of the VM.',
  });
}

type Pins = Readonly<Record<string, readonly number[]>>;

/** Pins thread after thread; `before` are the CPUs that each goes back to. */
async function pinThreads(
  pins: Pins,
  before: (thread: number) => Buffer | undefined,
  pinThread: (thread: number, cpuMap: Buffer) => Promise<unknown>,
): Promise<Undo> {
  const done: number[] = [];
  async function undo(): Promise<void> {
    for (const thread of done) {
      const cpuMap = before(thread);
      if (cpuMap !== undefined) await pinThread(thread, cpuMap);
    }
  }
  try {
    for (const [number, cpus] of Object.entries(pins)) {
      const thread = Number(number);
      await pinThread(thread, cpuMapOf(cpus));
      done.push(thread);
    }
  } catch (thrown) {
    await undo();
    throw thrown;
  }
  return undo;
}

async function pinVcpus(client: LibvirtClient, dom: DomainRef, pins: Pins, vcpuCount: number): Promise<Undo> {
  const { cpuMaps } = await client.call(procedures.domainGetVcpuPinInfo, { dom, vcpuCount, mapBytes, flags });
  return pinThreads(
    pins,
    (vcpu) => cpuMaps.subarray(vcpu * mapBytes, (vcpu + 1) * mapBytes),
    async (vcpu, cpuMap) => client.call(procedures.domainPinVcpuFlags, { dom, vcpu, cpuMap, flags }),
  );
}

async function pinIoThreads(client: LibvirtClient, dom: DomainRef, pins: Pins): Promise<Undo> {
  const { ioThreads } = await client.call(procedures.domainGetIoThreadInfo, { dom, flags });
  return pinThreads(
    pins,
    (thread) => ioThreads.find(({ id }) => id === thread)?.cpuMap,
    async (id, cpuMap) => client.call(procedures.domainPinIoThread, { dom, id, cpuMap, flags }),
  );
}

async function pinEmulator(client: LibvirtClient, dom: DomainRef, cpus: readonly number[]): Promise<Undo> {
  const { cpuMaps } = await client.call(procedures.domainGetEmulatorPinInfo, { dom, mapBytes, flags });
  await client.call(procedures.domainPinEmulator, { dom, cpuMap: cpuMapOf(cpus), flags });
  return async () => {
    await client.call(procedures.domainPinEmulator, { dom, cpuMap: cpuMaps.subarray(0, mapBytes), flags });
  };
}

async function setMemoryNodes(
  client: LibvirtClient,
  dom: DomainRef,
  nodes: readonly number[],
): Promise<void> {
  const value = { type: TypedParam.string, value: renderNumberSet(nodes) };
  await client.call(procedures.domainSetNumaParameters, {
    dom,
    params: [{ field: 'numa_nodeset', value }],
    flags,
  });
}
