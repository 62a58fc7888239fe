// Owns devlink on a simulated host: devices, ports, versions, health, parameters, eswitch mode (net/devlink).
// The attributes are those of src/kernel/genetlink; the card's facts come from its profile.

import { present } from '../../base/present.ts';
import { splitPfAddress } from '../../base/identifiers.ts';
import type { PfAddress } from '../../base/identifiers.ts';
import {
  DEVLINK_CMD_ESWITCH_GET,
  DEVLINK_CMD_ESWITCH_SET,
  DEVLINK_CMD_GET,
  DEVLINK_CMD_HEALTH_REPORTER_GET,
  DEVLINK_CMD_INFO_GET,
  DEVLINK_CMD_NEW,
  DEVLINK_CMD_PARAM_GET,
  DEVLINK_CMD_PORT_GET,
  DEVLINK_CMD_PORT_NEW,
  devlinkTable,
  eswitchModes,
  portFlavours,
} from '../../kernel/genetlink/devlink-attributes.ts';
import type { DevlinkAttributes } from '../../kernel/genetlink/devlink-request.ts';
import { parameterAttributesOf } from '../../kernel/genetlink/devlink-parameters.ts';
import { decodeAttributes, encodeAttributes } from '../../kernel/netlink/attributes.ts';
import { setEswitchMode } from '../eswitch.ts';
import { hostNetns, netnsOf } from '../host-index.ts';
import { pfNumberOf } from '../link-facts.ts';
import type { SimDevlink, SimDevlinkParameter, SimPfProfile } from '../profile.ts';
import type { SimNetdev, SimPf } from '../state.ts';
import { refuseFamily } from './family-answer.ts';
import type { FamilyAnswer, FamilyRequest } from './family-answer.ts';
import type { RequestContext } from './request-context.ts';

/** A device that has devlink: a PF, or a VF of a card whose VFs have it. */
interface Device {
  readonly address: string;
  readonly facts: SimDevlink;
  readonly profile: SimPfProfile;
  readonly pf: SimPf;
  readonly isVf: boolean;
}

interface Command {
  /** For faults. */
  readonly name: string;
  readonly reply: number;
  readonly needsAdmin?: true;
  /** The kernel gives the answers of all devices on request. */
  readonly dumps?: true;
  messages(device: Device): readonly DevlinkAttributes[] | undefined;
}

/** The uplink's port has the highest index in mlx5, whose numbers all drivers share here. */
const uplinkPortIndex = 65_535;

const commands = new Map<number, Command>([
  [DEVLINK_CMD_GET, { name: 'get', reply: DEVLINK_CMD_NEW, dumps: true, messages: () => [{}] }],
  [DEVLINK_CMD_PORT_GET, { name: 'port-get', reply: DEVLINK_CMD_PORT_NEW, dumps: true, messages: portsOf }],
  [
    DEVLINK_CMD_ESWITCH_GET,
    { name: 'eswitch-get', reply: DEVLINK_CMD_ESWITCH_GET, needsAdmin: true, messages: eswitchOf },
  ],
  [
    DEVLINK_CMD_PARAM_GET,
    { name: 'param-get', reply: DEVLINK_CMD_PARAM_GET, dumps: true, messages: parametersOf },
  ],
  [DEVLINK_CMD_INFO_GET, { name: 'info-get', reply: DEVLINK_CMD_INFO_GET, dumps: true, messages: infoOf }],
  [
    DEVLINK_CMD_HEALTH_REPORTER_GET,
    { name: 'health-get', reply: DEVLINK_CMD_HEALTH_REPORTER_GET, dumps: true, messages: reportersOf },
  ],
]);

export async function answerDevlink(context: RequestContext, request: FamilyRequest): Promise<FamilyAnswer> {
  const asked = decodeAttributes(devlinkTable, request.attributes);
  if (request.command === DEVLINK_CMD_ESWITCH_SET && !request.isDump) return changeMode(context, asked);
  const command = commands.get(request.command);
  if (command === undefined || (request.isDump && command.dumps !== true)) return refuseFamily('EOPNOTSUPP');
  if (command.needsAdmin === true && !context.host.hasCapability('CAP_NET_ADMIN'))
    return refuseFamily('EPERM');
  const named = asked.bus !== undefined && asked.device !== undefined;
  if (!request.isDump && !named) return refuseFamily('EINVAL');
  const effects = await context.host.passFaults(['devlink'], {
    pf: addressIn(asked),
    attribute: command.name,
  });
  if (effects.errno !== undefined) return refuseFamily(effects.errno, effects.message);
  const devices = devicesOf(context).filter((device) => !named || device.address === addressIn(asked));
  if (request.isDump) {
    return answerWith(
      command,
      devices.map((device) => [device, command.messages(device) ?? []]),
    );
  }
  const [device] = devices;
  if (device === undefined) return refuseFamily('ENODEV');
  const messages = command.messages(device);
  return messages === undefined
    ? refuseFamily('EOPNOTSUPP')
    : answerWith(command, [[device, messages.slice(0, 1)]]);
}

function answerWith(
  command: Command,
  found: readonly (readonly [Device, readonly DevlinkAttributes[]])[],
): FamilyAnswer {
  const messages = found.flatMap(([device, all]) =>
    all.map((attributes) => ({
      command: command.reply,
      attributes: encodeAttributes(devlinkTable, { ...handleOf(device.address), ...attributes }),
    })),
  );
  return { kind: 'messages', messages };
}

