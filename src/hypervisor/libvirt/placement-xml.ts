// Owns where a VM runs, in a domain's XML: CPUs of vCPUs, of the emulator and of I/O threads, NUMA nodes of the memory.
// Pure; changing it in a stored definition keeps everything else.

import { present } from '../../base/present.ts';
import type { Pinning, VmPlacement } from '../../model/vm.ts';
import { numberOf } from './device-address.ts';
import { parseNumberSet, renderNumberSet } from './number-set.ts';
import type { Element } from './xml-document.ts';
import {
  appendElement,
  attributeOf,
  childElements,
  createElement,
  elementAt,
  textOf,
} from './xml-document.ts';

const memoryModes = ['strict', 'preferred', 'interleave', 'restrictive'] as const;

/** Bytes per unit (virScaleInteger); without a unit it is KiB (docs/formatdomain.rst). */
const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  KB: 1e3,
  k: 2 ** 10,
  KiB: 2 ** 10,
  MB: 1e6,
  M: 2 ** 20,
  MiB: 2 ** 20,
  GB: 1e9,
  G: 2 ** 30,
  GiB: 2 ** 30,
  TB: 1e12,
  T: 2 ** 40,
  TiB: 2 ** 40,
};
const bytesPerMib = 2 ** 20;

/** Reads the placement of a `<domain>`. Threads without a pin of their own have that of `<vcpu cpuset>`, if there is one. */
export function readPlacement(domain: Element): VmPlacement {
  const vcpu = elementAt(domain, 'vcpu');
  const vcpuCount = readCount(textOf(vcpu)) ?? 1;
  const cputune = elementAt(domain, 'cputune');
  const commonPin = readSet(vcpu, 'cpuset');
  const vcpuPins: Record<string, number[]> = {};
  // One entry for each vCPU; a hostile count must not make millions.
  if (commonPin !== undefined) {
    for (let number = 0; number < Math.min(vcpuCount, maxThreads); number += 1) vcpuPins[number] = commonPin;
  }
  for (const pin of childElements(cputune, 'vcpupin')) {
    const number = numberOf(pin, 'vcpu');
    const cpus = readSet(pin, 'cpuset');
    if (number !== undefined && number < vcpuCount && cpus !== undefined) vcpuPins[number] = cpus;
  }
  const ioThreads = readIoThreads(domain);
  return present({
    vcpuCount,
    memoryMb: readMemoryMb(elementAt(domain, 'memory')),
    vcpuPins,
    emulatorPin: readSet(elementAt(cputune, 'emulatorpin'), 'cpuset') ?? commonPin,
    ...(ioThreads.length === 0 ? {} : { ioThreads, ...readIoThreadPins(cputune, ioThreads, commonPin) }),
    ...readMemoryNodes(domain),
  });
}

/**
 * Each NUMA node of the guest (cell) may be bound by itself; the memory of the others is where all of it is bound
 * (virDomainNumatuneMaybeGetNodeset).
 */
function readMemoryNodes(domain: Element): Pick<VmPlacement, 'memoryNodes' | 'memoryMode' | 'memoryParts'> {
  const numatune = elementAt(domain, 'numatune');
  const memory = elementAt(numatune, 'memory');
  const all = readSet(memory, 'nodeset');
  const memnodes = childElements(numatune, 'memnode');
  const [first] = memnodes;
  // The mode that libvirt takes where a memnode names none.
  const modeText = attributeOf(memory ?? first, 'mode') ?? (first === undefined ? undefined : 'strict');
  const memoryMode = memoryModes.find((mode) => mode === modeText);
  if (first === undefined) return present({ memoryNodes: all, memoryMode });
  const cells = childElements(elementAt(domain, 'cpu', 'numa'), 'cell').length;
  const hasOthers = cells > memnodes.length;
  const memoryParts = [
    ...memnodes.flatMap((memnode) => [readSet(memnode, 'nodeset') ?? []]),
    ...(hasOthers && all !== undefined ? [all] : []),
  ];
  const isAnywhere = hasOthers && all === undefined;
  const memoryNodes = isAnywhere ? undefined : [...new Set(memoryParts.flat())].sort((a, b) => a - b);
  return present({ memoryNodes, memoryMode, memoryParts });
}

