// Owns noticing that the settings of VFs have changed whose PF is down, which no event tells. The kernel holds RTNL, for
// which all of networking waits, while it lists the VFs of a PF: how much of the time that may be is decided here.

import type { PfAddress } from '../base/identifiers.ts';
import { messageOf } from '../base/errors.ts';
import { readVfList } from '../kernel/rtnetlink/link.ts';
import type { KernelSession } from '../kernel/session.ts';

/** RTNL is held for at most this part of the time, over all PFs that are down. */
const share = 0.05;
const shortestMs = 500;
/** A listing that waited for RTNL itself took long without holding it. */
const longestMs = 10_000;

/** A PF whose VFs are to be followed, and its own interface. */
export interface DownPf {
  readonly address: PfAddress;
  readonly ifIndex: number;
}

/** Reads PFs in turn, and never more than their share of the time allows. */
export class VfSettingsPoll {
  readonly #session: KernelSession;
  readonly #pfs: () => readonly DownPf[];
  /** What was read last, as the kernel wrote it: that costs less to compare than to decode. */
  readonly #before = new Map<PfAddress, Uint8Array>();
  #turn = 0;

  /** `session` is nobody else's, so that what is measured is its own listing. */
  constructor(session: KernelSession, pfs: () => readonly DownPf[]) {
    this.#session = session;
    this.#pfs = pfs;
  }

  /**
   * Reads one PF, and others after it as long as no longer rest follows from that. Answers whether any is other than when
   * it was read last, or was read for the first time, and how long to rest.
   */
  async look(): Promise<{ readonly isOther: boolean; readonly restMs: number }> {
    const pfs = this.#pfs();
    const present = new Set(pfs.map(({ address }) => address));
    for (const address of this.#before.keys()) if (!present.has(address)) this.#before.delete(address);
    let isOther = false;
    let restMs = 0;
    for (let count = 0; count < pfs.length && restMs < shortestMs; count++) {
      this.#turn = (this.#turn + 1) % pfs.length;
      const pf = pfs[this.#turn];
      if (pf === undefined) break;
      const startedMs = performance.now();
      const list = await this.#read(pf);
      restMs += (performance.now() - startedMs) * (1 / share - 1);
      const before = this.#before.get(pf.address);
      isOther ||= before === undefined || Buffer.compare(before, list) !== 0;
      this.#before.set(pf.address, list);
    }
    return { isOther, restMs: Math.min(Math.max(restMs, shortestMs), longestMs) };
  }

  /** What cannot be read has changed; the comparison that follows tells why. After a failure the socket is a new one. */
  async #read({ ifIndex }: DownPf): Promise<Uint8Array> {
    try {
      return await readVfList(this.#session.route, ifIndex);
    } catch (error) {
      this.#session.close();
      return Buffer.from(messageOf(error));
    }
  }
}
