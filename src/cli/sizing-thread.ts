// Owns the way to the thread that sizes, so that the program can say how long it takes, and stop when it is asked to.
// Computes nothing itself.

import { Worker } from 'node:worker_threads';
import { type ErrorDetails, VfleetError, type VfleetErrorCode } from '../base/errors.ts';
import type { SizedWorkload } from './sized-workload.ts';

export interface SizingOrder {
  /** Path of the workload file. */
  readonly path: string;
}

/** What the thread answers: errors lose their class on the way, so their parts are sent. */
export type SizingAnswer =
  | { readonly sized: SizedWorkload; readonly failure?: undefined }
  | {
      readonly sized?: undefined;
      readonly failure: {
        readonly code: VfleetErrorCode;
        readonly message: string;
        readonly hint: string | undefined;
        readonly details: ErrorDetails;
      };
    };

/** As `sizeWorkloadFile` in a thread. Throws `apply.interrupted` once the signal is aborted. */
export async function sizeInThread(order: SizingOrder, signal: AbortSignal): Promise<SizedWorkload> {
  const worker = new Worker(new URL('./sizing-worker.js', import.meta.url), { workerData: order });
  const stop = (): void => void worker.terminate();
  try {
    const answer = await new Promise<SizingAnswer>((accept, reject) => {
      worker.once('message', accept);
      worker.once('error', reject);
      worker.once('exit', () => {
        const why = signal.aborted
          ? new VfleetError('apply.interrupted', 'sizing was stopped by a signal; nothing was written')
          : new VfleetError('internal.bug', 'the thread that sizes ended without an answer');
        reject(why);
      });
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });
    if (answer.failure === undefined) return answer.sized;
    const { code, message, hint, details } = answer.failure;
    throw new VfleetError(code, message, { hint, details });
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
