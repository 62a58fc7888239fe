// Owns the hypervisor port on libvirt: puts the parts of this folder together.
// Speaks libvirt's own protocol over its Unix socket; starts no process.

import type { Hypervisor } from '../hypervisor.ts';
import { rememberDefinitions } from './definition.ts';
import { watchEvents } from './domain-events.ts';
import { listVms, readVm } from './domain-reader.ts';
import type { LibvirtOptions } from './libvirt-client.ts';
import { fullUri, LibvirtClient } from './libvirt-client.ts';
import { attachNic } from './nic-attach.ts';
import { detachNic, hasNic } from './nic-detach.ts';
import { pin } from './pinning.ts';

/**
 * Connects to libvirt on this host. Throws `hypervisor.unreachable` when nobody answers, `permission.missing` when libvirt
 * does not let this user in, and `hypervisor.refused` when it does not know the URI.
 */
export async function connectLibvirt(options: LibvirtOptions = {}): Promise<Hypervisor> {
  const client = new LibvirtClient(options);
  await client.connect();
  const read = rememberDefinitions();
  return {
    label: `libvirt (${client.uri})`,
    uri: fullUri(client.uri, options.socketPath),
    listVms: () => listVms(client, read),
    readVm: (nameOrUuid) => readVm(client, read, nameOrUuid),
    hasNic: (uuid, alias, scope) => hasNic(client, uuid, alias, scope),
    attachNic: (uuid, nic, scope) => attachNic(client, uuid, nic, scope),
    detachNic: (uuid, alias, scope, timeoutMs) => detachNic(client, uuid, alias, scope, timeoutMs),
    pin: (uuid, pinning, scope) => pin(client, uuid, pinning, scope),
    watch: (signal) => watchEvents(client, signal),
    close: () => client.close(),
  };
}
