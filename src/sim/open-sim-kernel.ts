// Owns opening the simulated host behind `--host sim:PROFILE[:FAULTS.json]`: its state in a file, its faults from one.

import { readFaultsFile } from './fault.ts';
import { initialState } from './initial-state.ts';
import { simProfileOf } from './profiles/profile-table.ts';
import type { SimKernel } from './sim-kernel.ts';
import { simKernelOn } from './sim-kernel.ts';
import { StateFile } from './state-file.ts';

/**
 * Opens the host of a profile, so that one process after another sees the same host. A file that is not there begins a
 * new one. Throws `host.invalid` for an unknown profile, a faults file or a state that cannot be used, `file.unreadable`.
 */
export async function openSimKernel(
  profileName: string,
  options: { readonly stateFile: string; readonly faultsFile?: string },
): Promise<SimKernel> {
  const profile = simProfileOf(profileName);
  const faults = options.faultsFile === undefined ? [] : readFaultsFile(options.faultsFile);
  const store = new StateFile(options.stateFile, profile.name);
  let state = store.readChanged();
  if (state === undefined) {
    state = initialState(profile);
    store.write(state);
  }
  return simKernelOn(profile, state, { faults, store });
}
