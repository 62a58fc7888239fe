// Owns the order of the steps for one PF, and which of them are needed.
// Everything is decided here from an intent; nothing is left to the execution.

import type { Step, VfSettingsChange } from '../model/plan.ts';
import { noDriver, usualDriver } from '../model/target.ts';
import { impossible, type PfIntent, type VfIntent } from './intent.ts';
import { hasVfDriver, isPassThroughDriver, isUsualVfDriver } from './vf-driver.ts';
import { planFreshVfSettings, planKeptVfSettings, type PlannedSettings } from './vf-settings.ts';

/** How one VF gets its driver. */
type DriverChange = Extract<Step, { kind: 'vf-driver' }>['vfs'][number];

/** What happens to one VF that is there at the end. */
export interface VfPlan {
  readonly intent: VfIntent;
  readonly settings: PlannedSettings | undefined;
  readonly driver: DriverChange | undefined;
}

/** What happens to one PF. */
export interface PfPlan {
  readonly intent: PfIntent;
  readonly vfs: readonly VfPlan[];
  readonly steps: readonly Step[];
}

/**
 * Plans one PF. Throws `plan.impossible` when VF settings are needed and the PF has no interface to set them through.
 *
 * The order: VFs away, eswitch mode, MTU and up, new VFs without drivers, their settings, their drivers, and taking the
 * PF down at the very end. A VF driver that starts so late comes up with the right address.
 */
export function planPf(intent: PfIntent): PfPlan {
  const settings = intent.vfs.map((vf) => planSettings(intent, vf));
  const isQuiet = intent.remakesVfs && createsQuietly(intent, settings);
  const vfs = intent.vfs.map((vf, position) => ({
    intent: vf,
    settings: settings[position],
    driver: intent.remakesVfs
      ? freshVfDriver(intent, vf, isQuiet)
      : keptVfDriver(intent, vf, settings[position]),
  }));
  if (intent.pf.netdevs.length === 0 && settings.some((planned) => planned !== undefined)) {
    throw impossible(
      intent.pf,
      `${intent.pf.address} has no network interface through which its VFs could be set`,
    );
  }
  return { intent, vfs, steps: stepsOf(intent, vfs, isQuiet) };
}

function planSettings(intent: PfIntent, vf: VfIntent): PlannedSettings | undefined {
  if (!intent.remakesVfs) return planKeptVfSettings(vf.present, vf.named);
  return planFreshVfSettings(vf.present, vf.named, intent.freshVfSettings);
}

/** Whether new VFs must not get drivers by themselves: settings come first, or somebody wants another driver. */
function createsQuietly(intent: PfIntent, settings: readonly (PlannedSettings | undefined)[]): boolean {
  if (intent.driversAutoprobe.after !== true) return true;
  if (settings.some((planned) => planned !== undefined)) return true;
  return intent.vfs.some((vf) => !isUsualVfDriver(intent.pf.driver, wantedDriver(vf)));
}

/** The driver that a VF made anew shall have: the named one, else the one it had; undefined leaves it to the kernel. */
function wantedDriver({ vf, driver }: VfIntent): string | undefined {
  return driver ?? (vf === undefined ? undefined : (vf.driver ?? noDriver));
}

function freshVfDriver(intent: PfIntent, vf: VfIntent, isQuiet: boolean): DriverChange | undefined {
  if (intent.driversAutoprobe.before === undefined || !isQuiet) return undefined;
  const byItself = intent.driversAutoprobe.after === true ? usualDriver : noDriver;
  const after = wantedDriver(vf) ?? byItself;
  return after === noDriver ? undefined : { index: vf.index, after };
}

