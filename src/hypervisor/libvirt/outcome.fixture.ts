// Owns one way for tests to look at a call that may fail.

import { VfleetError } from '../../base/errors.ts';

/** What a call comes to: its value, or the code of vfleet's error. Anything else that is thrown goes on. */
export function outcomeOf<T>(call: () => T): { readonly value?: T; readonly code?: string } {
  try {
    return { value: call() };
  } catch (thrown) {
    if (thrown instanceof VfleetError) return { code: thrown.code };
    throw thrown;
  }
}
