// Owns the numbers and attribute tables of the devlink family.
// Source of every number: include/uapi/linux/devlink.h (enum devlink_command, devlink_attr); of the layouts:
// Documentation/netlink/specs/devlink.yaml and net/devlink/*.c. No requests are made here.

import { binary, flag, nested, text, u16, u32, u64, u8 } from '../netlink/attributes.ts';
import type { AttributeTable } from '../netlink/attributes.ts';

export const DEVLINK_GENL_NAME = 'devlink';

export const DEVLINK_CMD_GET = 1;
export const DEVLINK_CMD_NEW = 3;
export const DEVLINK_CMD_PORT_GET = 5;
export const DEVLINK_CMD_PORT_NEW = 7;
export const DEVLINK_CMD_ESWITCH_GET = 29;
export const DEVLINK_CMD_ESWITCH_SET = 30;
export const DEVLINK_CMD_PARAM_GET = 38;
export const DEVLINK_CMD_INFO_GET = 51;
export const DEVLINK_CMD_HEALTH_REPORTER_GET = 52;

/** DEVLINK_ATTR_ESWITCH_MODE by value. */
export const eswitchModes = ['legacy', 'switchdev'] as const;

/** DEVLINK_ATTR_PORT_FLAVOUR by value, in the words of devlink(8). */
export const portFlavours = [
  'physical',
  'cpu',
  'dsa',
  'pcipf',
  'pcivf',
  'virtual',
  'unused',
  'pcisf',
] as const;

/** DEVLINK_ATTR_HEALTH_REPORTER_STATE by value. */
export const reporterStates = ['healthy', 'error'] as const;

/** DEVLINK_ATTR_PARAM_VALUE_CMODE by value. */
export const configurationModes = ['runtime', 'driverinit', 'permanent'] as const;

// devlink opened its nests without NLA_F_NESTED from the start and stays with it (nla_nest_start_noflag).
const unflagged = { flagged: false };

/** A version: name of the component and its version, in DEVLINK_ATTR_INFO_VERSION_*. */
export const versionTable = {
  name: { type: 103, codec: text },
  value: { type: 104, codec: text },
} as const satisfies AttributeTable;

/** The bytes of `data` mean what DEVLINK_ATTR_PARAM_TYPE says; a flag that is off has no `data`. */
export const parameterValueTable = {
  data: { type: 86, codec: binary },
  mode: { type: 87, codec: u8 },
} as const satisfies AttributeTable;

const parameterValuesTable = {
  value: { type: 85, codec: nested(parameterValueTable, unflagged), repeated: true },
} as const satisfies AttributeTable;

export const parameterTable = {
  name: { type: 81, codec: text },
  generic: { type: 82, codec: flag },
  type: { type: 83, codec: u8 },
  values: { type: 84, codec: nested(parameterValuesTable, unflagged) },
} as const satisfies AttributeTable;

export const reporterTable = {
  name: { type: 115, codec: text },
  state: { type: 116, codec: u8 },
  errorCount: { type: 117, codec: u64 },
  recoverCount: { type: 118, codec: u64 },
} as const satisfies AttributeTable;

/** Every message of devlink has its attributes in this one space. */
export const devlinkTable = {
  bus: { type: 1, codec: text },
  device: { type: 2, codec: text },
  portIndex: { type: 3, codec: u32 },
  portNetdevIfIndex: { type: 6, codec: u32 },
  portNetdevName: { type: 7, codec: text },
  eswitchMode: { type: 25, codec: u16 },
  portFlavour: { type: 77, codec: u16 },
  portNumber: { type: 78, codec: u32 },
  parameter: { type: 80, codec: nested(parameterTable, unflagged) },
  driver: { type: 98, codec: text },
  serialNumber: { type: 99, codec: text },
  fixedVersion: { type: 100, codec: nested(versionTable, unflagged), repeated: true },
  runningVersion: { type: 101, codec: nested(versionTable, unflagged), repeated: true },
  storedVersion: { type: 102, codec: nested(versionTable, unflagged), repeated: true },
  healthReporter: { type: 114, codec: nested(reporterTable, unflagged) },
  pfNumber: { type: 127, codec: u16 },
  vfNumber: { type: 128, codec: u16 },
  boardSerialNumber: { type: 146, codec: text },
  portExternal: { type: 149, codec: u8 },
  portControllerNumber: { type: 150, codec: u32 },
} as const satisfies AttributeTable;
