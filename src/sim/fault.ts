// Owns the form of faults: what shall go wrong on a simulated host, as JSON (docs/simulated-host.md).
// Which call a fault meets, and how often, is in fault-set.ts.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, VfleetError } from '../base/errors.ts';
import { errnoNumberOf } from '../kernel/errno-table.ts';

/**
 * Calls that a fault can meet. `read` and `write` are files; `getlink` is a read of one link or of all; `devlink` and
 * `ethtool` are requests of these families (and the ioctl); `modprobe` loads a module; `tool` asks a program, whose name
 * is the attribute; `event` is the next link event of a socket; `open` opens a netlink socket; `change` is every call
 * that changes something: writes, RTM_SETLINK, devlink's set commands.
 */
const simOperations = [
  'read',
  'write',
  'getlink',
  'setlink',
  'getaddr',
  'devlink',
  'ethtool',
  'event',
  'open',
  'modprobe',
  'tool',
  'change',
] as const;
export type SimOperation = (typeof simOperations)[number];

const changingOperations: ReadonlySet<SimOperation> = new Set(['write', 'setlink', 'devlink', 'change']);

const text = z.string().min(1);
const count = z.int().min(0);

export const SimFault = z
  .strictObject({
    operation: z.enum(simOperations),
    /** Part of the file's path, or the whole path with `*` for anything. */
    path: text.optional(),
    pf: text.optional(),
    vf: count.optional(),
    /** `mac`, `vlan`, `rate`, `spoofCheck`, `linkState`, `rssQuery`, `trust`, `mtu`, `up`; a command for devlink. */
    attribute: text.optional(),
    /** Text that is written, without a line feed at its end. */
    value: text.optional(),
    /** So many calls work first. */
    after: count.optional(),
    /** So many calls fail, then it works; absent: all. A kill happens once unless this says otherwise. */
    times: z.int().min(1).optional(),
    errno: text.optional(),
    /** The kernel's own words beside the errno (extended ack). */
    message: text.optional(),
    delayMs: z.number().min(0).optional(),
    /** The call never comes back. */
    hang: z.literal(true).optional(),
    /** false: the call succeeds and changes nothing. */
    keep: z.literal(false).optional(),
    /** Address of a PF that is pulled out. */
    unplug: text.optional(),
    /** Our process is killed right before or after the change. */
    kill: z.enum(['before', 'after']).optional(),
    /** The dump is marked as interrupted (NLM_F_DUMP_INTR). */
    interrupted: z.literal(true).optional(),
  })
  .check((context) => {
    const problem = problemOf(context.value);
    if (problem !== undefined)
      context.issues.push({ code: 'custom', message: problem, input: context.value });
  });
export type SimFault = z.infer<typeof SimFault>;

function problemOf(fault: SimFaultFields): string | undefined {
  const { operation, errno, message, keep, kill, hang, delayMs, unplug, interrupted } = fault;
  const effects = [errno, keep, kill, hang, delayMs, unplug, interrupted];
  if (effects.every((effect) => effect === undefined))
    return 'has no effect: give errno, delayMs, hang, keep, unplug, kill or interrupted';
  if (errno !== undefined && errnoNumberOf(errno) === undefined) return `${errno} is no errno of Linux`;
  if (message !== undefined && errno === undefined) return 'message needs an errno';
  if (keep !== undefined && !changingOperations.has(operation))
    return `keep does not fit operation ${operation}`;
  if (kill !== undefined && !changingOperations.has(operation))
    return `kill does not fit operation ${operation}`;
  if (operation === 'event' && errno === undefined)
    return 'operation event needs an errno, for example ENOBUFS';
  if (operation === 'open' && (hang !== undefined || delayMs !== undefined))
    return 'opening a socket never waits';
  return undefined;
}

/** The fields that {@link problemOf} looks at. */
interface SimFaultFields {
  readonly operation: SimOperation;
  readonly errno?: string | undefined;
  readonly message?: string | undefined;
  readonly keep?: false | undefined;
  readonly kill?: 'before' | 'after' | undefined;
  readonly hang?: true | undefined;
  readonly delayMs?: number | undefined;
  readonly unplug?: string | undefined;
  readonly interrupted?: true | undefined;
}

/** Checks a list of faults. Throws `host.invalid` that names the first place and reason, and the file if there is one. */
export function parseFaults(value: unknown, file?: string): SimFault[] {
  const parsed = z.array(SimFault).safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${placeOf(issue.path)}: ${issue.message}`);
  const source = file === undefined ? '' : ` in ${file}`;
  throw new VfleetError('host.invalid', `the faults${source} are not valid: ${problems[0] ?? ''}`, {
    details: { problems, ...(file === undefined ? {} : { file }) },
  });
}

/** Reads a file of faults: a JSON array. Throws `host.invalid`. */
export function readFaultsFile(path: string): SimFault[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new VfleetError('host.invalid', `the faults in ${path} cannot be read: ${messageOf(cause)}`, {
      details: { file: path },
      cause,
    });
  }
  return parseFaults(value, path);
}

function placeOf(path: readonly PropertyKey[]): string {
  const [index, ...rest] = path;
  if (index === undefined) return 'faults';
  return [`faults[${String(index)}]`, ...rest.map(String)].join('.');
}
