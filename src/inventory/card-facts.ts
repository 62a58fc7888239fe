// Owns the facts of a PF as a card in a slot: path to the root, resets, product data, RDMA, and what its VFs can be given.
// Read only for people and checks (`detail: 'full'`); what could not be read is noted.

import type { PciAddress } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import type { ConfigSpace } from '../kernel/pci-config/config-space.ts';
import { readConfigSpace } from '../kernel/pci-config/read-config.ts';
import { readActiveMtu } from '../kernel/programs/rdma-port.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { SlotNames } from '../kernel/sysfs/pci-identity.ts';
import {
  readResetMethods,
  readVfTotalMsix,
  readVitalProductData,
  slotOf,
} from '../kernel/sysfs/pci-identity.ts';
import { readVfResources } from '../kernel/sysfs/pci-resource.ts';
import { listRdmaDevices } from '../kernel/sysfs/rdma.ts';
import { listVirtfns } from '../kernel/sysfs/sriov.ts';
import type { DevlinkFacts, Pf, RdmaDevice, Sriov } from '../model/pf.ts';
import { readPciePath } from './pcie-path.ts';
import { configSpaceWords, needsSysAdmin, readOrReason } from './unread-notes.ts';
import type { UnreadNote } from './unread-notes.ts';

/** Longest wait for a card or its device lock; whoever changes the number of VFs holds that for minutes. */
const deviceTimeoutMs = 10_000;
/** ibv_devinfo asks the driver, and the driver its firmware. */
const programTimeoutMs = 10_000;

/** Takes a note of a fact that could not be read. */
export type TakeNote = (note: Omit<UnreadNote, 'pf'>) => void;

interface CardSources {
  readonly slots: SlotNames;
  /** Ask what takes a child process. */
  readonly isSlow: boolean;
  readonly note: TakeNote;
}

/** Facts of a PCI function that only a full reading has. */
export async function readCardFacts(
  session: KernelSession,
  pf: PciAddress,
  { slots, isSlow, note }: CardSources,
): Promise<Partial<Pf>> {
  const { files } = session;
  const reading = readPciePath(files, pf);
  if (reading?.isWhole === false) note({ fact: 'pciePath', what: configSpaceWords, why: needsSysAdmin });
  const resetMethods = readResetMethods(files, pf);
  const rdma = await readRdma(session, pf, { isSlow, note });
  return present({
    pciePath: reading?.path,
    resetMethods: resetMethods === undefined ? undefined : [...resetMethods],
    vpd: isSlow ? await readVpd(session, pf, note) : undefined,
    slot: slotOf(slots, pf),
    rdma: rdma.length === 0 ? undefined : rdma,
  });
}

async function readVpd(session: KernelSession, pf: PciAddress, note: TakeNote): Promise<Pf['vpd']> {
  const { value, why } = await readOrReason(readVitalProductData(session.files, pf, deviceTimeoutMs));
  const refusal = isRefusal(value) ? reasonOf(value.errno) : why;
  if (refusal !== undefined) note({ fact: 'vpd', what: ['vital product data of', ''], why: refusal });
  if (value === undefined || isRefusal(value)) return undefined;
  return value.product === undefined && value.partNumber === undefined ? undefined : present({ ...value });
}

function isRefusal(value: object | undefined): value is { readonly errno: string } {
  return value !== undefined && 'errno' in value;
}

function reasonOf(errno: string): string {
  if (errno === 'EACCES' || errno === 'EPERM') return 'needs root';
  return `the card does not give it (${errno})`;
}

async function readRdma(
  session: KernelSession,
  pf: PciAddress,
  { isSlow, note }: Omit<CardSources, 'slots'>,
): Promise<RdmaDevice[]> {
  const devices: RdmaDevice[] = [];
  for (const { name, linkLayer } of listRdmaDevices(session.files, pf)) {
    if (!isSlow) {
      devices.push(present({ name, linkLayer }));
      continue;
    }
    const { value, why } = await readOrReason(readActiveMtu(session.kernel, name, programTimeoutMs));
    const activeMtuBytes = typeof value === 'number' ? value : undefined;
    if (activeMtuBytes === undefined) {
      note({
        fact: `rdma.${name}.activeMtuBytes`,
        what: ['active path MTU of the RDMA devices of', ''],
        why: why ?? rdmaReasonOf(typeof value === 'object' ? value.errno : undefined),
      });
    }
    devices.push(present({ name, linkLayer, activeMtuBytes }));
  }
  return devices;
}

function rdmaReasonOf(errno: string | undefined): string {
  if (errno === 'ENOENT') return 'ibv_devinfo is not installed (package ibverbs-utils or libibverbs-utils)';
  return errno === undefined ? 'ibv_devinfo names none' : `ibv_devinfo could not ask (${errno})`;
}

/** Adds to a PF's SR-IOV facts what only a full reading has. */
export async function readSriovDetails(
  session: KernelSession,
  pf: PciAddress,
  sources: Omit<CardSources, 'slots'> & { readonly config: ConfigSpace | undefined },
): Promise<Partial<Sriov>> {
  const { config, isSlow, note } = sources;
  if (config?.sriov === undefined) note({ fact: 'sriov.vfBars', what: configSpaceWords, why: needsSysAdmin });
  const { value, why } = isSlow
    ? await readOrReason(readVfTotalMsix(session.files, pf, deviceTimeoutMs))
    : {};
  if (why !== undefined) note({ fact: 'sriov.vfTotalMsix', what: ['vectors for the VFs of', ''], why });
  return present({
    vfTotalMsix: value,
    msixPerVf: readMsixPerVf(session, pf, note),
    vfBars: readVfBars(session, pf, config),
  });
}

/** Vectors of the first VF; the others have as many, unless somebody shared them out. */
function readMsixPerVf(session: KernelSession, pf: PciAddress, note: TakeNote): number | undefined {
  const [first] = listVirtfns(session.files, pf).values();
  if (first === undefined) return undefined;
  const config = readConfigSpace(session.files, first);
  if (config?.capabilitiesReadable === false)
    note({ fact: 'sriov.msixPerVf', what: configSpaceWords, why: needsSysAdmin });
  return config?.msix?.vectors;
}

function readVfBars(
  session: KernelSession,
  pf: PciAddress,
  config: ConfigSpace | undefined,
): Sriov['vfBars'] {
  if (config?.sriov === undefined) return undefined;
  const { vfBars, totalVfs } = config.sriov;
  const resources = readVfResources(session.files, pf);
  return vfBars.map((bar) => {
    const resource = resources.find(({ index }) => index === bar.index);
    const sizeBytes = resource?.sizeBytes;
    // The kernel sets space aside for all VFs that the card could have (drivers/pci/iov.c sriov_init).
    const share = sizeBytes === undefined || totalVfs === 0 ? undefined : sizeBytes / totalVfs;
    return present({ ...bar, sizeBytes: share, assigned: resource?.assigned });
  });
}

/** Parameters that say how many VFs the device can make (Documentation/networking/devlink/devlink-params.rst). */
const totalVfsParameters: ReadonlySet<string> = new Set(['total_vfs']);

/** The number of VFs that devlink names, now or else after the next reset; undefined when no parameter says it. */
export function devlinkTotalVfsOf(devlink: DevlinkFacts | undefined): number | undefined {
  for (const { name, values } of devlink?.parameters ?? []) {
    if (!totalVfsParameters.has(name)) continue;
    const text = values['runtime'] ?? values['driverinit'] ?? values['permanent'];
    if (text !== undefined && /^[0-9]{1,5}$/.test(text)) return Number(text);
  }
  return undefined;
}
