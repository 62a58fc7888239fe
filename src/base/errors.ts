// Owns the one error class of vfleet and the table of its codes.
// Judgements about a host are values (plans, refusals in a report), never errors: only failures throw.

/** What a failure means to scripts: the process status of `vfleet`, documented in docs/errors.md. */
export const ExitStatus = {
  ok: 0,
  /** Bad input or any failure before something was changed. */
  failed: 1,
  /** `plan --exit-code`: the plan holds changes. */
  changes: 2,
  /** Refused: it would disrupt a VF in use, or it is not allowed here. */
  refused: 3,
  /** `doctor`: something blocks SR-IOV. */
  blocked: 3,
  /** `size`: the workload does not fit. */
  unfit: 3,
  /** Somebody else holds the lock; try again later. */
  busy: 4,
  /** A change failed and everything done was undone. */
  undone: 5,
  /** A change failed and could not be undone completely; `vfleet recover` is needed. */
  inconsistent: 6,
} as const;

interface ErrorCode {
  /** One sentence for the page of errors. */
  readonly meaning: string;
  /** What the user can do, in general; an error may carry a more precise hint. */
  readonly action: string;
  /** Whether the same call may succeed later without any other change. */
  readonly retry: boolean;
  readonly exitStatus: number;
  readonly httpStatus: number;
}

function row(
  meaning: string,
  action: string,
  options: { retry?: boolean; exit?: number; http?: number } = {},
): ErrorCode {
  return {
    meaning,
    action,
    retry: options.retry ?? false,
    exitStatus: options.exit ?? ExitStatus.failed,
    httpStatus: options.http ?? 400,
  };
}

