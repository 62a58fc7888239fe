// Owns one look at the whole for a run of recovery: all VMs in one request, all VFs of a PF in one message. The kernel
// stops every other change of links while it lists VFs, so that must not be once for each lease.
// What it shows may be old by the time it is used: it may say that all is well, never that a lease has ended.

import { VfleetError } from '../base/errors.ts';
import { parsePfAddress } from '../base/identifiers.ts';
import { readUplink } from '../inventory/uplink.ts';
import type { VfKey } from '../model/lease.ts';
import type { VfSettings } from '../model/vf.ts';
import type { Vm } from '../model/vm.ts';
import type { AssigningHost } from './assigning-host.ts';

export interface Glance {
  /** Undefined: not seen. */
  vm(uuid: string): Promise<Vm | undefined>;
  /** Undefined: not seen. */
  settings(key: VfKey): Promise<VfSettings | undefined>;
}

/** Looks when something is asked for first, and once. `known`: all VMs, where the caller has just listed them. */
export function openGlance(host: AssigningHost, known?: readonly Vm[]): Glance {
  const pfs = new Map<string, Promise<ReadonlyMap<number, VfSettings>>>();
  let vms = known === undefined ? undefined : Promise.resolve(byUuid(known));
  return {
    async vm(uuid) {
      vms ??= listVms(host);
      return (await vms).get(uuid);
    },
    async settings({ pf, vf }) {
      let read = pfs.get(pf);
      if (read === undefined) pfs.set(pf, (read = readSettings(host, pf)));
      return (await read).get(vf);
    },
  };
}

async function listVms({ hypervisor }: AssigningHost): Promise<ReadonlyMap<string, Vm>> {
  try {
    return byUuid((await hypervisor?.listVms()) ?? []);
  } catch (error) {
    return orNothing(error);
  }
}

/** What a VM has whose definition cannot be read was not seen. */
function byUuid(vms: readonly Vm[]): ReadonlyMap<string, Vm> {
  return new Map(vms.filter(({ problem }) => problem === undefined).map((vm) => [vm.uuid, vm]));
}

async function readSettings(
  { session }: AssigningHost,
  pf: string,
): Promise<ReadonlyMap<number, VfSettings>> {
  const address = parsePfAddress(pf);
  if (address === undefined) return new Map();
  try {
    const { link } = await readUplink(session, address, { vfs: true });
    return new Map(
      (link.vfs ?? []).map(({ index, settings: found }) => {
        const { rssQuery: _, ...settings } = found;
        return [index, settings];
      }),
    );
  } catch (error) {
    return orNothing(error);
  }
}

/** Whoever needs it asks again by himself, and hears why. */
function orNothing<Key, Value>(error: unknown): ReadonlyMap<Key, Value> {
  if (error instanceof VfleetError) return new Map();
  throw error;
}
