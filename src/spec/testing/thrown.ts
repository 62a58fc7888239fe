// Owns how the spec's tests look at an error.
// For tests only.

import { VfleetError } from '../../base/errors.ts';

/** The error that a function throws; anything but a VfleetError goes on. */
export function thrownBy(run: () => unknown): VfleetError {
  try {
    run();
  } catch (error) {
    if (error instanceof VfleetError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The lines of the problems that a function throws. */
export function problemsOf(run: () => unknown): readonly string[] {
  return thrownBy(run).details.problems ?? [];
}
