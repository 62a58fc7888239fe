// Owns the one simulated host on which all processes of the stress test give VFs to VMs: makes it, answers for it, watches
// it, and looks in the end whether everything that was left behind is found and everything that was given goes back.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { AssigningHost } from '../../src/assign/assigning-host.ts';
import { detachVfs } from '../../src/assign/detach.ts';
import { recoverLeases } from '../../src/assign/recover.ts';
import { vfAliasOf } from '../../src/assign/vm-nic.ts';
import { openSimHypervisor } from '../../src/hypervisor/simulated/sim-hypervisor.ts';
import { newSimVms, newVm } from '../../src/hypervisor/simulated/sim-vms.ts';
import { choiceFactsOf } from '../../src/inventory/choice-facts.ts';
import { readSnapshot } from '../../src/inventory/snapshot.ts';
import { KernelSession } from '../../src/kernel/session.ts';
import { leaseFolder, openFileLeases } from '../../src/lease/file-leases.ts';
import { listEveryLease } from '../../src/lease/lease-store.ts';
import { listNames } from '../../src/lease/record-file.ts';
import { createSimKernel } from '../../src/sim/sim-kernel.ts';
import type { SimState } from '../../src/sim/state.ts';
import { resolveOffer } from '../../src/spec/offer.ts';
import { parseSpec } from '../../src/spec/parsed-spec.ts';
import { applyText, hostOn } from '../applying.fixture.ts';
import { problemsOf } from '../assigning.fixture.ts';
import { cardOf, hostSpeed, longTimeouts, stateFileIn, vmCountOf, vmNameOf } from './attach-terms.ts';
import { serveHost } from './served-host.ts';
import type { Served } from './served-host.ts';

export interface AttachHost {
  serve(socket: Duplex): Served;
  /** What must be so at every moment. */
  look(): Promise<void>;
  /** When all processes have ended. Answers how many leases were found that stood for nothing. */
  end(): Promise<{ readonly recovered: number }>;
}

export async function openAttachHost(
  folder: string,
  vfCount: number,
  onProblem: (problem: string) => void,
): Promise<AttachHost> {
  const { profile, pf, driver } = cardOf(vfCount);
  const spec = `
apiVersion: vfleet/v1
kind: Host
networks:
  - { name: storage, vlan: 200, qos: 3, maxTxRateMbps: 100 }
pfs:
  - match: { address: "${pf}" }
    networks: [storage]
    up: true
    vfs: { count: ${vfCount}, default: { driver: ${driver} } }
`;
  const stateFile = stateFileIn(folder);
  /** Whole before it is seen. Nobody else writes it, and nobody is answered before what he asked for is in it. */
  const show = (state: SimState): void => {
    writeFileSync(`${stateFile}.tmp`, JSON.stringify(state));
    renameSync(`${stateFile}.tmp`, stateFile);
  };
  const kernel = createSimKernel({ profile, speed: hostSpeed, onChange: show });
  show(kernel.state);
  const applying = hostOn(kernel, join(folder, 'applying'));
  await applyText({ ...applying, timeouts: longTimeouts }, spec);
  applying.session.close();
  const vms = newSimVms(
    Array.from({ length: vmCountOf(vfCount) }, (_, at) => newVm(vmNameOf(at), at + 1, 'running')),
  );
  const hypervisor = openSimHypervisor({ vms, host: kernel });
  const session = new KernelSession(kernel);
  const snapshot = await readSnapshot(session, { detail: 'settings' });
  const offer = resolveOffer(parseSpec(spec, 'host.yaml'), snapshot);
  const ground = { offer, facts: choiceFactsOf(session.files, snapshot) };
  const start = { state: structuredClone(kernel.state), vms: structuredClone(vms) };

  const stateFolder = folder;
  const leases = openFileLeases(stateFolder);
  const host: AssigningHost = {
    session,
    stateFolder,
    leases,
    hypervisor,
    timeouts: longTimeouts,
    unplugTimeoutMs: longTimeouts.settleMs,
    report: () => undefined,
  };
  const world = (from: typeof start): Parameters<typeof problemsOf>[0] => ({
    profile,
    stateFolder,
    readGround: async () => ground,
    ...from,
  });
  const problems = async (): Promise<readonly string[]> =>
    problemsOf(world({ state: kernel.state, vms: hypervisor.state }), world(start));

  async function look(): Promise<void> {
    // All at one moment: while we look nobody is answered, so no VM gets or loses a VF.
    const users = usersOf(hypervisor.state);
    const listing = leases.list();
    const { leases: found, corrupt } = await listing;
    for (const { why } of corrupt) onProblem(why);
    const aliases = new Set(found.map(vfAliasOf));
    for (const [address, { vms: owners, aliases: named }] of users) {
      if (owners.size > 1) onProblem(`${address} is in ${[...owners].join(' and ')}`);
      // A lease comes before the VF is plugged in, and goes after it was unplugged.
      for (const alias of named)
        if (!aliases.has(alias)) onProblem(`${address} is in a VM, and its lease was lost`);
    }
    const addresses = found.flatMap(({ address }) => address ?? []);
    if (new Set(addresses).size < addresses.length) onProblem('two leases of one VF');
    const macs = found.flatMap(({ settings }) => settings.mac ?? []);
    if (new Set(macs).size < macs.length) onProblem('two leases with one MAC address');
  }

  async function end(): Promise<{ recovered: number }> {
    await look();
    const { releases } = await recoverLeases(host);
    for (const release of releases)
      if (release.result !== 'free') onProblem(`not recovered: ${JSON.stringify(release)}`);
    for (const problem of await problems()) onProblem(problem);
    const owners = new Set((await listEveryLease(leases)).map(({ owner }) => owner.name));
    for (const vm of owners) {
      for (const { result, why } of (await detachVfs(host, { vm })).releases)
        if (result !== 'free') onProblem(`cannot be given back: ${String(why)}`);
    }
    for (const problem of await problems()) onProblem(`at the end: ${problem}`);
    if (JSON.stringify(switchesOf(kernel.state)) !== JSON.stringify(switchesOf(start.state)))
      onProblem(`at the end: a PF is left as ${JSON.stringify(switchesOf(kernel.state))}`);
    const left = listNames(leaseFolder(stateFolder)).filter((name) => !name.endsWith('.lock'));
    for (const name of left) onProblem(`left behind: ${name}`);
    return { recovered: releases.length };
  }

  return { serve: (socket) => serveHost({ kernel, hypervisor, ground }, socket), look, end };
}

/** What a PF is set to as a whole; who gives single VFs leaves it as it was. */
function switchesOf({ pfs }: SimState): unknown {
  return pfs.map(({ driver, driversAutoprobe, eswitchMode, vfs }) => ({
    driver,
    driversAutoprobe,
    eswitchMode,
    vfCount: vfs.length,
  }));
}

interface Users {
  readonly vms: Set<string>;
  readonly aliases: Set<string>;
}

/** Which VMs have which device of the host, running or in their stored definitions. */
function usersOf({ vms }: ReturnType<typeof newSimVms>): Map<string, Users> {
  const users = new Map<string, Users>();
  for (const { name, nics, storedNics } of vms) {
    for (const { hostAddress, alias = '' } of [...nics, ...storedNics]) {
      if (hostAddress === undefined) continue;
      const found = users.get(hostAddress) ?? { vms: new Set(), aliases: new Set() };
      found.vms.add(name);
      found.aliases.add(alias);
      users.set(hostAddress, found);
    }
  }
  return users;
}
