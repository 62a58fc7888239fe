// Owns numbers of seconds on the command line.

import { InvalidArgumentError } from 'commander';

const maxSeconds = 86_400;
/** As long as a request can wait (src/model/attachment.ts), written out so that no schema is loaded for it. */
const maxWaitSeconds = 3_600;

/** A whole number of seconds, a day at most; anything else is commander's error of an argument. */
export function parseSeconds(text: string): number {
  return parseUpTo(text, maxSeconds);
}

/** How long somebody who gives or takes VFs waits for the host, an hour at most; otherwise as {@link parseSeconds}. */
export function parseWait(text: string): number {
  return parseUpTo(text, maxWaitSeconds);
}

function parseUpTo(text: string, max: number): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > max)
    throw new InvalidArgumentError(`not a number of seconds from 0 to ${max}.`);
  return seconds;
}