function handleOf(address: string): { bus: string; device: string } {
  return splitPfAddress(address as PfAddress);
}

function addressIn({ bus, device }: DevlinkAttributes): string | undefined {
  if (bus === undefined || device === undefined) return undefined;
  return bus === 'pci' ? device : `${bus}/${device}`;
}

/** Devices whose driver is bound; they are all in the host's own namespace. */
function devicesOf({ host, netns }: RequestContext): Device[] {
  if (netns !== hostNetns) return [];
  return host.state.pfs.flatMap((pf) => {
    const profile = host.pf(pf.address)?.profile;
    const facts = profile?.card.devlink;
    if (profile === undefined || facts === undefined || pf.driver !== profile.card.driver) return [];
    const own: Device = { address: pf.address, facts, profile, pf, isVf: false };
    return [own, ...vfDevicesOf(own)];
  });
}

function vfDevicesOf(own: Device): Device[] {
  const { card } = own.profile;
  if (card.vfDevlink !== true) return [];
  return own.pf.vfs.flatMap(({ address, driver }) =>
    address === undefined || driver !== card.vfDriver ? [] : [{ ...own, address, isVf: true }],
  );
}

async function changeMode(context: RequestContext, asked: DevlinkAttributes): Promise<FamilyAnswer> {
  const { host } = context;
  if (!host.hasCapability('CAP_NET_ADMIN')) return refuseFamily('EPERM');
  const address = addressIn(asked);
  if (address === undefined) return refuseFamily('EINVAL');
  const effects = await host.passFaults(['devlink', 'change'], { pf: address, attribute: 'eswitch-set' });
  if (effects.errno !== undefined) return refuseFamily(effects.errno, effects.message);
  const device = devicesOf(context).find((each) => each.address === address);
  if (device === undefined) return refuseFamily('ENODEV');
  if (device.isVf || device.profile.card.eswitch === undefined) return refuseFamily('EOPNOTSUPP');
  const mode = asked.eswitchMode === undefined ? undefined : eswitchModes[asked.eswitchMode];
  if (mode === undefined) return refuseFamily('EINVAL');
  const refusal = effects.dropped ? undefined : setEswitchMode(host, address, mode);
  if (refusal !== undefined) return refuseFamily(refusal.errno, refusal.message);
  if (effects.kill === 'after') await host.die();
  return { kind: 'messages', messages: [] };
}

function netdevOf(netdev: SimNetdev | undefined): DevlinkAttributes {
  if (netdev === undefined || netnsOf(netdev) !== hostNetns) return {};
  return { portNetdevIfIndex: netdev.ifIndex, portNetdevName: netdev.name };
}

function portsOf({ profile, pf, isVf }: Device): DevlinkAttributes[] {
  if (isVf) return [];
  const uplink: DevlinkAttributes = {
    portIndex: uplinkPortIndex,
    portFlavour: portFlavours.indexOf('physical'),
    portNumber: profile.port,
    ...netdevOf(pf.netdev),
  };
  if (pf.eswitchMode !== 'switchdev') return [uplink];
  const ports = pf.vfs.map(({ index, representor }) => ({
    portIndex: index + 1,
    portFlavour: portFlavours.indexOf('pcivf'),
    pfNumber: pfNumberOf(profile),
    vfNumber: index,
    portControllerNumber: 0,
    portExternal: 0,
    ...netdevOf(representor),
  }));
  return [uplink, ...ports];
}

function eswitchOf({ profile, pf, isVf }: Device): DevlinkAttributes[] | undefined {
  if (isVf || profile.card.eswitch === undefined) return undefined;
  return [{ eswitchMode: eswitchModes.indexOf(pf.eswitchMode) }];
}

function infoOf({ facts, profile, isVf }: Device): DevlinkAttributes[] {
  const versions = (all: Readonly<Record<string, string>>) =>
    Object.entries(all).map(([name, value]) => ({ name, value }));
  return [
    present({
      driver: isVf ? profile.card.vfDriver : profile.card.driver,
      serialNumber: facts.serialNumber === '' ? undefined : facts.serialNumber,
      fixedVersion: versions(facts.fixed),
      runningVersion: versions(facts.running),
      storedVersion: versions(facts.stored),
    }),
  ];
}

function reportersOf({ facts, isVf }: Device): DevlinkAttributes[] {
  if (isVf) return [];
  return facts.healthReporters.map((name) => ({
    healthReporter: { name, state: 0, errorCount: 0, recoverCount: 0 },
  }));
}

function parametersOf({ facts, address, isVf }: Device): DevlinkAttributes[] {
  if (isVf) return [];
  return facts.parameters.map((parameter) => ({
    parameter: parameterAttributesOf({
      ...handleOf(address),
      name: parameter.name,
      generic: parameter.generic === true,
      type: parameterTypeOf(parameter),
      values: { [parameter.mode]: String(parameter.value) },
    }),
  }));
}

function parameterTypeOf({ value, bits }: SimDevlinkParameter): 'flag' | 'string' | 'u8' | 'u16' | 'u32' {
  if (typeof value === 'boolean') return 'flag';
  return typeof value === 'string' ? 'string' : `u${bits ?? 32}`;
}
