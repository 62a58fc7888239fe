// Owns the quick look at all leases: the hypervisor is asked once for all of them, and only VFs are touched that look left
// behind, or that nobody has looked at since their lease began or their VM may have had them set anew. Several at a time;
// what is done is src/assign's.

import type { AssigningHost } from '../assign/assigning-host.ts';
import { isOwnerGone, readQemuOwnerFacts } from '../assign/qemu-owner.ts';
import { recoverLeases } from '../assign/recover.ts';
import { isAnswer, releaseOf } from '../assign/release.ts';
import { isOwning } from '../assign/vm-nic.ts';
import { isVfBusy } from './comparison.ts';
import { readQuarantine } from '../lease/quarantine.ts';
import type { Release } from '../model/attachment.ts';
import type { Lease } from '../model/lease.ts';
import type { Vm } from '../model/vm.ts';

/** A VM can have some VFs, and a reset takes 0.1 s, in which the kernel only waits. */
const maxAtOnce = 8;

/** Looks after the leases of one host. */
export class LeaseCare {
  readonly #host: AssigningHost;
  /** Generations of leases that were found whole: their settings are not verified again and again. */
  #settled: ReadonlySet<string> = new Set();
  /** UUIDs of VMs whose VFs somebody may have set anew since the last look; undefined: of any VM. */
  readonly #doubts: (string | undefined)[] = [];

  constructor(host: AssigningHost) {
    this.#host = host;
  }

  /** The leases of this VM, or all, are to be verified once more at the next look. */
  doubt(uuid: string | undefined): void {
    this.#doubts.push(uuid);
  }

  /**
   * Gives back leases whose owner has gone, and finishes those of an attach that was cut off. Answers what became of
   * them, and `kept` for leases of which nobody can say. A VF that somebody works on is passed over. Throws `lock.held`,
   * and what the lease store throws.
   */
  async look(): Promise<readonly Release[]> {
    const leases = await this.#host.leases.list();
    const doubts = this.#doubts.splice(0);
    const isDoubted = ({ owner }: Lease): boolean =>
      doubts.some((uuid) => uuid === undefined || (owner.kind === 'libvirt' && owner.uuid === uuid));
    this.#settled = new Set(
      leases
        .filter((lease) => this.#settled.has(lease.generation) && !isDoubted(lease))
        .map(({ generation }) => generation),
    );
    if (leases.length === 0) return [];
    const vms = leases.some(({ owner }) => owner.kind === 'libvirt') ? await this.#listVms() : [];
    const releases: Release[] = [];
    const suspects: Lease[] = [];
    for (const lease of leases) {
      if (this.#isQuarantined(lease)) continue;
      if (lease.owner.kind === 'libvirt' && typeof vms === 'string')
        releases.push(releaseOf(lease, 'kept', vms));
      else if (!this.#settled.has(lease.generation) || (await this.#isAbandoned(lease, vms)))
        suspects.push(lease);
    }
    releases.push(...(await this.#recoverAll(suspects)));
    return releases;
  }

  /** Whether this lease was found whole, or is not ours to mend. */
  isSettled(lease: Lease): boolean {
    return this.#settled.has(lease.generation) || this.#isQuarantined(lease);
  }

  /** Somebody has to mend it first, and says so by `vfleet recover`. */
  #isQuarantined({ key, generation }: Lease): boolean {
    return readQuarantine(this.#host.stateFolder, key)?.generation === generation;
  }

  /** All VMs; a text says why they are not known. */
  async #listVms(): Promise<readonly Vm[] | string> {
    const { hypervisor } = this.#host;
    if (hypervisor === undefined) return 'no hypervisor can be asked about its VM';
    try {
      return await hypervisor.listVms();
    } catch (error) {
      if (isAnswer(error)) return error.message;
      throw error;
    }
  }

  async #isAbandoned(lease: Lease, vms: readonly Vm[] | string): Promise<boolean> {
    const { owner } = lease;
    if (owner.kind === 'qemu') return isOwnerGone(owner, await readQemuOwnerFacts(this.#host.session, lease));
    if (typeof vms === 'string') return false;
    const vm = vms.find(({ uuid }) => uuid === owner.uuid);
    return vm === undefined || !isOwning(vm, lease);
  }

  /** Every judgement is made once more by recoverLeases, under the lock of the VF. */
  async #recoverAll(suspects: readonly Lease[]): Promise<readonly Release[]> {
    const releases: Release[] = [];
    const settled = new Set(this.#settled);
    const queue = suspects.values();
    const worker = async (): Promise<void> => {
      for (const lease of queue) {
        if (isVfBusy(this.#host.stateFolder, lease.key)) continue;
        const found = await this.#recover(lease);
        releases.push(...found);
        if (found.length === 0) settled.add(lease.generation);
      }
    };
    const outcomes = await Promise.allSettled(
      Array.from({ length: Math.min(maxAtOnce, suspects.length) }, async () => worker()),
    );
    this.#settled = settled;
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return releases;
  }

  /** One lease alone. */
  async #recover(lease: Lease): Promise<readonly Release[]> {
    const leases = { ...this.#host.leases, list: async () => [lease] };
    return recoverLeases({ ...this.#host, leases });
  }
}
