// Owns the thread that sizes: takes the path of a workload file, answers with the sizing or with what went wrong.
// An entry of its own in the bundle (scripts/build.mjs); the other side is sizing-thread.ts.

import { parentPort, workerData } from 'node:worker_threads';
import { VfleetError } from '../base/errors.ts';
import { sizeWorkloadFile } from './sized-workload.ts';
import type { SizingAnswer, SizingOrder } from './sizing-thread.ts';

async function answer({ path }: SizingOrder): Promise<SizingAnswer> {
  try {
    return { sized: await sizeWorkloadFile(path) };
  } catch (thrown) {
    if (!(thrown instanceof VfleetError)) throw thrown;
    const { code, message, hint, details } = thrown;
    return { failure: { code, message, hint, details } };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(await answer(workerData as SizingOrder));
