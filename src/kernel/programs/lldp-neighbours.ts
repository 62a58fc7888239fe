// Owns what lldpd knows of the other ends of the cables: the question to lldpcli, and its answer as JSON.
// The answer is full of what a stranger on the wire announced: nothing in it is believed to have any form.

import { messageOf, VfleetError } from '../../base/errors.ts';
import { isErrno } from '../kernel.ts';
import type { Errno, Kernel } from '../kernel.ts';

/** A neighbour on a port (IEEE 802.1AB). Fields that it does not announce are undefined. */
export interface LldpNeighbourFacts {
  /** Says of itself that it forwards: its Bridge or Router capability is enabled. */
  readonly forwards: boolean;
  /** Port ID, when it is a MAC address, in lower case. */
  readonly portMac: string | undefined;
  /** System name, or where there is none the chassis ID. */
  readonly chassis: string | undefined;
  /** Port ID, or where there is none the port's description. */
  readonly port: string | undefined;
  /** Largest frame that the port takes, with header and checksum (IEEE 802.3 maximum frame size TLV). */
  readonly maxFrameBytes: number | undefined;
  /** VLANs that the port names (IEEE 802.1 port VLAN and VLAN name TLVs), in rising order. */
  readonly vlans: readonly number[];
}

/** `json0` is the one format of lldpcli(8) whose shape does not depend on how many neighbours there are. */
const question = ['-f', 'json0', 'show', 'neighbors', 'details'];
/** Long texts of strangers are cut. */
const maxTextLength = 255;
const maxVlan = 4094;
/** lldpcli's names of the capabilities of IEEE 802.1AB that let frames through to others. */
const forwardingCapabilities: ReadonlySet<unknown> = new Set(['Bridge', 'Router']);
/** A frame size is announced in 16 bits. */
const maxFrame = 0xffff;

/**
 * Neighbours by interface, in lldpd's order; several share a wire through a hub, or a card's own switch. Answers the
 * errno when lldpcli is not installed (ENOENT),
 * or has no lldpd to ask (EIO). Throws `kernel.timeout`, `kernel.malformed` when the answer is no JSON.
 */
export async function readLldpNeighbours(
  kernel: Kernel,
  timeoutMs: number,
): Promise<ReadonlyMap<string, readonly LldpNeighbourFacts[]> | Errno> {
  const output = await kernel.runTool('lldpcli', question, timeoutMs);
  return isErrno(output) ? output : parseLldpNeighbours(Buffer.from(output).toString('utf8'));
}

/** Neighbours in lldpcli's `json0` by interface. Throws `kernel.malformed` when it is no JSON; odd parts are passed over. */
export function parseLldpNeighbours(json: string): ReadonlyMap<string, readonly LldpNeighbourFacts[]> {
  let answer: unknown;
  try {
    answer = JSON.parse(json);
  } catch (cause) {
    throw new VfleetError('kernel.malformed', `lldpcli did not answer in JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
  const neighbours = new Map<string, LldpNeighbourFacts[]>();
  for (const lldp of membersOf(answer, 'lldp')) {
    for (const entry of membersOf(lldp, 'interface')) {
      const name = textOf(valueOf(entry, 'name'));
      if (name === undefined) continue;
      const known = neighbours.get(name);
      if (known === undefined) neighbours.set(name, [neighbourOf(entry)]);
      else known.push(neighbourOf(entry));
    }
  }
  return neighbours;
}

function neighbourOf(entry: unknown): LldpNeighbourFacts {
  const [chassis] = membersOf(entry, 'chassis');
  const [port] = membersOf(entry, 'port');
  const vlans = membersOf(entry, 'vlan')
    .map((vlan) => numberOf(valueOf(vlan, 'vlan-id'), maxVlan))
    .filter((vlan) => vlan !== undefined && vlan > 0);
  const [portId] = membersOf(port, 'id');
  const portMac = textOf(valueOf(portId, 'type')) === 'mac' ? textOf(valueOf(portId, 'value')) : undefined;
  return {
    forwards: membersOf(chassis, 'capability').some(
      (capability) =>
        forwardingCapabilities.has(valueOf(capability, 'type')) && valueOf(capability, 'enabled') === true,
    ),
    portMac: portMac?.toLowerCase(),
    chassis: firstText(chassis, ['name', 'id']),
    port: firstText(port, ['id', 'descr']),
    maxFrameBytes: numberOf(valueOf(membersOf(port, 'mfs')[0], 'value'), maxFrame),
    vlans: [...new Set(vlans)].sort((a, b) => (a ?? 0) - (b ?? 0)) as number[],
  };
}

/** Text of the first of some elements that has one: `"name": [{ "value": "leaf-1" }]`. */
function firstText(parent: unknown, names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = textOf(valueOf(membersOf(parent, name)[0], 'value'));
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Members of an array in an object; a single object counts as an array of one, as `json` without 0 writes it. */
function membersOf(parent: unknown, name: string): readonly unknown[] {
  const value = valueOf(parent, name);
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function valueOf(parent: unknown, name: string): unknown {
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, name)) return undefined;
  return (parent as Record<string, unknown>)[name];
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, maxTextLength);
  return text === '' ? undefined : text;
}

/** lldpcli writes numbers as text. */
function numberOf(value: unknown, most: number): number | undefined {
  const number = typeof value === 'string' && /^[0-9]{1,6}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number > 0 && number <= most
    ? number
    : undefined;
}
