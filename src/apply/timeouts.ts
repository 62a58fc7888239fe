// Owns the bounds on waiting for the kernel while a plan is executed, each with its reason.

export interface Timeouts {
  /** A write of sriov_numvfs: 125 VFs of a ConnectX-6 Lx took 65 s, 60 of an ixgbe over 60 s. */
  readonly numVfsMs: number;
  /** VFs that were created show up in sysfs asynchronously. */
  readonly vfArrivalMs: number;
  /** Binding or unbinding one driver: mlx5 needs about 0.5 s, a driver that waits for firmware some more. */
  readonly driverMs: number;
  /** A driver that applies a setting in the background must show it within this time. */
  readonly settleMs: number;
  /** i40e (EAGAIN) and ice (EBUSY) refuse settings for about 2 s after a VF was reset. */
  readonly busyMs: number;
  /** A port that was just brought up has a link after about 3 s; igb takes rates only then. */
  readonly carrierMs: number;
  /** Pause between two looks at something that is to change. */
  readonly pollMs: number;
}

export const defaultTimeouts: Timeouts = {
  numVfsMs: 120_000,
  vfArrivalMs: 60_000,
  driverMs: 30_000,
  settleMs: 3_000,
  busyMs: 6_000,
  carrierMs: 10_000,
  pollMs: 20,
};
