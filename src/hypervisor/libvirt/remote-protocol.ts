// Owns libvirt's wire protocol as tables: numbers, limits, structures, procedures, events.
// Sources: src/rpc/virnetprotocol.x, src/rpc/virkeepaliveprotocol.x, src/remote/remote_protocol.x and
// include/libvirt/libvirt-domain.h of libvirt 9.0 and 11.3, which agree in everything here. Sends nothing.

import type { Codec } from './xdr.ts';
import {
  xdrArray,
  xdrDouble,
  xdrFixedOpaque,
  xdrHyper,
  xdrInt,
  xdrOpaque,
  xdrOptional,
  xdrString,
  xdrStruct,
  xdrUint,
  xdrUnion,
  xdrUnsignedHyper,
  xdrVoid,
} from './xdr.ts';

export const REMOTE_PROGRAM = 0x20008086;
export const REMOTE_PROTOCOL_VERSION = 1;

export const KEEPALIVE_PROGRAM = 0x6b656570;
export const KEEPALIVE_PROTOCOL_VERSION = 1;
export const KEEPALIVE_PROC_PING = 1;
export const KEEPALIVE_PROC_PONG = 2;

/** Largest message without its length field. */
export const VIR_NET_MESSAGE_MAX = 33_554_432;
const VIR_NET_MESSAGE_STRING_MAX = 4_194_304;
const REMOTE_STRING_MAX = 4_194_304;
const REMOTE_DOMAIN_LIST_MAX = 16_384;
const REMOTE_CPUMAP_MAX = 2048;
const REMOTE_CPUMAPS_MAX = 8_388_608;
const REMOTE_DOMAIN_NUMA_PARAMETERS_MAX = 16;
const REMOTE_AUTH_TYPE_LIST_MAX = 20;
const REMOTE_IOTHREAD_INFO_MAX = 16_384;
const REMOTE_CONNECT_GET_ALL_DOMAIN_STATS_MAX = 262_144;
const VIR_UUID_BUFLEN = 16;

/** virNetMessageType; calls, replies and events with file descriptors are not used on a domain's procedures. */
export const MessageType = { call: 0, reply: 1, message: 2 } as const;
/** virNetMessageStatus. */
export const MessageStatus = { ok: 0, error: 1 } as const;

/** remote_auth_type. */
export const AuthType = { none: 0, sasl: 1, polkit: 2 } as const;

/** virDomainModificationImpact: what of a domain a call is meant for. */
export const VIR_DOMAIN_AFFECT_LIVE = 1;
export const VIR_DOMAIN_AFFECT_CONFIG = 2;
/** virDomainXMLFlags. */
export const VIR_DOMAIN_XML_SECURE = 1;
export const VIR_DOMAIN_XML_INACTIVE = 2;
/** virConnectListAllDomainsFlags. */
export const VIR_CONNECT_LIST_DOMAINS_PERSISTENT = 4;
/** virDomainStatsTypes. */
export const VIR_DOMAIN_STATS_STATE = 1;
/** virDomainEventID. */
export const VIR_DOMAIN_EVENT_ID_LIFECYCLE = 0;
export const VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED = 15;

/** virNetMessageHeader, after the length field. */
export const messageHeader = xdrStruct({
  program: xdrUint,
  version: xdrUint,
  procedure: xdrInt,
  type: xdrInt,
  serial: xdrUint,
  status: xdrInt,
});

const nonnullString = xdrString(REMOTE_STRING_MAX);
const uuid = xdrFixedOpaque(VIR_UUID_BUFLEN);
/** remote_nonnull_domain; an `id` of -1 is a domain that does not run. */
const domain = xdrStruct({ name: nonnullString, uuid, id: xdrInt });
/** A domain as libvirt names it. */
export interface DomainRef {
  readonly name: string;
  readonly uuid: Buffer;
  readonly id: number;
}
const domains = xdrArray(domain, REMOTE_DOMAIN_LIST_MAX);

