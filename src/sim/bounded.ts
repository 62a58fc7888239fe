// Owns waiting for work no longer than the caller allows; the work goes on behind his back, as in a kernel.

import { VfleetError } from '../base/errors.ts';
import type { SimClock } from './clock.ts';

/** What the caller is told when the time is over. */
interface Lateness {
  readonly message: string;
  readonly operation: string;
  readonly file?: string;
}

/** A span is counted in parts of about so long, at most so many. */
const partRealMs = 10;
const maxParts = 100;

/**
 * The work's answer, or `kernel.timeout` after a time span of the host. The span is counted in parts, each begun when the one
 * before is over: while our own process does not run, the work of the host stands still, and a single timer would be over
 * before the work had its turn.
 */
export async function bounded<T>(
  clock: SimClock,
  timeoutMs: number,
  work: Promise<T>,
  { message, ...details }: Lateness,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const parts = Math.min(Math.max(1, Math.round(clock.realMs(timeoutMs) / partRealMs)), maxParts);
    let left = parts;
    let stop = (): void => undefined;
    const countPart = (): void => {
      stop = clock.schedule(timeoutMs / parts, () => {
        left -= 1;
        if (left > 0) countPart();
        else reject(new VfleetError('kernel.timeout', message, { details }));
      });
    };
    countPart();
    work.finally(() => stop()).then(resolve, reject);
  });
}
