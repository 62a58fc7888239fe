// Owns the course of a change that somebody agrees to: plan, show, ask, and carry out what was agreed to under the lock of
// the host. Nobody else is kept from work while a question waits for its answer; so everything is planned again after it.

import { lockHost } from '../../apply/host-lock.ts';
import { VfleetError } from '../../base/errors.ts';
import type { FileLock, LockMode } from '../../kernel/file-lock.ts';
import type { CliContext } from '../context.ts';

export interface AgreedChange<Plan> {
  /** Of the command, for whoever waits for the lock and for messages. */
  readonly command: string;
  readonly stateFolder: string;
  /** Seconds to wait for the lock. */
  readonly wait: number;
  /** True: whatever the plan, nobody is asked. */
  readonly yes: boolean;
  /** Why a yes cannot be asked for here, besides that there is no terminal. */
  readonly json: boolean;
  /** Something has to be put right under the lock before the first plan. */
  readonly mustLockFirst?: boolean;
  /** Reads and plans. `exclusive`: nobody else changes the host; `shared`: others give and take VFs meanwhile. */
  readonly plan: (mode: LockMode) => Promise<Plan>;
  /** Shows a plan, also one that changes nothing. */
  readonly show: (plan: Plan) => void;
  /** Throws for a plan that is not to be carried out whatever the answer. */
  readonly check?: (plan: Plan) => void;
  readonly isEmpty: (plan: Plan) => boolean;
  /** What is agreed to: a plan of which this is the same is the same plan. */
  readonly substanceOf: (plan: Plan) => unknown;
  /** Called under the lock, with a plan that was made under it. */
  readonly carryOut: (plan: Plan) => Promise<void>;
}

/**
 * Carries a change out, once it is agreed to. A plan that has become another while the question stood is shown and asked
 * about anew. Throws `confirmation.missing` where nobody can be asked, `lock.held`, and what the functions given throw.
 */
export async function carryOutAsAgreed<Plan>(context: CliContext, change: AgreedChange<Plan>): Promise<void> {
  const { terminal } = context;
  let mode: LockMode = change.yes || change.mustLockFirst === true ? 'exclusive' : 'shared';
  let known: string | undefined;
  for (;;) {
    const lock = await lockForCommand(context, change, mode);
    let isToBeAsked: boolean;
    try {
      const plan = await change.plan(mode);
      const substance = JSON.stringify(change.substanceOf(plan));
      const isNew = substance !== known;
      if (isNew && known !== undefined) terminal.note('this host has changed meanwhile; the plan is now:');
      if (isNew) change.show(plan);
      change.check?.(plan);
      isToBeAsked = isNew && !change.yes && !change.isEmpty(plan);
      if (mode === 'exclusive' && !isToBeAsked) {
        await change.carryOut(plan);
        return;
      }
      known = substance;
    } finally {
      lock.release();
    }
    if (isToBeAsked && !(await ask(context, change))) {
      terminal.note('nothing was changed');
      return;
    }
    mode = 'exclusive';
  }
}

/** Takes the lock of a host for a command, and says so when it has to wait. Throws `lock.held`. */
export async function lockForCommand(
  { terminal }: CliContext,
  { command, stateFolder, wait }: Pick<AgreedChange<unknown>, 'command' | 'stateFolder' | 'wait'>,
  mode: LockMode,
): Promise<FileLock> {
  return lockHost(stateFolder, {
    command,
    mode,
    waitMs: wait * 1000,
    onWait: (heldBy) => terminal.note(`waiting for ${heldBy}`),
  });
}

async function ask(
  { terminal }: CliContext,
  { command, json }: Pick<AgreedChange<unknown>, 'command' | 'json'>,
): Promise<boolean> {
  if (terminal.confirm !== undefined && !json) return terminal.confirm('Make these changes?');
  const where = json ? '--json asks nothing' : 'there is no terminal to ask at';
  throw new VfleetError('confirmation.missing', `${command} would make changes, and ${where}`, {
    hint: 'pass --yes',
  });
}
