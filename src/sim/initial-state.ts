// Owns how a simulated host begins: the state of a host that has just booted.

import { randomBytes } from 'node:crypto';
import { newNetdev } from './netdev.ts';
import type { SimProfile } from './profile.ts';
import { simStateVersion } from './state.ts';
import type { SimPf, SimState } from './state.ts';
import { makeBootVfs } from './vf-making.ts';

/** Root's effective capabilities in a kernel with 41 of them. */
export const allCapabilities = '000001ffffffffff';
/** Without the one of the host itself, which is never given out. */
const firstNetns = 4026532177;
const loopbackMtu = 65_536;

/** The state after boot. Machine ID and the sequence of random addresses follow from the profile's name alone. */
export function initialState(profile: SimProfile): SimState {
  const state: SimState = {
    stateVersion: simStateVersion,
    profile: profile.name,
    bootId: newBootId(),
    machineId: machineIdOf(profile.name),
    capEff: allCapabilities,
    clockMs: Date.now(),
    randomState: seedOf(profile.name),
    nextIfIndex: 1,
    nextPid: 4200,
    nextNetns: firstNetns,
    pfs: [],
    otherNetdevs: [],
    processes: [
      { pid: 1, comm: 'systemd', commandLine: ['/sbin/init'], openFiles: ['socket:[1181]'] },
      { pid: 2, comm: 'kthreadd', commandLine: [], openFiles: [] },
      { pid: 812, comm: 'libvirtd', commandLine: ['/usr/sbin/libvirtd'], openFiles: ['socket:[20482]'] },
    ],
    namespaces: [],
    arrivals: [],
    modules: [],
    dynamicIds: {},
    faultCounts: {},
  };
  const loopback = newNetdev(state, 'lo', '00:00:00:00:00:00', true);
  state.otherNetdevs.push({ ...loopback, mtu: loopbackMtu, addresses: ['127.0.0.1/8'] });
  for (const nic of profile.plainNics) {
    const netdev = newNetdev(state, nic.netdev, nic.mac, true);
    state.otherNetdevs.push({ ...netdev, addresses: ['198.51.100.10/24'] });
  }
  for (const pfProfile of profile.pfs) {
    const { card } = pfProfile;
    const pf: SimPf = {
      address: pfProfile.address,
      driver: card.driver,
      driversAutoprobe: true,
      totalVfs: card.totalVfs,
      eswitchMode: 'legacy',
      netdev: newNetdev(state, pfProfile.netdev, pfProfile.mac, pfProfile.up),
      vfs: [],
    };
    state.pfs.push(pf);
  }
  addUpperLinks(profile, state);
  for (const pfProfile of profile.pfs) {
    const pf = state.pfs.find(({ address }) => address === pfProfile.address);
    if (pf !== undefined) makeBootVfs(profile, state, pfProfile, pf);
  }
  return state;
}

function addUpperLinks(profile: SimProfile, state: SimState): void {
  const netdevs = [...state.otherNetdevs, ...state.pfs.flatMap(({ netdev }) => netdev ?? [])];
  for (const { name, kind, mac, members = [], lower, addresses } of profile.upperLinks ?? []) {
    const made = newNetdev(state, name, mac, true);
    const below = netdevs.find((netdev) => netdev.name === lower)?.ifIndex;
    const upper = {
      ...made,
      kind,
      lower: below,
      ...(addresses === undefined ? {} : { addresses: [...addresses] }),
    };
    for (const netdev of netdevs) if (members.includes(netdev.name)) netdev.master = made.ifIndex;
    state.otherNetdevs.push(upper);
    netdevs.push(upper);
  }
}

/** A new boot ID in the kernel's form. */
export function newBootId(): string {
  const digits = randomBytes(16).toString('hex');
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5');
}

function seedOf(name: string): number {
  let seed = 0x811c9dc5;
  for (const character of name) seed = Math.imul(seed ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return seed;
}

function machineIdOf(name: string): string {
  return Buffer.from(`vfleet-sim-${name}`.padEnd(16, '-').slice(0, 16)).toString('hex');
}
