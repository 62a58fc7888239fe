// Owns the list of what could not be read of a host, and why, in words.

import { VfleetError } from '../base/errors.ts';
import type { Errno } from '../kernel/kernel.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** Facts that are absent because they could not be read; those that do not exist are not among them. */
export class UnreadFacts {
  readonly entries: Snapshot['unread'] = [];

  /** `fact` is the path in the snapshot, `what` names it for people. */
  add(fact: string, what: string, why: Errno | VfleetError | string): void {
    this.entries.push({ what, why: wordsOf(why), fact });
  }

  /** The answer, or undefined after taking note of the refusal. */
  take<T>(fact: string, what: string, answer: T | Errno): T | undefined {
    if (!isRefusal(answer)) return answer;
    this.add(fact, what, answer);
    return undefined;
  }

  /** The answer of work that can fail with a VfleetError, or undefined after taking note of it. */
  attempt<T>(fact: string, what: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof VfleetError)) throw thrown;
      this.add(fact, what, thrown);
      return undefined;
    }
  }
}

function isRefusal(answer: unknown): answer is Errno {
  return typeof answer === 'object' && answer !== null && 'errno' in answer;
}

function wordsOf(why: Errno | VfleetError | string): string {
  if (typeof why === 'string') return why;
  if (why instanceof VfleetError) return why.message;
  switch (why.errno) {
    case 'EACCES':
    case 'EPERM':
      return 'needs root';
    case 'ENOENT':
      return 'is not there';
    case 'EIO':
      return 'gave an answer that is not understood';
    default:
      return `the kernel refused it: ${why.errno}`;
  }
}
