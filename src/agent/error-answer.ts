// Owns what a client reads when a request was not done: status, code, words.

import { errorCodes, VfleetError, messageOf } from '../base/errors.ts';
import type { ErrorAnswer } from './agent-answers.ts';

export interface Refusal {
  readonly status: number;
  readonly body: ErrorAnswer;
}

/** A request that is not understood; `problems` has a line for each thing that is wrong. */
export function requestError(message: string, problems: readonly string[] = []): VfleetError {
  return new VfleetError('request.invalid', message, {
    hint: 'see GET /v1/openapi.json',
    ...(problems.length === 0 ? {} : { details: { problems } }),
  });
}

/**
 * The answer for anything that was thrown, with the status of its code unless HTTP has a better one. A fault of ours
 * says so, and shows nothing of the inside.
 */
export function refusalOf(thrown: unknown, status?: number): Refusal {
  const error =
    thrown instanceof VfleetError
      ? thrown
      : new VfleetError('internal.bug', messageOf(thrown), { hint: "look at the agent's log" });
  const { code, message, hint, details } = error;
  return {
    status: status ?? errorCodes[code].httpStatus,
    body: { error: code, message, ...(hint === undefined ? {} : { hint }), details: { ...details } },
  };
}