function keptVfDriver(
  intent: PfIntent,
  vf: VfIntent,
  settings: PlannedSettings | undefined,
): DriverChange | undefined {
  if (intent.driversAutoprobe.before === undefined) return undefined;
  const before = vf.vf?.driver;
  if (vf.driver !== undefined && !hasVfDriver(vf.vf ?? {}, vf.driver)) {
    return { index: vf.index, ...(before === undefined ? {} : { before }), after: vf.driver };
  }
  // Whoever has a lease sees to the driver.
  if (vf.lease !== undefined) return undefined;
  // vfio resets a VF whenever it is opened; a kernel driver asks for its address and VLAN only when it starts.
  if (before === undefined || isPassThroughDriver(before)) return undefined;
  const seenAtStart = settings?.differing.some(
    (name) => name === 'mac' || name === 'vlan' || name === 'vlanProtocol',
  );
  return seenAtStart === true ? { index: vf.index, before, after: before, reload: true } : undefined;
}

function stepsOf(intent: PfIntent, vfs: readonly VfPlan[], isQuiet: boolean): readonly Step[] {
  const pf = intent.pf.address;
  const { numVfs, eswitchMode, remakesVfs } = intent;
  const steps: Step[] = [];
  if (remakesVfs && numVfs.before > 0) steps.push({ kind: 'num-vfs', pf, before: numVfs.before, after: 0 });
  if (eswitchMode.after !== undefined && eswitchMode.after !== eswitchMode.before) {
    steps.push({ kind: 'eswitch-mode', pf, ...definedTransition(eswitchMode.before, eswitchMode.after) });
  }
  steps.push(...linkSteps(intent, { mtu: intent.mtu, ...(intent.up.after === true && { up: intent.up }) }));

  const setAutoprobe = autoprobeSteps(intent, steps);
  if (remakesVfs && numVfs.after > 0) {
    setAutoprobe(!isQuiet);
    steps.push({ kind: 'num-vfs', pf, before: 0, after: numVfs.after });
  }
  const settings = vfs.flatMap((vf) => settingsChange(vf));
  if (settings.length > 0) steps.push({ kind: 'vf-settings', pf, vfs: settings });

  const drivers = vfs.flatMap((vf) => vf.driver ?? []);
  // With autoprobe off the kernel probes no VF for its usual driver, not even when asked (drivers/pci/pci-driver.c,
  // pci_device_can_probe): it is on while the drivers are bound.
  const needsProbe = drivers.some((driver) => driver.after === usualDriver);
  setAutoprobe(needsProbe || intent.driversAutoprobe.after === true);
  if (drivers.length > 0) steps.push({ kind: 'vf-driver', pf, vfs: drivers });
  setAutoprobe(intent.driversAutoprobe.after === true);

  if (intent.up.after === false) steps.push(...linkSteps(intent, { up: intent.up }));
  return steps;
}

/** A function that adds the step which sets autoprobe, where there is such a thing and it is not set already. */
function autoprobeSteps(intent: PfIntent, steps: Step[]): (after: boolean) => void {
  let current = intent.driversAutoprobe.before;
  return (after) => {
    if (current === undefined || current === after) return;
    steps.push({ kind: 'drivers-autoprobe', pf: intent.pf.address, before: current, after });
    current = after;
  };
}

function linkSteps(intent: PfIntent, wanted: Partial<Pick<PfIntent, 'mtu' | 'up'>>): readonly Step[] {
  const { mtu, up } = wanted;
  const setsMtu = mtu !== undefined && mtu.before !== mtu.after;
  const setsUp = up !== undefined && up.before !== up.after;
  if (!setsMtu && !setsUp) return [];
  const before = { ...(setsMtu && { mtu: mtu.before }), ...(setsUp && { up: up.before }) };
  const after = { ...(setsMtu && { mtu: mtu.after }), ...(setsUp && { up: up.after }) };
  return [{ kind: 'pf-link', pf: intent.pf.address, before, after }];
}

function settingsChange({ intent, settings }: VfPlan): readonly VfSettingsChange[] {
  return settings === undefined
    ? []
    : [{ index: intent.index, before: settings.before, after: settings.after }];
}

function definedTransition<Value>(before: Value | undefined, after: Value): { before?: Value; after: Value } {
  return before === undefined ? { after } : { before, after };
}
