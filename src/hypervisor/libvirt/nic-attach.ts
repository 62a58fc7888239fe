// Owns giving a VM an interface, in the running VM, its stored definition or both: all of it or nothing.
// Knows nothing of leases; what the VF is set to is not its business.

import { messageOf, VfleetError } from '../../base/errors.ts';
import type { ChangeScope, NewNic } from '../hypervisor.ts';
import { hasAlias } from './alias-look-up.ts';
import { parseDefinition } from './definition.ts';
import { findDomain, readLiveXml, readStoredXml } from './domain-reader.ts';
import type { GuestAddressChoice } from './guest-address.ts';
import { chooseGuestAddress } from './guest-address.ts';
import type { LibvirtClient } from './libvirt-client.ts';
import { changeTimeoutMs } from './libvirt-client.ts';
import { detachFromStored, detachFromLive } from './nic-detach.ts';
import { readNics, renderStandbyNicXml, renderVfNicXml } from './nic-xml.ts';
import { isRefusal } from './refusal.ts';
import type { DomainRef } from './remote-protocol.ts';
import { procedures, VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE } from './remote-protocol.ts';

/** Others may take the address that was chosen; each time another one is chosen. */
const maxChoices = 8;
const undoTimeoutMs = 20_000;

export async function attachNic(
  client: LibvirtClient,
  uuid: string,
  nic: NewNic,
  scope: ChangeScope,
): Promise<void> {
  const dom = await findDomain(client, uuid);
  if (scope.live && scope.stored) return attachToBoth(client, dom, nic);
  return attach(client, dom, renderNic(nic), flagsOf(scope));
}

export function flagsOf(scope: ChangeScope): number {
  if (!scope.live && !scope.stored) {
    throw new VfleetError('internal.bug', 'a change of a VM is meant for neither scope');
  }
  return (scope.live ? VIR_DOMAIN_AFFECT_LIVE : 0) | (scope.stored ? VIR_DOMAIN_AFFECT_CONFIG : 0);
}

function renderNic(nic: NewNic, guestAddress?: string): string {
  return 'vf' in nic ? renderVfNicXml(nic.vf, guestAddress) : renderStandbyNicXml(nic.standby, guestAddress);
}

function aliasOf(nic: NewNic): string {
  return 'vf' in nic ? nic.vf.alias : nic.standby.alias;
}

async function attach(client: LibvirtClient, dom: DomainRef, xml: string, flags: number): Promise<void> {
  await client.call(procedures.domainAttachDeviceFlags, { dom, xml, flags }, changeTimeoutMs);
}

/**
 * One call for both: libvirt prepares the definition, plugs the device, and only then stores it. The guest address is
 * chosen here, because libvirt chooses for each of the two by itself.
 */
async function attachToBoth(client: LibvirtClient, dom: DomainRef, nic: NewNic): Promise<void> {
  const flags = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
  let guest = await chooseCommonAddress(client, dom);
  for (let choice = 1; ; choice += 1) {
    if (guest.address === undefined && guest.none === 'common') throw noCommonAddress(dom);
    try {
      // Where nothing is free, libvirt says so best.
      await attach(client, dom, renderNic(nic, guest.address), flags);
      if (guest.address === undefined) await alignStored(client, dom, nic);
      return;
    } catch (thrown) {
      if (guest.address === undefined || choice === maxChoices || !isRefusal(thrown)) throw thrown;
      // That the address is taken, libvirt says with a general number, in words of its daemon's language.
      const next = await chooseCommonAddress(client, dom);
      // Our own device has it where only the definition could not be stored.
      const isOurs = hasAlias(await readLiveXml(client, dom), aliasOf(nic));
      if (isOurs || next.address === guest.address) throw thrown;
      guest = next;
    }
  }
}

function noCommonAddress(dom: DomainRef): VfleetError {
  return new VfleetError(
    'hypervisor.refused',
    `no PCI slot is free both in the running VM ${JSON.stringify(dom.name)} and in its stored definition`,
    {
      hint: 'Stop the VM and start it again, so that both are the same, or plug the VF only into one of them.',
    },
  );
}

async function chooseCommonAddress(client: LibvirtClient, dom: DomainRef): Promise<GuestAddressChoice> {
  const [live, stored] = await Promise.all([readLiveXml(client, dom), readStoredXml(client, dom)]);
  return chooseGuestAddress(
    parseDefinition(live, 'the running VM'),
    parseDefinition(stored, 'the stored definition'),
  );
}

/** For machines where vfleet cannot choose: the stored definition gets the address that the running VM has. */
async function alignStored(client: LibvirtClient, dom: DomainRef, nic: NewNic): Promise<void> {
  const alias = aliasOf(nic);
  const [live, stored] = await Promise.all([readLiveXml(client, dom), readStoredXml(client, dom)]);
  const wanted = guestAddressIn(live, alias);
  if (wanted === undefined || wanted === guestAddressIn(stored, alias)) return;
  try {
    await detachFromStored(client, dom, alias);
    await attach(client, dom, renderNic(nic, wanted), VIR_DOMAIN_AFFECT_CONFIG);
  } catch (thrown) {
    await detachFromLive(client, dom, alias, undoTimeoutMs);
    throw new VfleetError(
      'hypervisor.refused',
      `the guest address ${wanted} is not free in the stored definition: ${messageOf(thrown)}`,
      {
        hint: 'Shut the VM down and start it again, so that both are the same, and try again.',
        cause: thrown,
      },
    );
  }
}

function guestAddressIn(xml: string, alias: string): string | undefined {
  return readNics(parseDefinition(xml, 'a definition')).find((nic) => nic.alias === alias)?.guestAddress;
}
