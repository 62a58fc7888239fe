// Owns numbers of seconds on the command line.

import { InvalidArgumentError } from 'commander';

const maxWaitSeconds = 86_400;

/** A whole number of seconds, a day at most; anything else is commander's error of an argument. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > maxWaitSeconds) {
    throw new InvalidArgumentError(`not a number of seconds from 0 to ${maxWaitSeconds}.`);
  }
  return seconds;
}
