// Owns which faults a call meets: matching, counting, and what is to happen.
// The counts are part of the host's state, so that they go on in the next process.

import { VfleetError } from '../base/errors.ts';
import type { SimFault, SimOperation } from './fault.ts';

/** What is known of a call. `inside` marks one attribute of a message, which faults without vf and attribute skip. */
export interface FaultContext {
  readonly path?: string | undefined;
  readonly pf?: string | undefined;
  readonly vf?: number | undefined;
  readonly attribute?: string | undefined;
  readonly value?: string | undefined;
  readonly inside?: boolean;
}

/** What happens to a call; all absent: it goes its usual way. */
export interface FaultEffects {
  readonly errno?: string;
  readonly message?: string;
  readonly delayMs: number;
  readonly hang: boolean;
  readonly dropped: boolean;
  readonly interrupted: boolean;
  readonly unplug: readonly string[];
  readonly kill?: 'before' | 'after';
}

export const noEffects: FaultEffects = {
  delayMs: 0,
  hang: false,
  dropped: false,
  interrupted: false,
  unplug: [],
};

export class FaultSet {
  readonly #faults: readonly { readonly fault: SimFault; readonly key: string }[];

  constructor(faults: readonly SimFault[]) {
    this.#faults = faults.map((fault, index) => ({ fault, key: `${index} ${JSON.stringify(fault)}` }));
  }

  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  /** The effects on a call that counts as each of the operations; raises the counts of the faults that it meets. */
  meet(
    operations: readonly SimOperation[],
    context: FaultContext,
    counts: Record<string, number>,
  ): FaultEffects {
    let effects = noEffects;
    for (const { fault, key } of this.#faults) {
      if (!operations.includes(fault.operation) || !isMet(fault, context)) continue;
      const seen = (counts[key] ?? 0) + 1;
      counts[key] = seen;
      const first = fault.after ?? 0;
      const times = fault.times ?? (fault.kill === undefined ? Infinity : 1);
      if (seen <= first || seen > first + times) continue;
      effects = withFault(effects, fault);
    }
    return effects;
  }
}

function isMet(fault: SimFault, context: FaultContext): boolean {
  if (context.inside === true && fault.vf === undefined && fault.attribute === undefined) return false;
  if (fault.path !== undefined && !isPathMet(fault.path, context.path)) return false;
  return (
    isSame(fault.pf, context.pf) &&
    isSame(fault.vf, context.vf) &&
    isSame(fault.attribute, context.attribute) &&
    isSame(fault.value, context.value?.trim())
  );
}

function isSame<T>(wanted: T | undefined, found: T | undefined): boolean {
  return wanted === undefined || wanted === found;
}

function isPathMet(pattern: string, path: string | undefined): boolean {
  if (path === undefined) return false;
  if (!pattern.includes('*')) return path.includes(pattern);
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop() ?? '';
  if (!path.startsWith(first) || path.length < first.length + last.length || !path.endsWith(last))
    return false;
  let from = first.length;
  const end = path.length - last.length;
  for (const part of parts) {
    const at = path.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}

function withFault(effects: FaultEffects, fault: SimFault): FaultEffects {
  return {
    ...effects,
    ...(effects.errno === undefined && fault.errno !== undefined
      ? { errno: fault.errno, ...(fault.message === undefined ? {} : { message: fault.message }) }
      : {}),
    ...(fault.kill === undefined ? {} : { kill: fault.kill }),
    delayMs: effects.delayMs + (fault.delayMs ?? 0),
    hang: effects.hang || fault.hang === true,
    dropped: effects.dropped || fault.keep === false,
    interrupted: effects.interrupted || fault.interrupted === true,
    unplug: fault.unplug === undefined ? effects.unplug : [...effects.unplug, fault.unplug],
  };
}

/** An errno that reaches our code as an error of the socket and not as a message. */
export function socketFailure(operation: string, errno: string): VfleetError {
  return new VfleetError('kernel.refused', `${operation}: ${errno}`, { details: { operation, errno } });
}
