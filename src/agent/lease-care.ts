// Owns which leases need to be looked at: the hypervisor is asked once for all of them, and only VFs are touched that look
// left behind, or that nobody has looked at since their lease began or their VM may have had them set anew.
// What is done to them is src/assign's.

import type { AssigningHost } from '../assign/assigning-host.ts';
import { isOwnerGone, readQemuOwnerFacts } from '../assign/qemu-owner.ts';
import { recoverOne } from '../assign/recover.ts';
import { openGlance } from '../assign/recovery-glance.ts';
import type { Glance } from '../assign/recovery-glance.ts';
import { isAnswer, releaseOf } from '../assign/release.ts';
import { isOwning } from '../assign/vm-nic.ts';
import { removeAbandoned } from '../lease/abandoned.ts';
import { readQuarantine } from '../lease/quarantine.ts';
import type { Release } from '../model/attachment.ts';
import type { Lease } from '../model/lease.ts';
import type { Vm } from '../model/vm.ts';
import { isVfBusy } from './comparison.ts';
import type { LeaseFilter, Suspect } from './release-work.ts';

/** One look at all leases, and what was doubted before it. */
interface Look {
  readonly glance: Glance;
  readonly doubts: number;
  readonly waitMs: number;
}

/** Looks after the leases of one host. */
export class LeaseCare {
  readonly #host: AssigningHost;
  /** Leases that were found whole, by generation: their settings are not verified again and again. */
  readonly #settled = new Map<string, Lease>();
  #doubts = 0;
  /** PFs whose quarantined VFs are to be tried once more, since the last look. */
  readonly #retriedPfs = new Set<string>();
  /** Leases that are to be tried although they are in quarantine, or may be in a moment; each by a value of its own request. */
  readonly #retried = new Map<string, symbol>();

  constructor(host: AssigningHost) {
    this.#host = host;
  }

  /** These leases are to be verified once more. */
  doubt(isMeant: LeaseFilter): void {
    this.#doubts += 1;
    for (const [generation, lease] of this.#settled) if (isMeant(lease)) this.#settled.delete(generation);
  }

  /** What cannot be cleaned on a PF may be so now: each lease there that is in quarantine is a suspect once. */
  retryQuarantined(pf: string): void {
    this.#retriedPfs.add(pf);
  }

  /**
   * Leases whose owner seems to have gone, and those that were not verified since they began or were doubted. To mend them
   * answers `kept` where nobody can say; a VF that somebody works on is passed over. Throws what the lease store throws;
   * mending throws `lock.held` as well, when an apply that is under way takes longer than `waitMs`. A VF whose lease cannot be
   * understood is left as it is.
   */
  async findSuspects(waitMs: number): Promise<readonly Suspect[]> {
    removeAbandoned(this.#host.stateFolder);
    const retriedPfs = [...this.#retriedPfs];
    const { leases } = await this.#host.leases.list();
    const present = new Set(leases.map(({ generation }) => generation));
    for (const known of [this.#settled, this.#retried])
      for (const generation of known.keys()) if (!present.has(generation)) known.delete(generation);
    this.#noteRetries(leases, retriedPfs);
    if (leases.length === 0) return [];
    const doubts = this.#doubts;
    const vms = leases.some(({ owner }) => owner.kind === 'libvirt') ? await this.#listVms() : [];
    const glance = openGlance(this.#host, typeof vms === 'string' ? [] : vms);
    const suspects: Suspect[] = [];
    for (const lease of leases) {
      if (this.#isQuarantined(lease) && !this.#retried.has(lease.generation)) continue;
      if (lease.owner.kind === 'libvirt' && typeof vms === 'string')
        suspects.push({ lease, mend: async () => releaseOf(lease, 'kept', vms) });
      else if (!this.#settled.has(lease.generation) || (await this.#isAbandoned(lease, vms)))
        suspects.push({
          lease,
          mend: async (report) => this.#mend(lease, report, { glance, doubts, waitMs }),
        });
    }
    return suspects;
  }

  /** Whether this lease was found whole, or is not ours to mend. */
  isSettled(lease: Lease): boolean {
    if (this.#retried.has(lease.generation)) return false;
    return this.#settled.has(lease.generation) || this.#isQuarantined(lease);
  }

  /** A VF that is being worked on may fail for what was so before, and be in quarantine by the next look. */
  #noteRetries(leases: readonly Lease[], pfs: readonly string[]): void {
    for (const lease of leases) {
      const { key, generation } = lease;
      const isNew = pfs.includes(key.pf);
      if (!isNew && !this.#retried.has(generation)) continue;
      if (!this.#isQuarantined(lease) && !isVfBusy(this.#host.stateFolder, key))
        this.#retried.delete(generation);
      else if (isNew) this.#retried.set(generation, Symbol(generation));
    }
    for (const pf of pfs) this.#retriedPfs.delete(pf);
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

  /** Every judgement is made once more under the lock of the VF. */
  async #mend(
    lease: Lease,
    report: AssigningHost['report'],
    { glance, doubts, waitMs }: Look,
  ): Promise<Release | undefined> {
    if (isVfBusy(this.#host.stateFolder, lease.key)) return undefined;
    const retry = this.#retried.get(lease.generation);
    const release = await recoverOne({ ...this.#host, report }, glance, lease, waitMs);
    // Once, whatever came of it; what was asked for meanwhile is another time.
    if (this.#retried.get(lease.generation) === retry) this.#retried.delete(lease.generation);
    // What was doubted after the glance was not verified by it.
    if (release === undefined && doubts === this.#doubts) this.#settled.set(lease.generation, lease);
    return release;
  }
}
