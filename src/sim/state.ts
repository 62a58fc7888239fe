// Owns the state of a simulated host: everything that can change, as plain JSON that outlives the process.
// What cannot change is in the profile. Nothing here computes; changes go through host.ts.

import type { VfInfoSettings, VfInfoStatistics } from '../kernel/rtnetlink/vf-info.ts';

/** Raised when a field changes its meaning; a state file of another version is refused. */
export const simStateVersion = 1;

/** `eswitch` as devlink names it. */
export type SimEswitchMode = 'legacy' | 'switchdev';

export interface SimNetdev {
  ifIndex: number;
  name: string;
  mac: string;
  mtu: number;
  up: boolean;
  /** Number of the network namespace that it was moved to; absent: the host's own. */
  netns?: number | undefined;
  /** Index of the bridge or bond that it is enslaved to. */
  master?: number | undefined;
  /** IFLA_INFO_KIND of a virtual interface. */
  kind?: string | undefined;
  /** Index of the interface below it (IFLA_LINK). */
  lower?: number | undefined;
  /** `192.0.2.1/24`. */
  addresses?: string[] | undefined;
}

export type SimVfSettings = { -readonly [Name in keyof VfInfoSettings]: VfInfoSettings[Name] };

export interface SimVf {
  index: number;
  /** Absent for VFs that are no PCI devices. */
  address?: string | undefined;
  driver?: string | undefined;
  driverOverride?: string | undefined;
  iommuGroup?: number | undefined;
  /** What the PF driver reports. */
  settings: SimVfSettings;
  /** Whether `settings.mac` was set on the PF and not chosen by the VF's driver. */
  adminMac?: boolean | undefined;
  /** Milliseconds since the epoch until which the PF driver refuses settings; absent: it takes them. */
  unreadyUntilMs?: number | undefined;
  /** What a VM left in the VF, which the next one could see; a reset takes it away. */
  dirt?: string | undefined;
  /** Methods that `reset` tries, in this order; absent: all that there are. */
  resetMethods?: string[] | undefined;
  /** What the hypervisor puts back when it takes the VF from its VM; absent: no VM of its has the VF. */
  borrowed?:
    | {
        driver?: string | undefined;
        mac?: string | undefined;
        adminMac?: boolean | undefined;
        vlan?: number | undefined;
      }
    | undefined;
  /** Method of the last reset, for tests; absent: there was none. */
  lastReset?: string | undefined;
  /** Counters, shown where the driver counts at all; absent: zeros. */
  statistics?: VfInfoStatistics | undefined;
  netdev?: SimNetdev | undefined;
  /** Interface of the VF on the host in switchdev mode. */
  representor?: SimNetdev | undefined;
}

export interface SimPf {
  address: string;
  driver?: string | undefined;
  driverOverride?: string | undefined;
  driversAutoprobe: boolean;
  totalVfs: number;
  eswitchMode: SimEswitchMode;
  netdev?: SimNetdev | undefined;
  vfs: SimVf[];
  /** Settings of removed VFs by index, where the driver remembers them. */
  remembered?: SimVfSettings[] | undefined;
  /** A write of `sriov_numvfs` in progress: the number it is to reach, and our process that waits for it. */
  creating?: { target: number; pid: number } | undefined;
}

export interface SimProcess {
  pid: number;
  /** At most 15 characters. */
  comm: string;
  commandLine: string[];
  /** Files it has open, by descriptor from 3 on. */
  openFiles: string[];
  /** Start in clock ticks; absent: its number stands for it, which the simulation gives to one process only. */
  startTicks?: number | undefined;
  /** Number of its network namespace; absent: the host's own. */
  netns?: number | undefined;
}

export interface SimNetns {
  inode: number;
  /** Name below /run/netns; absent when only a process keeps it. */
  name?: string | undefined;
}

/** Something that the host does by itself at a time. */
export interface SimArrival {
  atMs: number;
  pf: string;
  vf: number;
  what: 'driver' | 'netdev';
}

export interface SimState {
  stateVersion: typeof simStateVersion;
  profile: string;
  bootId: string;
  machineId: string;
  /** Effective capabilities of our process as /proc/self/status writes them. */
  capEff: string;
  /** The host's time at the last change, milliseconds since the epoch: it can run ahead of ours (clock.ts). */
  clockMs: number;
  /** Where the sequence of random addresses is. */
  randomState: number;
  nextIfIndex: number;
  nextPid: number;
  nextNetns: number;
  /** PFs that are plugged in. */
  pfs: SimPf[];
  /** Interfaces that belong to no PF: lo, plain cards, bridges. */
  otherNetdevs: SimNetdev[];
  processes: SimProcess[];
  namespaces: SimNetns[];
  arrivals: SimArrival[];
  /** Drivers of modules that were loaded since boot. */
  modules: string[];
  /** IDs given to a driver by new_id, `vendor:device`. */
  dynamicIds: Record<string, string[]>;
  /** How often each fault was met, by its JSON text. */
  faultCounts: Record<string, number>;
}
