// Owns the step that sets VFs: one message for all, one by one to find the culprit, and reading back what was kept.

import { VfleetError } from '../base/errors.ts';
import type { IfIndex, PfAddress } from '../base/identifiers.ts';
import { readUplink } from '../inventory/uplink.ts';
import { hintFor } from '../kernel/errno-hints.ts';
import { readLink, setAndReadVfs, setVfSettings } from '../kernel/rtnetlink/link.ts';
import type { VfInfo } from '../kernel/rtnetlink/vf-info.ts';
import { readDriver } from '../kernel/sysfs/device.ts';
import type { Step } from '../model/plan.ts';
import type { VfSettingName, VfSettings } from '../model/vf.ts';
import { pfOf, waitFor } from './execution.ts';
import type { Execution } from './execution.ts';

type VfSettingsStep = Extract<Step, { kind: 'vf-settings' }>;

interface Culprit {
  readonly pf: PfAddress;
  readonly vf: number;
  readonly driver: string | undefined;
}

/** Settings that the kernel takes in one attribute, in the order that well-behaved tools set them. */
const attributeGroups: readonly (readonly VfSettingName[])[] = [
  ['vlan', 'qos', 'vlanProtocol'],
  ['mac'],
  ['minTxRateMbps', 'maxTxRateMbps'],
  ['spoofCheck'],
  ['trust'],
  ['linkState'],
];

/**
 * Sets what the step says and verifies it. `known` is the index of the PF's own interface, where the caller has it. Answers
 * the VFs of the PF as they were read back. Throws `kernel.refused` that names VF, attribute, driver and reason, or
 * `verify.mismatch` for a value that was accepted and not kept.
 */
export async function setVfs(
  step: VfSettingsStep,
  execution: Execution,
  known?: IfIndex,
): Promise<readonly VfInfo[]> {
  const pf = pfOf(step);
  const { route, files } = execution.session;
  const ifIndex = known ?? (await readUplink(execution.session, pf)).ifIndex;
  const driver = readDriver(files, pf);
  let found: readonly VfInfo[] | undefined;
  try {
    found = await setAndReadVfs(
      route,
      ifIndex,
      step.vfs.map(({ index, after }) => ({ index, settings: after })),
    );
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // The kernel does not say which VF it was, and some drivers only want to be asked more slowly.
    for (const { index, after } of step.vfs) {
      await setOneByOne(execution, ifIndex, { pf, vf: index, driver }, after);
    }
  }
  return verifyVfs(step, execution, { ifIndex, driver, found });
}

async function setOneByOne(
  execution: Execution,
  ifIndex: number,
  culprit: Culprit,
  settings: VfSettings,
): Promise<void> {
  for (const names of attributeGroups) {
    const some = pickSettings(settings, names);
    if (Object.keys(some).length === 0) continue;
    let refusal = await trySettings(execution, ifIndex, culprit.vf, some);
    if (refusal?.details.errno === 'EINVAL' && isRate(some) && (await waitForCarrier(execution, ifIndex))) {
      refusal = await trySettings(execution, ifIndex, culprit.vf, some);
    }
    // A driver may refuse even what it has: igb any link state, netdevsim any rate in switchdev mode.
    if (refusal === undefined || (await hasSettings(execution, ifIndex, culprit.vf, some))) continue;
    throw refusalOfAttribute(refusal, culprit, some);
  }
}

async function hasSettings(
  execution: Execution,
  ifIndex: number,
  index: number,
  settings: VfSettings,
): Promise<boolean> {
  const { vfs = [] } = await readLink(execution.session.route, ifIndex, { vfs: true });
  const found = vfs.find((vf) => vf.index === index)?.settings;
  return found !== undefined && findMismatchOf(settings, found) === undefined;
}

/** Sets some settings of one VF; a driver that is busy is asked again for a while. Gives back a refusal. */
async function trySettings(
  execution: Execution,
  ifIndex: number,
  vf: number,
  settings: VfSettings,
): Promise<VfleetError | undefined> {
  let refusal: VfleetError | undefined;
  await waitFor(execution, execution.timeouts.busyMs, async () => {
    refusal = undefined;
    try {
      await setVfSettings(execution.session.route, ifIndex, [{ index: vf, settings }]);
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusal = error;
      // Busy and "try again" pass; any other answer is final.
      return ['EBUSY', 'EAGAIN'].includes(error.details.errno ?? '') ? undefined : true;
    }
  });
  return refusal;
}

