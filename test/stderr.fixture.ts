// Owns what tests leave out of standard error: what a command says of its waiting once that is longer than a second.

/** Standard error without the lines of src/cli/render/waiting.ts, which a command has only where the machine is busy. */
export function withoutWaiting(stderr: string): string {
  return stderr.replaceAll(/^.*: \d+ s(?:\n|$)/gm, '');
}