/** Those with a number of their own, and the lowest other numbers up to their count (virDomainDefPostParseIOThreads). */
function readIoThreads(domain: Element): number[] {
  const named = childElements(elementAt(domain, 'iothreadids'), 'iothread');
  const numbers = new Set(named.flatMap((thread) => numberOf(thread, 'id') ?? []));
  const count = Math.min(readCount(textOf(elementAt(domain, 'iothreads'))) ?? 0, maxThreads);
  for (let number = 1; numbers.size < count; number += 1) numbers.add(number);
  return [...numbers].sort((a, b) => a - b);
}

function readIoThreadPins(
  cputune: Element | undefined,
  ioThreads: readonly number[],
  commonPin: number[] | undefined,
): Pick<VmPlacement, 'ioThreadPins'> {
  const own = childElements(cputune, 'iothreadpin');
  const pins = ioThreads.flatMap((number): [number, number[]][] => {
    const pin = own.find((element) => numberOf(element, 'iothread') === number);
    const cpus = readSet(pin, 'cpuset') ?? commonPin;
    return cpus === undefined ? [] : [[number, cpus]];
  });
  return pins.length === 0 ? {} : { ioThreadPins: Object.fromEntries(pins) };
}

/** libvirt's own limit for one VM is in the machine type; QEMU's largest has 4096 vCPUs (q35). */
const maxThreads = 4096;

function readCount(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

function readSet(element: Element | undefined, name: string): number[] | undefined {
  const text = attributeOf(element, name);
  return text === undefined ? undefined : parseNumberSet(text);
}

function readMemoryMb(memory: Element | undefined): number {
  const amount = Number(textOf(memory) ?? 0);
  const bytes = amount * (unitBytes[attributeOf(memory, 'unit') ?? 'KiB'] ?? 0);
  return Number.isFinite(bytes) && bytes > 0 ? bytes / bytesPerMib : 0;
}

/** Elements of a `<domain>` that come before `<cputune>` and `<numatune>` when libvirt writes them. */
const beforeTuning = [
  'memory',
  'currentMemory',
  'memoryBacking',
  'vcpu',
  'vcpus',
  'iothreads',
  'iothreadids',
];

/** Puts a pinning into the elements of a stored definition; what it does not name stays. */
export function putPinning(domain: Element, pinning: Pinning): void {
  const { vcpuPins, emulatorPin, ioThreadPins, memoryNodes } = pinning;
  if (vcpuPins !== undefined || emulatorPin !== undefined || ioThreadPins !== undefined) {
    const cputune = tuningElement(domain, 'cputune', beforeTuning);
    putPins(cputune, ['vcpupin', 'vcpu'], vcpuPins);
    if (emulatorPin !== undefined) {
      const pin = elementAt(cputune, 'emulatorpin') ?? appendElement(cputune, { name: 'emulatorpin' });
      pin.setAttribute('cpuset', renderNumberSet(emulatorPin));
    }
    putPins(cputune, ['iothreadpin', 'iothread'], ioThreadPins);
  }
  if (memoryNodes !== undefined) putMemoryNodes(domain, memoryNodes);
}

function putPins(
  cputune: Element,
  [name, attribute]: readonly [string, string],
  pins: Readonly<Record<string, readonly number[]>> = {},
): void {
  for (const [number, cpus] of Object.entries(pins)) {
    const pin =
      childElements(cputune, name).find((element) => attributeOf(element, attribute) === number) ??
      appendElement(cputune, { name, attributes: { [attribute]: number } });
    pin.setAttribute('cpuset', renderNumberSet(cpus));
  }
}

function putMemoryNodes(domain: Element, memoryNodes: readonly number[]): void {
  const numatune = tuningElement(domain, 'numatune', [...beforeTuning, 'cputune']);
  const memnodes = childElements(numatune, 'memnode');
  let memory = elementAt(numatune, 'memory');
  if (memory === undefined) {
    const mode = attributeOf(memnodes[0], 'mode') ?? 'strict';
    memory = createElement(numatune, { name: 'memory', attributes: { mode } });
    numatune.insertBefore(memory, numatune.firstChild);
  }
  // `auto` asks numad at each start and may not stand beside nodes that are named.
  if (memory.hasAttribute('placement')) memory.setAttribute('placement', 'static');
  for (const element of [memory, ...memnodes]) element.setAttribute('nodeset', renderNumberSet(memoryNodes));
}

function tuningElement(domain: Element, name: string, before: readonly string[]): Element {
  const found = elementAt(domain, name);
  if (found !== undefined) return found;
  const element = createElement(domain, { name });
  const last = childElements(domain)
    .filter((child) => before.includes(child.nodeName))
    .at(-1);
  domain.insertBefore(element, last === undefined ? domain.firstChild : last.nextSibling);
  return element;
}
