// Owns the judgement which VFs in use a plan cuts off, and why.
// A VF counts as used when the snapshot shows a holder or it has a lease; who may override this is decided elsewhere.

import type { Disruption } from '../model/plan.ts';
import type { Vf } from '../model/vf.ts';
import { settingsAgainstLease } from './leases.ts';
import type { PfIntent } from './intent.ts';
import type { PfPlan, VfPlan } from './pf-plan.ts';
import { resultOfVfSettings } from './vf-settings.ts';

/** The VFs of one PF that are in use and would be cut off, by index, each with every reason in one sentence. */
export function disruptionsOf(plan: PfPlan): readonly Disruption[] {
  const { intent } = plan;
  const concerned = [
    ...intent.pf.vfs.filter((vf) => vf.holders.length > 0 || intent.leases.has(vf.index)),
    ...absentLeasedVfs(intent),
  ];
  if (concerned.length === 0) return [];
  const planned = new Map(plan.vfs.map((vf) => [vf.intent.index, vf]));
  return concerned.flatMap((vf) => {
    const vfPlan = planned.get(vf.index);
    const against = reasonsAgainstLease(intent, vfPlan, vf.index);
    const cut = vf.holders.length === 0 ? [] : reasonsToHeldVf(intent, vf, vfPlan);
    const why = [...new Set([...against, ...cut])];
    if (why.length === 0) return [];
    const address = vf.address === undefined ? {} : { address: vf.address };
    const owner = against.length === 0 ? undefined : intent.leases.get(vf.index)?.owner.name;
    return [
      {
        pf: intent.pf.address,
        vf: vf.index,
        ...address,
        holders: vf.holders,
        ...(owner === undefined ? {} : { leasedTo: owner }),
        why: why.join('; '),
      },
    ];
  });
}

/** VFs that are not there yet and belong to somebody already: they are made anew after a restart of the host. */
function absentLeasedVfs({ pf, leases }: PfIntent): readonly Vf[] {
  if (leases.size === 0) return [];
  const there = new Set(pf.vfs.map((vf) => vf.index));
  const absent = [...leases.keys()].filter((index) => !there.has(index));
  return absent.map((index) => ({ index, settings: {}, holders: [] }));
}

function reasonsToHeldVf(intent: PfIntent, vf: Vf, plan: VfPlan | undefined): readonly string[] {
  return intent.remakesVfs ? [whyRemoved(intent)] : reasonsToKeptVf(intent, vf, plan);
}

/** What takes a leased VF away, or makes it something else than its lease says. Empty for a VF without a lease. */
function reasonsAgainstLease(intent: PfIntent, plan: VfPlan | undefined, index: number): readonly string[] {
  const lease = intent.leases.get(index);
  if (lease === undefined) return [];
  const isThere = intent.pf.vfs.some((vf) => vf.index === index);
  if (isThere && intent.remakesVfs) return [whyRemoved(intent)];
  if (plan === undefined) return [];
  const { targeted } = plan.intent;
  const changed = settingsAgainstLease(lease, targeted).map((name) => {
    const after = targeted[name];
    return `its ${name} is ${lease.settings[name]} by the lease${after === undefined ? '' : `, not ${after}`}`;
  });
  return isThere ? [...changed, ...driverReasons(plan)] : changed;
}

function whyRemoved({ numVfs, eswitchMode }: PfIntent): string {
  const { before, after } = numVfs;
  if (eswitchMode.before !== eswitchMode.after) {
    return `the VF is removed: eswitch ${eswitchMode.before} to ${eswitchMode.after} is changed without VFs`;
  }
  return `the VF is removed: count ${before} to ${after}${after > 0 ? ' passes 0' : ''}`;
}

function reasonsToKeptVf(intent: PfIntent, vf: Vf, plan: VfPlan | undefined): readonly string[] {
  return [
    ...settingReasons(plan),
    ...driverReasons(plan),
    ...linkReasons(intent, vf, plan),
    ...mtuReasons(intent),
  ];
}

/** Rates, trust and spoof check are not here: traffic that is allowed goes on. The link state is a matter of links. */
const cuttingSettings = ['mac', 'vlan', 'qos', 'vlanProtocol'] as const;

function settingReasons(plan: VfPlan | undefined): readonly string[] {
  const settings = plan?.settings;
  if (settings === undefined) return [];
  return cuttingSettings
    .filter((name) => settings.differing.includes(name))
    .map((name) => {
      const before = settings.before[name];
      return `its ${name} changes${before === undefined ? '' : ` from ${before}`} to ${settings.after[name]}`;
    });
}

function driverReasons(plan: VfPlan | undefined): readonly string[] {
  const change = plan?.driver;
  if (change === undefined) return [];
  if (change.reload === true) return [`its driver ${change.after} restarts to see the new settings`];
  return [`its driver changes from ${change.before ?? 'none'} to ${change.after}`];
}

function linkReasons(intent: PfIntent, vf: Vf, plan: VfPlan | undefined): readonly string[] {
  const before = vf.settings.linkState;
  const after =
    plan === undefined ? before : resultOfVfSettings(plan.intent.present, plan.intent.named).linkState;
  const goesDown = hasLink(before, intent.up.before) && !hasLink(after, intent.up.after);
  return goesDown ? ['its link goes down'] : [];
}

/** `auto` follows the PF; a PF whose state is unknown counts as up. */
function hasLink(linkState: Vf['settings']['linkState'], pfIsUp: boolean | undefined): boolean {
  if (linkState === 'disable') return false;
  return linkState === 'enable' || pfIsUp !== false;
}

/** Several PF drivers reset the port for a new MTU, and the VFs with it (igb_change_mtu, ixgbe_change_mtu). */
function mtuReasons({ mtu, up }: PfIntent): readonly string[] {
  if (mtu.before === mtu.after || up.before === false) return [];
  return [`the PF restarts its port: MTU ${mtu.before} to ${mtu.after}`];
}