/** Every code of a {@link VfleetError}. docs/errors.md holds the same table; a test keeps them equal. */
export const errorCodes = {
  'usage.invalid': row('The command line is not understood.', 'See `vfleet COMMAND --help`.'),
  'confirmation.missing': row('A change needs a yes, and there is no terminal to ask at.', 'Pass --yes.', {
    exit: ExitStatus.refused,
    http: 409,
  }),
  'permission.missing': row(
    'The kernel asks for a right that this process lacks.',
    'Run as root, or grant the capability that is named.',
    { exit: ExitStatus.refused, http: 403 },
  ),
  'spec.syntax': row('The spec is not readable YAML.', 'Mend the line that is named.'),
  'spec.invalid': row('The spec says something that cannot be.', 'Mend the places that are named.'),
  'spec.match': row(
    'A match in the spec finds no PF, too many, or something that is no PF.',
    'Compare the match with `vfleet show`.',
  ),
  'snapshot.invalid': row(
    'The file is not a whole vfleet snapshot.',
    'Take it again with `vfleet snapshot`.',
  ),
  'snapshot.version': row(
    'The snapshot was written by a vfleet with another snapshot version.',
    'Use a vfleet that knows this version.',
  ),
  'host.invalid': row('The --host value names no host.', 'Use local, sim:PROFILE or snapshot:FILE.'),
  'host.read-only': row('A snapshot can be read but not changed.', 'Use --host local or sim:PROFILE.', {
    exit: ExitStatus.refused,
    http: 409,
  }),
  'host.unsupported': row(
    'This machine cannot run this part of vfleet.',
    'Read what is missing in the message.',
  ),
  'file.unreadable': row(
    'A file named on the command line cannot be read or written.',
    'Check its path and rights.',
  ),
  'kernel.refused': row(
    'The kernel answered a request with an error.',
    'Read the errno and the kernel message; a hint is added where one is known.',
    { http: 502 },
  ),
  'kernel.timeout': row(
    'The kernel has not answered within the bound.',
    'Look at the kernel log; a call that is in the kernel cannot be cancelled.',
    { retry: true, http: 504 },
  ),
  'kernel.malformed': row(
    'The kernel answered with bytes that break its own format.',
    'Report this as a bug.',
    {
      http: 502,
    },
  ),
  'kernel.absent': row('The device or file is not there (any more).', 'Compare with `vfleet show`.', {
    http: 404,
  }),
  'plan.refused': row('The plan would cut off a VF in use.', 'Free the VF, or pass --allow-disruption.', {
    exit: ExitStatus.refused,
    http: 409,
  }),
  'plan.impossible': row(
    'What is asked for cannot be reached on this host.',
    'Read the reason; change the spec.',
  ),
  'apply.interrupted': row('A signal asked vfleet to stop.', 'Run it again.', { retry: true, http: 409 }),
  'apply.undone': row(
    'A step failed, and everything done before it was undone.',
    'Read the cause: it names the step, the VF, the attribute and the driver.',
    { exit: ExitStatus.undone, http: 502 },
  ),
  'apply.inconsistent': row(
    'A step failed, and the undoing failed as well.',
    'Mend the cause, then run `vfleet recover`.',
    { exit: ExitStatus.inconsistent, http: 500 },
  ),
  'apply.cut-off': row('An apply was cut off, so the host may be half changed.', 'Run `vfleet recover`.', {
    exit: ExitStatus.refused,
    http: 409,
  }),
  'verify.mismatch': row(
    'The kernel accepted a value and did not keep it.',
    'The driver does not support it.',
    {
      http: 502,
    },
  ),
  'journal.corrupt': row(
    'The journal cannot be understood.',
    'Keep the file, and compare the host with the spec.',
    {
      exit: ExitStatus.inconsistent,
      http: 500,
    },
  ),
  'journal.none': row('There is nothing to revert.', 'Only an apply that succeeded can be reverted.'),
  'lock.held': row('Another vfleet is changing this host.', 'Wait for it, or pass --wait SECONDS.', {
    retry: true,
    exit: ExitStatus.busy,
    http: 423,
  }),
  'offer.none': row(
    'No network is offered to VMs here: no spec with networks was applied, or none was named.',
    'Apply a spec with `networks`, or pass --spec FILE.',
    { http: 409 },
  ),
  'network.unknown': row('The spec names no such network.', 'Compare with `networks` of the spec.', {
    http: 404,
  }),
  'vm.unknown': row('The hypervisor has no such VM.', 'Compare with `vfleet vms`.', { http: 404 }),
  'vf.unavailable': row(
    'No VF can be taken for this VM and network.',
    'See `vfleet attach … --explain` for the reason of each VF.',
    { retry: true, exit: ExitStatus.refused, http: 409 },
  ),
  'vf.quarantined': row(
    'A VF could not be given back clean; nobody gets it until that is mended.',
    'Mend the cause, then run `vfleet recover`.',
    { exit: ExitStatus.inconsistent, http: 500 },
  ),
  'risk.refused': row(
    'The assignment is not safe on this host.',
    'Mend the cause, or accept each named risk with --accept-risk NAME.',
    { exit: ExitStatus.refused, http: 409 },
  ),
  'mac.in-use': row('Somebody else has this MAC address.', 'Choose another, or leave it to vfleet.', {
    http: 409,
  }),
  'pin.impossible': row(
    'The VM cannot be placed on one NUMA node.',
    'Free CPUs or memory on the node that is named, or use another VF.',
    { exit: ExitStatus.refused, http: 409 },
  ),
  'lease.none': row('There is no such lease.', 'Compare with `vfleet leases`.', { http: 404 }),
  'lease.changed': row(
    'The VF belongs to somebody else meanwhile.',
    'Compare with `vfleet leases`; nothing was changed.',
    { http: 409 },
  ),
  'lease.corrupt': row(
    'The record of a lease cannot be understood.',
    'Look at the file that is named; the VF is not given to anybody.',
    { exit: ExitStatus.inconsistent, http: 500 },
  ),
  'attach.undone': row(
    'The VF could not be given to the VM, and is free again.',
    'Read the cause: it names the step and the reason.',
    { exit: ExitStatus.undone, http: 502 },
  ),
  'attach.inconsistent': row(
    'The VF could not be given to the VM, and not be put back either.',
    'Mend the cause, then run `vfleet recover`.',
    { exit: ExitStatus.inconsistent, http: 500 },
  ),
  'hypervisor.unreachable': row(
    'The hypervisor does not answer at its socket.',
    'Start it, or name another socket.',
    { retry: true, http: 503 },
  ),
  'hypervisor.refused': row(
    'The hypervisor answered a request with an error.',
    'Read its words in the message.',
    { http: 502 },
  ),
  'hypervisor.timeout': row(
    'The hypervisor, or the guest, has not done it within the bound.',
    'Look at the VM: a guest without the hotplug driver does not let go of a device.',
    { retry: true, http: 504 },
  ),
  'hypervisor.malformed': row(
    'The hypervisor answered with bytes that break its own protocol.',
    'Report this as a bug.',
    { http: 502 },
  ),
  'agent.unreachable': row(
    'The agent does not answer at its socket.',
    'See `systemctl status vfleet-agent`.',
    {
      retry: true,
      http: 503,
    },
  ),
  'request.invalid': row('A request to the agent is not understood.', 'See its OpenAPI document.'),
  'lab.package-missing': row(
    'The lab needs Debian packages that are not installed.',
    'Run the command it prints.',
  ),
  'lab.failed': row('The lab did not boot or lost its machine.', 'Read the console log that is named.', {
    retry: true,
    http: 500,
  }),
  'internal.bug': row('vfleet broke one of its own rules.', 'Report this as a bug.', { http: 500 }),
} as const satisfies Record<string, ErrorCode>;

export type VfleetErrorCode = keyof typeof errorCodes;

/** Facts of a failure for scripts; every field is optional because not each failure has them. */
export interface ErrorDetails {
  /** What was asked of the kernel, for example `RTM_SETLINK` or `write sriov_numvfs`. */
  readonly operation?: string;
  /** Symbolic errno, for example `EBUSY`. */
  readonly errno?: string;
  /** The kernel's own words (netlink extended ack), when it gave any. */
  readonly kernelMessage?: string;
  readonly pf?: string;
  readonly vf?: number;
  readonly attribute?: string;
  readonly driver?: string;
  readonly step?: string;
  /** The call is still in the kernel and may yet take effect. */
  readonly pending?: boolean;
  readonly file?: string;
  /** One line per problem, when there are several (spec errors, undo failures). */
  readonly problems?: readonly string[];
}

/** The only error that vfleet throws on purpose. The message is one line: what, where, why. */
export class VfleetError extends Error {
  readonly code: VfleetErrorCode;
  readonly hint: string | undefined;
  readonly details: ErrorDetails;

  constructor(
    code: VfleetErrorCode,
    message: string,
    options: { hint?: string | undefined; details?: ErrorDetails; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'VfleetError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  get exitStatus(): number {
    return errorCodes[this.code].exitStatus;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