function isRate(settings: VfSettings): boolean {
  return settings.minTxRateMbps !== undefined || settings.maxTxRateMbps !== undefined;
}

/** Whether the link came up while we waited: it was down, and is up now. igb takes rates only with a link. */
async function waitForCarrier(execution: Execution, ifIndex: number): Promise<boolean> {
  const hasCarrier = async (): Promise<true | undefined> => {
    const { up, attributes } = await readLink(execution.session.route, ifIndex);
    return up && attributes.carrier === 1 ? true : undefined;
  };
  if ((await hasCarrier()) === true) return false;
  execution.report('waiting for the link');
  return (await waitFor(execution, execution.timeouts.carrierMs, hasCarrier)) === true;
}

function refusalOfAttribute(refusal: VfleetError, culprit: Culprit, settings: VfSettings): VfleetError {
  const { pf, vf, driver } = culprit;
  const attribute = Object.keys(settings).join(' + ');
  const { errno = '', kernelMessage } = refusal.details;
  const said = kernelMessage === undefined ? '' : ` ("${kernelMessage}")`;
  return new VfleetError(
    'kernel.refused',
    `VF ${vf} of ${pf}: driver ${driver ?? '(unknown)'} refused ${describeSettings(settings)}: ${errno}${said}`,
    {
      hint: hintFor('RTM_SETLINK', errno, driver),
      details: { ...refusal.details, pf, vf, attribute, ...(driver === undefined ? {} : { driver }) },
      cause: refusal,
    },
  );
}

/** `found` is what was read right after the setting; without it, or while it differs, the VFs are read again. */
async function verifyVfs(
  step: VfSettingsStep,
  execution: Execution,
  now: {
    readonly ifIndex: number;
    readonly driver: string | undefined;
    readonly found: readonly VfInfo[] | undefined;
  },
): Promise<readonly VfInfo[]> {
  const { ifIndex, driver } = now;
  let known = now.found;
  let vfs: readonly VfInfo[] = [];
  let mismatch: Mismatch | undefined;
  const kept = await waitFor(execution, execution.timeouts.settleMs, async () => {
    vfs = known ?? (await readLink(execution.session.route, ifIndex, { vfs: true })).vfs ?? [];
    known = undefined;
    const present = new Map<number, VfSettings>(vfs.map((vf) => [vf.index, vf.settings]));
    mismatch = findMismatch(step, present);
    return mismatch === undefined ? true : undefined;
  });
  if (kept === true || mismatch === undefined) return vfs;
  const { vf, name, wanted, found } = mismatch;
  throw new VfleetError(
    'verify.mismatch',
    `VF ${vf} of ${step.pf}: driver ${driver ?? '(unknown)'} accepted ${name} ${wanted} but shows ${found ?? 'none'}`,
    { details: { pf: step.pf, vf, attribute: name, ...(driver === undefined ? {} : { driver }) } },
  );
}

interface Mismatch {
  readonly vf: number;
  readonly name: VfSettingName;
  readonly wanted: string;
  readonly found: string | undefined;
}

function findMismatch(step: VfSettingsStep, present: ReadonlyMap<number, VfSettings>): Mismatch | undefined {
  for (const { index, after } of step.vfs) {
    const mismatch = findMismatchOf(after, present.get(index) ?? {});
    if (mismatch !== undefined) return { vf: index, ...mismatch };
  }
  return undefined;
}

/** The first setting that the kernel shows otherwise than it was wanted. */
function findMismatchOf(settings: VfSettings, present: VfSettings): Omit<Mismatch, 'vf'> | undefined {
  for (const name of Object.keys(settings) as VfSettingName[]) {
    const wanted = settings[name];
    const found = present[name];
    // Untagged frames have no protocol and no priority, whatever a driver reports for them.
    if (settings.vlan === 0 && (name === 'vlanProtocol' || name === 'qos')) continue;
    // The kernel writes 802.1Q where a driver says nothing; 4095 is mlx4's word for untagged.
    if (name === 'vlanProtocol' && found === undefined && wanted === '802.1Q') continue;
    if (name === 'vlan' && wanted === 0 && found === 4095) continue;
    if (found !== wanted) return { name, wanted: String(wanted), found: found?.toString() };
  }
  return undefined;
}

function pickSettings(settings: VfSettings, names: readonly VfSettingName[]): VfSettings {
  return Object.fromEntries(
    names.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]),
  );
}

function describeSettings(settings: VfSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

function isRefusal(error: unknown): error is VfleetError {
  return error instanceof VfleetError && error.code === 'kernel.refused';
}
