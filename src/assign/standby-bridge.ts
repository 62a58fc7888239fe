// Owns the question whether the standby of a failover pair can be plugged in where it is asked for. Changes nothing.

import { VfleetError } from '../base/errors.ts';
import { isBridge, readIfIndex } from '../kernel/sysfs/net.ts';
import type { AttachRequest } from '../model/attachment.ts';
import type { AssigningHost } from './assigning-host.ts';
import { quoted } from './wording.ts';

/**
 * Throws `usage.invalid` for a bridge that the host does not have. A hypervisor stores such a definition all the same, and
 * then the VM cannot be started.
 */
export function checkStandby(host: AssigningHost, failover: AttachRequest['failover']): void {
  const refused = findStandbyRefusal(host, failover);
  if (refused !== undefined) throw refused;
}

/** What {@link checkStandby} throws; undefined when the standby can be plugged in, or there is to be none. */
export function findStandbyRefusal(
  { session }: AssigningHost,
  failover: AttachRequest['failover'],
): VfleetError | undefined {
  if (failover === undefined) return undefined;
  const { kind, bridge } = failover;
  const { files } = session;
  const name = quoted(bridge);
  if (readIfIndex(files, bridge) === undefined) {
    // A bridge of Open vSwitch has a port of its own name, by which the host itself is on it.
    const list = kind === 'bridge' ? 'ip link show type bridge' : 'ovs-vsctl list-br';
    return refusal(`there is no interface ${name} on this host to plug the standby into`, `see: ${list}`);
  }
  if (kind === 'bridge' && !isBridge(files, bridge))
    return refusal(
      `${name} is no Linux bridge`,
      'see: ip link show type bridge; of Open vSwitch it is ovs=NAME',
    );
  if (kind === 'openvswitch' && isBridge(files, bridge))
    return refusal(`${name} is a Linux bridge, not one of Open vSwitch`, `take bridge=${name}`);
  return undefined;
}

function refusal(message: string, hint: string): VfleetError {
  return new VfleetError('usage.invalid', message, { hint });
}
