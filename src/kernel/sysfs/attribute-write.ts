// Owns how a write to a sysfs attribute fails: the errno becomes a VfleetError with operation, file and a hint.
// Which attribute is written with what, and how that is verified, is the business of the callers.

import type { ErrorDetails } from '../../base/errors.ts';
import { VfleetError } from '../../base/errors.ts';
import { hintFor } from '../errno-hints.ts';
import type { FileTree } from '../kernel.ts';

/** What the caller knows of the write, for the error. */
export interface WriteContext extends ErrorDetails {
  /** As in `write sriov_numvfs`; also what hints are looked up by. */
  readonly operation: string;
  /** What is being done, for people: `setting 4 VFs on 0000:01:00.0`. */
  readonly doing: string;
  /** Hint for a write that does not come back. */
  readonly timeoutHint?: string;
}

/**
 * Writes an attribute or throws `kernel.refused`, `kernel.absent` (the file or device is not there) or
 * `kernel.timeout`, each with the details of the context.
 */
export async function writeAttribute(
  files: FileTree,
  path: string,
  text: string,
  timeoutMs: number,
  context: WriteContext,
): Promise<void> {
  const { doing, timeoutHint, ...facts } = context;
  const details = { ...facts, file: path };
  let answer;
  try {
    answer = await files.write(path, text, timeoutMs);
  } catch (error) {
    if (!(error instanceof VfleetError) || error.code !== 'kernel.timeout') throw error;
    throw new VfleetError('kernel.timeout', `${doing}: ${error.message}`, {
      hint: timeoutHint ?? error.hint,
      details: { ...details, pending: true },
      cause: error,
    });
  }
  if (answer === undefined) return;
  const { errno } = answer;
  const isGone = errno === 'ENOENT' && files.identity(path) === undefined;
  throw new VfleetError(
    isGone ? 'kernel.absent' : 'kernel.refused',
    `${doing}: ${isGone ? `${path} is not there` : `the kernel answered ${errno}`}`,
    { hint: hintFor(context.operation, errno, context.driver), details: { ...details, errno } },
  );
}