const errorString = xdrOptional(xdrString(VIR_NET_MESSAGE_STRING_MAX));
/** virNetMessageError (remote_error). */
export const remoteError = xdrStruct({
  code: xdrInt,
  domain: xdrInt,
  message: errorString,
  level: xdrInt,
  dom: xdrOptional(domain),
  str1: errorString,
  str2: errorString,
  str3: errorString,
  int1: xdrInt,
  int2: xdrInt,
  net: xdrOptional(xdrStruct({ name: nonnullString, uuid })),
});

/** virTypedParameterType. */
export const TypedParam = { int: 1, uint: 2, llong: 3, ullong: 4, double: 5, boolean: 6, string: 7 } as const;
/** remote_typed_param. */
export const typedParam = xdrStruct({
  field: nonnullString,
  value: xdrUnion(
    new Map<number, Codec<unknown>>([
      [TypedParam.int, xdrInt],
      [TypedParam.uint, xdrUint],
      [TypedParam.llong, xdrHyper],
      [TypedParam.ullong, xdrUnsignedHyper],
      [TypedParam.double, xdrDouble],
      [TypedParam.boolean, xdrInt],
      [TypedParam.string, nonnullString],
    ]),
  ),
});

const cpuMap = xdrOpaque(REMOTE_CPUMAP_MAX);
const dom = { dom: domain } as const;
const domFlags = xdrStruct({ ...dom, flags: xdrUint });
const domXmlFlags = xdrStruct({ ...dom, xml: nonnullString, flags: xdrUint });
const onlyDom = xdrStruct(dom);

/** One procedure: its number (remote_procedure), what it is given and what it answers. */
export interface Procedure<A, R> {
  readonly name: string;
  readonly number: number;
  readonly args: Codec<A>;
  readonly ret: Codec<R>;
}

function row<A, R>(name: string, number: number, args: Codec<A>, ret: Codec<R>): Procedure<A, R> {
  return { name, number, args, ret };
}

