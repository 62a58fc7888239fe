// Owns moving a VM to CPUs and NUMA nodes: the running one by libvirt's calls, the stored one by a new definition.
// Chooses no CPU (src/placement). All of a pinning holds or, as far as libvirt lets us, nothing of it.

import { messageOf, VfleetError } from '../../base/errors.ts';
import type { Pinning } from '../../model/vm.ts';
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
  checkVcpus(readPlacement(domain).vcpuCount, pinning);
  putPinning(domain, pinning);
  return renderDefinition(domain, xml);
}

function checkVcpus(vcpuCount: number, { vcpuPins = {} }: Pinning): void {
  const stray = Object.keys(vcpuPins).find((vcpu) => !/^\d{1,5}$/.test(vcpu) || Number(vcpu) >= vcpuCount);
  if (stray === undefined) return;
  throw new VfleetError('hypervisor.refused', `the VM has no vCPU ${stray}: it has ${vcpuCount}`);
}

type Undo = () => Promise<void>;

/** Answers how the running VM gets what it had before. */
async function pinLive(client: LibvirtClient, dom: DomainRef, pinning: Pinning): Promise<Undo> {
  const before = readPlacement(parseDefinition(await readLiveXml(client, dom), 'the running VM'));
  checkVcpus(before.vcpuCount, pinning);
  checkMemoryMode(before.memoryMode, pinning);
  const undos: Undo[] = [];
  async function undo(): Promise<void> {
    for (const step of undos.reverse()) await step();
  }
  try {
    if (pinning.vcpuPins !== undefined)
      undos.push(await pinVcpus(client, dom, pinning.vcpuPins, before.vcpuCount));
    if (pinning.emulatorPin !== undefined) undos.push(await pinEmulator(client, dom, pinning.emulatorPin));
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

/** qemuDomainSetNumaParamsLive: pages of a running VM move only where no mode is set or it is `restrictive`. */
function checkMemoryMode(mode: string | undefined, { memoryNodes }: Pinning): void {
  if (memoryNodes === undefined || mode === undefined || mode === 'restrictive') return;
  throw new VfleetError(
    'hypervisor.refused',
    `memory of a running VM stays where it is while its numatune mode is ${mode}`,
    { hint: 'Pin the stored definition; it holds from the next start of the VM.' },
  );
}

async function pinVcpus(
  client: LibvirtClient,
  dom: DomainRef,
  pins: Readonly<Record<string, readonly number[]>>,
  vcpuCount: number,
): Promise<Undo> {
  const { cpuMaps } = await client.call(procedures.domainGetVcpuPinInfo, { dom, vcpuCount, mapBytes, flags });
  const done: number[] = [];
  async function undo(): Promise<void> {
    for (const vcpu of done) {
      const cpuMap = cpuMaps.subarray(vcpu * mapBytes, (vcpu + 1) * mapBytes);
      await client.call(procedures.domainPinVcpuFlags, { dom, vcpu, cpuMap, flags });
    }
  }
  try {
    for (const [number, cpus] of Object.entries(pins)) {
      const vcpu = Number(number);
      await client.call(procedures.domainPinVcpuFlags, { dom, vcpu, cpuMap: cpuMapOf(cpus), flags });
      done.push(vcpu);
    }
  } catch (thrown) {
    await undo();
    throw thrown;
  }
  return undo;
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
