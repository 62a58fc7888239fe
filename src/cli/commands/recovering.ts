// Owns `vfleet recover`: first the apply that was cut off, then the leases of those who have gone.
// What each of them does is src/apply's and src/assign's.

import { recoverHost } from '../../apply/recover.ts';
import type { Recovery } from '../../apply/recover.ts';
import { ExitStatus, VfleetError } from '../../base/errors.ts';
import type { ReleaseList } from '../../model/attachment.ts';
import type { CliContext } from '../context.ts';
import { type ChangeOptions, recoveryTexts, withLockedHost } from './changing.ts';
import { hadLeases } from './planning.ts';
import { jsonText } from './reading.ts';

/** `vfleet recover`. A VF that stands in the way of undoing an apply may be one that its owner has left behind. */
export async function recoverCommand(context: CliContext, options: ChangeOptions): Promise<void> {
  const first = await recoverApply(context, options);
  const list = first.hasLeases ? await recoverLeases(context, options) : { releases: [], corrupt: [] };
  const isBlocked = typeof first.recovery !== 'string';
  const isRetried = isBlocked && list.releases.some(({ result }) => result === 'free');
  const { recovery } = isRetried ? await recoverApply(context, options) : first;
  await show(context, options, typeof recovery === 'string' ? recovery : undefined, list);
  if (typeof recovery !== 'string') throw recovery;
}

/** Errors that keep an apply from being undone, and no lease from being looked at. */
const blocking: readonly string[] = ['apply.inconsistent', 'lease.corrupt'];

/** How the apply ended, or why it cannot be undone now; everything else is thrown. */
async function recoverApply(
  context: CliContext,
  options: ChangeOptions,
): Promise<{ recovery: Recovery | VfleetError; hasLeases: boolean }> {
  let recovery: Recovery | VfleetError = 'nothing';
  let hasLeases = false;
  await withLockedHost(context, 'recover', options, async (host) => {
    hasLeases = hadLeases(host.stateFolder);
    try {
      recovery = await recoverHost(host);
    } catch (error) {
      if (!(error instanceof VfleetError) || !blocking.includes(error.code)) throw error;
      recovery = error;
    }
  });
  return { recovery, hasLeases };
}

async function recoverLeases(context: CliContext, options: ChangeOptions): Promise<ReleaseList> {
  const { recoverLeasesHere } = await import('../assigning.ts');
  return recoverLeasesHere(context, { waitMs: options.wait * 1000 });
}

async function show(
  context: CliContext,
  options: ChangeOptions,
  recovery: Recovery | undefined,
  { releases, corrupt }: ReleaseList,
): Promise<void> {
  const { terminal } = context;
  if (options.json === true) {
    if (recovery !== undefined) terminal.print(jsonText({ recovery, releases, corrupt }));
  } else if (recovery !== undefined) {
    terminal.print(recoveryTexts[recovery]);
  }
  if (releases.length + corrupt.length === 0) return;
  const { statusOf } = await import('./attaching.ts');
  context.setExitStatus(corrupt.length > 0 ? ExitStatus.inconsistent : statusOf(releases));
  if (options.json === true) return;
  const { renderReleases } = await import('../render/attach.ts');
  const { renderCorrupt } = await import('../render/leases.ts');
  for (const line of [...renderReleases(releases, terminal), ...renderCorrupt(corrupt, terminal)])
    terminal.print(line);
}
