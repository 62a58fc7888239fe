// Owns waiting for work no longer than the caller allows; the work goes on behind his back, as in a kernel.

import { VfleetError } from '../base/errors.ts';
import type { SimClock } from './clock.ts';

/** What the caller is told when the time is over. */
interface Lateness {
  readonly message: string;
  readonly operation: string;
  readonly file?: string;
}

/** The work's answer, or `kernel.timeout` after a time span of the host. */
export async function bounded<T>(
  clock: SimClock,
  timeoutMs: number,
  work: Promise<T>,
  { message, ...details }: Lateness,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = clock.schedule(timeoutMs, () => {
      reject(new VfleetError('kernel.timeout', message, { details }));
    });
    work.finally(stop).then(resolve, reject);
  });
}
