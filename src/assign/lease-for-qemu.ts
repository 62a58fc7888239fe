// Owns leasing a VF to a QEMU that no hypervisor knows: chosen, set, bound to vfio-pci. Who starts it plugs it in.

import { checkNotCutOff } from '../apply/cut-off.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { readHostFacts } from '../kernel/sysfs/host.ts';
import type { Attachment } from '../model/attachment.ts';
import type { LeaseOwner, ProcessIdentity, Risk } from '../model/lease.ts';
import type { AssigningHost } from './assigning-host.ts';
import { judgeCandidates, networkOf } from './candidates.ts';
import { claimVf } from './claim.ts';
import type { ReadGround } from './ground.ts';
import { shareHost } from './sharing.ts';
import { checkInterrupted, undoAttach } from './undo.ts';
import { bindVf, setVfTo } from './vf-work.ts';

const vfioDriver = 'vfio-pci';

export interface QemuLeaseRequest {
  /** Name of the VM. */
  readonly name: string;
  readonly network: string;
  /** Absent: derived from host, name and network. */
  readonly mac?: string;
  /** Whose end frees the VF; absent: the one that opens it. */
  readonly process?: ProcessIdentity;
  /** A VF that no process has opened by then goes back. Absent: it waits until `vfleet detach`. */
  readonly startWithinMs?: number;
  readonly acceptedRisks: readonly Risk[];
  /** Where the VM will run; absent: anywhere. */
  readonly numaNode?: number;
  readonly spread?: boolean;
  /** How long to wait for an apply that changes the host as a whole; absent: not at all. */
  readonly waitMs?: number;
}

/**
 * Leases a VF and makes it ready for QEMU. Throws as attachVf does, but asks no hypervisor; addresses of its VMs are
 * looked at where there is one.
 */
export async function leaseForQemu(
  host: AssigningHost,
  readGround: ReadGround,
  request: QemuLeaseRequest,
): Promise<Attachment> {
  const { name, process, startWithinMs, numaNode, acceptedRisks } = request;
  const hostLock = await shareHost(host, 'attach', request.waitMs ?? 0);
  try {
    await checkNotCutOff(host.stateFolder);
    const ground = await readGround();
    const network = networkOf(ground.offer, request.network);
    const vms = host.hypervisor === undefined ? [] : await host.hypervisor.listVms();
    const seeker = {
      name,
      network,
      spread: request.spread === true,
      acceptedRisks,
      hostAddresses: [],
      ...(numaNode === undefined
        ? {}
        : { placement: { vcpuCount: 1, memoryMb: 0, vcpuPins: {}, memoryNodes: [numaNode] } }),
    };
    const candidates = await judgeCandidates(host, ground, seeker, vms);
    const startBy =
      startWithinMs === undefined
        ? undefined
        : new Date(host.session.kernel.clock.nowMs() + startWithinMs).toISOString();
    const owner: LeaseOwner = {
      kind: 'qemu',
      name,
      ...(process === undefined ? {} : { process }),
      ...(startBy === undefined ? {} : { startBy }),
    };
    const claim = {
      offer: ground.offer,
      seeker,
      owner,
      mac: request.mac,
      macOwner: `qemu ${hostIdOf(host.session.files)} ${name}`,
      pairing: undefined,
      vms,
    };
    const { lease, lock, present } = await claimVf(host, claim, candidates);
    try {
      checkInterrupted(host);
      host.report(`setting VF ${lease.key.vf} of ${lease.key.pf}`);
      await setVfTo(host, lease.key, lease.settings, present);
      checkInterrupted(host);
      await bindVf(host, lease.key, vfioDriver);
      // The reset that comes with the driver must not have taken the address along.
      await setVfTo(host, lease.key, lease.settings);
      return { lease };
    } catch (error) {
      throw await undoAttach(host, lease, error);
    } finally {
      lock.release();
    }
  } finally {
    hostLock.release();
  }
}

/** Every host may have a QEMU named vm1, on the same network; only a UUID is nobody else's. */
function hostIdOf(files: FileTree): string {
  const { machineId, name = '' } = readHostFacts(files);
  return machineId ?? name;
}
