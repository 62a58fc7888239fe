// Owns what a command gets from the composition root: output, terminal facts, the way to a host.
// Commands read no environment and touch no global; they take everything from here.

import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import type { LendingHost } from '../hypervisor/simulated/sim-devices.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { Snapshot } from '../model/snapshot.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

export interface Terminal {
  /** Writes a line to standard output. */
  print(line: string): void;
  /** Writes a line to standard error: progress, notes, warnings. */
  note(line: string): void;
  /** Rewrites the last line of standard error on a terminal; undefined when it is none. */
  readonly rewrite: ((line: string) => void) | undefined;
  /** Columns of standard output; undefined when it is no terminal. */
  readonly widthColumns: number | undefined;
  /** Characters beyond ASCII can be shown; bars are drawn with # and . otherwise. */
  readonly isUtf8: boolean;
  /** Colours text, or gives it back when colours are off (NO_COLOR, no terminal). */
  style(style: Style, text: string): string;
  /** Asks at the terminal; undefined when there is none to ask at. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** A host that can be read and changed. */
export interface LiveHost {
  readonly kind: 'live';
  readonly label: string;
  readonly session: KernelSession;
  /** Folder for journals, leases and the locks of this host. */
  readonly stateFolder: string;
  /** The simulated host, which its simulated hypervisor acts on; absent: a real host, whose hypervisor is libvirt. */
  readonly simulated?: LendingHost;
}

/** A saved picture of a host. */
export interface SavedHost {
  readonly kind: 'snapshot';
  readonly label: string;
  readonly snapshot: Snapshot;
}

export type Host = LiveHost | SavedHost;

export interface CliContext {
  readonly terminal: Terminal;
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Opens what --host says. Throws `host.invalid`, `snapshot.invalid`, `snapshot.version`. */
  openHost(): Promise<Host>;
  /**
   * Connects to the hypervisor of a host: libvirt, or the simulated one; the caller closes it. Throws `host.read-only` for a
   * saved host, `hypervisor.unreachable`, `permission.missing`.
   */
  openHypervisor(host: Host): Promise<Hypervisor>;
  /** Ends the process with this status once all output is written. */
  setExitStatus(status: number): void;
  readonly version: string;
  /** How this vfleet is started, for unit files: the Node program and the script. */
  readonly program: readonly [node: string, script: string];
}
