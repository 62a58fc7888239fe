// Owns the reading of a refusal as absence: a device that is gone, an operation that a driver does not have.
// Decides nothing by itself; the caller names the errno values that mean absence to it.

import { VfleetError } from '../../base/errors.ts';

/** Waits for work; undefined in place of a refusal with one of the given errno names. All else is thrown on. */
export async function undefinedWhenRefused<T>(
  errnos: readonly string[],
  work: Promise<T>,
): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof VfleetError && errnos.includes(error.details.errno ?? '')) return undefined;
    throw error;
  }
}
