// Owns the way from the applied spec, or a file, to what it offers to VMs on this host.
// Reads of the PFs just what a spec can find them by: an attach waits for it.

import { readAppliedSpec } from '../apply/applied-spec.ts';
import type { ReadGround } from '../assign/ground.ts';
import { VfleetError } from '../base/errors.ts';
import type { PfAddress } from '../base/identifiers.ts';
import { present } from '../base/present.ts';
import { readPfIdentity } from '../inventory/outline.ts';
import { netdevOf, sriovOf } from '../inventory/pf.ts';
import { readSnapshot } from '../inventory/snapshot.ts';
import { readPfLinks } from '../inventory/uplink.ts';
import type { KernelSession } from '../kernel/session.ts';
import { listSriovPfs, readSriov } from '../kernel/sysfs/sriov.ts';
import type { Offer } from '../model/network.ts';
import type { Pf } from '../model/pf.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { autoMac } from '../model/spec.ts';
import { rememberSpec } from '../spec/last-parsed.ts';
import { resolveOffer } from '../spec/offer.ts';
import type { ParsedSpec } from '../spec/parsed-spec.ts';
import type { LiveHost } from './context.ts';

/**
 * Answers what the applied spec, or the one in `specFile`, offers on a host, whenever it is asked. That throws `offer.none` when no spec was applied or it
 * has no networks, `spec.match`, `journal.corrupt`, and what reading and parsing a file throws.
 */
export function groundReader(host: LiveHost, specFile?: string): ReadGround {
  return async () => ({ offer: await readOffer(host, specFile) });
}

async function readOffer(host: LiveHost, specFile: string | undefined): Promise<Offer> {
  const parsed = specFile === undefined ? appliedSpec(host.stateFolder) : await specOf(specFile);
  if ((parsed.spec.networks ?? []).length === 0) {
    throw new VfleetError('offer.none', `${parsed.fileName} offers no network to VMs`, {
      hint: 'give it `networks`, and the PFs the networks that they reach; then apply it',
    });
  }
  return resolveOffer(parsed, await readGround(host.session, parsed));
}

/** The agent asks again and again. */
const parseApplied = rememberSpec();

function appliedSpec(stateFolder: string): ParsedSpec {
  const applied = readAppliedSpec(stateFolder);
  if (applied !== undefined) return parseApplied(applied.text, applied.fileName);
  throw new VfleetError('offer.none', 'no spec was applied on this host, so no network is offered to VMs', {
    hint: 'apply one with `networks`, or name it with --spec FILE',
  });
}

async function specOf(path: string): Promise<ParsedSpec> {
  const { readSpecFile } = await import('./commands/planning.ts');
  return readSpecFile(path);
}

async function readGround(
  session: KernelSession,
  { spec }: ParsedSpec,
): Promise<Pick<Snapshot, 'host' | 'pfs'>> {
  // Derived addresses avoid those that PFs and VFs have, so these must be read.
  if (spec.pfs.some(({ vfs }) => vfs?.default?.mac === autoMac))
    return readSnapshot(session, { detail: 'settings', isWanted: () => false });
  const { host } = await readSnapshot(session, { detail: 'settings', pfs: [] });
  const pfs: Pf[] = [];
  for (const address of listSriovPfs(session.files)) pfs.push(...(await readPfWithoutVfs(session, address)));
  return { host, pfs };
}

/** Empty when the PF went away meanwhile. */
async function readPfWithoutVfs(session: KernelSession, address: PfAddress): Promise<readonly Pf[]> {
  const sriov = readSriov(session.files, address);
  if (sriov === undefined) return [];
  const identity = readPfIdentity(session.files, address);
  const { own } = await readPfLinks(session, address);
  return [
    present({
      ...identity,
      sriov: sriovOf(sriov),
      netdevs: own.map((link) => netdevOf(link)),
      vfs: [],
    }),
  ];
}