/** The procedures that vfleet calls. */
export const procedures = {
  connectOpen: row(
    'CONNECT_OPEN',
    1,
    xdrStruct({ name: xdrOptional(nonnullString), flags: xdrUint }),
    xdrVoid,
  ),
  connectClose: row('CONNECT_CLOSE', 2, xdrVoid, xdrVoid),
  domainDestroy: row('DOMAIN_DESTROY', 12, onlyDom, xdrVoid),
  domainGetXmlDesc: row('DOMAIN_GET_XML_DESC', 14, domFlags, xdrStruct({ xml: nonnullString })),
  domainLookupByName: row('DOMAIN_LOOKUP_BY_NAME', 23, xdrStruct({ name: nonnullString }), onlyDom),
  domainLookupByUuid: row('DOMAIN_LOOKUP_BY_UUID', 24, xdrStruct({ uuid }), onlyDom),
  domainResume: row('DOMAIN_RESUME', 28, onlyDom, xdrVoid),
  domainSuspend: row('DOMAIN_SUSPEND', 34, onlyDom, xdrVoid),
  authList: row('AUTH_LIST', 66, xdrVoid, xdrStruct({ types: xdrArray(xdrInt, REMOTE_AUTH_TYPE_LIST_MAX) })),
  authPolkit: row('AUTH_POLKIT', 70, xdrVoid, xdrStruct({ complete: xdrInt })),
  domainIsPersistent: row('DOMAIN_IS_PERSISTENT', 151, onlyDom, xdrStruct({ persistent: xdrInt })),
  connectGetLibVersion: row(
    'CONNECT_GET_LIB_VERSION',
    157,
    xdrVoid,
    xdrStruct({ version: xdrUnsignedHyper }),
  ),
  domainAttachDeviceFlags: row('DOMAIN_ATTACH_DEVICE_FLAGS', 160, domXmlFlags, xdrVoid),
  domainDetachDeviceFlags: row('DOMAIN_DETACH_DEVICE_FLAGS', 161, domXmlFlags, xdrVoid),
  domainCreateWithFlags: row('DOMAIN_CREATE_WITH_FLAGS', 196, domFlags, onlyDom),
  domainGetState: row('DOMAIN_GET_STATE', 212, domFlags, xdrStruct({ state: xdrInt, reason: xdrInt })),
  domainPinVcpuFlags: row(
    'DOMAIN_PIN_VCPU_FLAGS',
    225,
    xdrStruct({ ...dom, vcpu: xdrUint, cpuMap, flags: xdrUint }),
    xdrVoid,
  ),
  domainGetVcpuPinInfo: row(
    'DOMAIN_GET_VCPU_PIN_INFO',
    230,
    xdrStruct({ ...dom, vcpuCount: xdrInt, mapBytes: xdrInt, flags: xdrUint }),
    xdrStruct({ cpuMaps: xdrOpaque(REMOTE_CPUMAPS_MAX), vcpuCount: xdrInt }),
  ),
  domainUndefineFlags: row('DOMAIN_UNDEFINE_FLAGS', 231, domFlags, xdrVoid),
  domainSetNumaParameters: row(
    'DOMAIN_SET_NUMA_PARAMETERS',
    254,
    xdrStruct({ ...dom, params: xdrArray(typedParam, REMOTE_DOMAIN_NUMA_PARAMETERS_MAX), flags: xdrUint }),
    xdrVoid,
  ),
  connectListAllDomains: row(
    'CONNECT_LIST_ALL_DOMAINS',
    273,
    xdrStruct({ needResults: xdrInt, flags: xdrUint }),
    xdrStruct({ domains, count: xdrUint }),
  ),
  domainPinEmulator: row('DOMAIN_PIN_EMULATOR', 279, xdrStruct({ ...dom, cpuMap, flags: xdrUint }), xdrVoid),
  domainGetEmulatorPinInfo: row(
    'DOMAIN_GET_EMULATOR_PIN_INFO',
    280,
    xdrStruct({ ...dom, mapBytes: xdrInt, flags: xdrUint }),
    xdrStruct({ cpuMaps: xdrOpaque(REMOTE_CPUMAPS_MAX), count: xdrInt }),
  ),
  eventCallbackRegisterAny: row(
    'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY',
    316,
    xdrStruct({ eventId: xdrInt, dom: xdrOptional(domain) }),
    xdrStruct({ callbackId: xdrInt }),
  ),
  connectGetAllDomainStats: row(
    'CONNECT_GET_ALL_DOMAIN_STATS',
    344,
    xdrStruct({ doms: domains, stats: xdrUint, flags: xdrUint }),
    xdrStruct({
      records: xdrArray(
        xdrStruct({ ...dom, params: xdrArray(typedParam, REMOTE_CONNECT_GET_ALL_DOMAIN_STATS_MAX) }),
        REMOTE_DOMAIN_LIST_MAX,
      ),
    }),
  ),
  domainDefineXmlFlags: row(
    'DOMAIN_DEFINE_XML_FLAGS',
    350,
    xdrStruct({ xml: nonnullString, flags: xdrUint }),
    onlyDom,
  ),
  domainGetIoThreadInfo: row(
    'DOMAIN_GET_IOTHREAD_INFO',
    351,
    domFlags,
    xdrStruct({
      ioThreads: xdrArray(xdrStruct({ id: xdrUint, cpuMap }), REMOTE_IOTHREAD_INFO_MAX),
      count: xdrUint,
    }),
  ),
  domainPinIoThread: row(
    'DOMAIN_PIN_IOTHREAD',
    352,
    xdrStruct({ ...dom, id: xdrUint, cpuMap, flags: xdrUint }),
    xdrVoid,
  ),
  domainDetachDeviceAlias: row(
    'DOMAIN_DETACH_DEVICE_ALIAS',
    392,
    xdrStruct({ ...dom, alias: nonnullString, flags: xdrUint }),
    xdrVoid,
  ),
} as const;

/** DOMAIN_EVENT_CALLBACK_LIFECYCLE. */
export const lifecycleMessage = {
  number: 318,
  codec: xdrStruct({ callbackId: xdrInt, ...dom, event: xdrInt, detail: xdrInt }),
} as const;

/** DOMAIN_EVENT_CALLBACK_DEVICE_REMOVED. */
export const deviceRemovedMessage = {
  number: 333,
  codec: xdrStruct({ callbackId: xdrInt, ...dom, alias: nonnullString }),
} as const;
