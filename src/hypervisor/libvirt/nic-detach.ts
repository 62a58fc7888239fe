// Owns taking an interface from a VM by its alias, and waiting until the guest has let go of it.
// What becomes of the VF is not its business.

import type { ChangeScope } from '../hypervisor.ts';
import { VfleetError } from '../../base/errors.ts';
import { hasAlias } from './alias-look-up.ts';
import { findDomain, readLiveXml, readStoredXml } from './domain-reader.ts';
import { formatUuid } from './domain-state.ts';
import type { LibvirtClient } from './libvirt-client.ts';
import { changeTimeoutMs } from './libvirt-client.ts';
import { isRefusal } from './refusal.ts';
import type { DomainRef } from './remote-protocol.ts';
import { procedures, VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE } from './remote-protocol.ts';

/** An event says when it is gone; looking now and then covers an event that got lost. */
const pollMs = 500;
/** QEMU takes a second request only so long after the first (pending_deleted_expires_ms, hw/pci/pcie.c). */
const askAgainMs = 5500;

/** QEMU is at it already; or it is gone, which older libvirts have no error number for. */
const askedInVain = /already in the process of unplug|no device found with alias/i;

/** Stored definition first: when the guest does not let go, the interface is gone at the VM's next stop all the same. */
export async function detachNic(
  client: LibvirtClient,
  uuid: string,
  alias: string,
  scope: ChangeScope,
  timeoutMs: number,
): Promise<void> {
  const dom = await findDomain(client, uuid);
  if (scope.stored) await detachFromStored(client, dom, alias);
  if (scope.live) await detachFromLive(client, dom, alias, timeoutMs);
}

/** An interface that is not there, and a VM without a stored definition, are a success. */
export async function detachFromStored(client: LibvirtClient, dom: DomainRef, alias: string): Promise<void> {
  if (!(await hasStored(client, dom, alias))) return;
  try {
    await client.call(
      procedures.domainDetachDeviceAlias,
      { dom, alias, flags: VIR_DOMAIN_AFFECT_CONFIG },
      changeTimeoutMs,
    );
  } catch (thrown) {
    if (!isRefusal(thrown) || (await hasStored(client, dom, alias))) throw thrown;
  }
}

async function hasStored(client: LibvirtClient, dom: DomainRef, alias: string): Promise<boolean> {
  const { persistent } = await client.call(procedures.domainIsPersistent, { dom });
  return persistent === 1 && hasAlias(await readStoredXml(client, dom), alias);
}

/**
 * A VM that does not run, or stops meanwhile, is a success. libvirt is asked at least once, also when the interface is not
 * seen: it makes one change of a VM after the other, so an attach that a vfleet which died began is over by its answer.
 */
export async function detachFromLive(
  client: LibvirtClient,
  dom: DomainRef,
  alias: string,
  timeoutMs: number,
): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  const leftMs = (): number => Math.max(0, untilMs - performance.now());
  const changes = listenForChanges(client, dom);
  let askedMs: number | undefined;
  try {
    while (askedMs === undefined || (await hasLive(client, dom, alias))) {
      if (leftMs() === 0) throw notReleased(dom, alias, timeoutMs);
      if (askedMs === undefined || performance.now() - askedMs > askAgainMs) {
        const refusal = await askGuest(client, dom, alias, leftMs());
        askedMs = performance.now();
        if (refusal === undefined) continue;
        // Another change of the VM has not come to its end: nobody knows what it leaves.
        if (refusal.details.errno === 'VIR_ERR_OPERATION_TIMEOUT') throw refusal;
        // A VM that ends while it is asked is refused in many words; whether it ended shows in a moment.
        await changes.next(pollMs);
        if (await hasLive(client, dom, alias)) throw refusal;
        return;
      }
      await changes.next(Math.min(pollMs, leftMs()));
    }
  } finally {
    changes.stop();
  }
}

/** Whether a domain has an interface of a name, wherever the scope says. Throws `vm.unknown`. */
export async function hasNic(
  client: LibvirtClient,
  uuid: string,
  alias: string,
  scope: ChangeScope,
): Promise<boolean> {
  const dom = await findDomain(client, uuid);
  const [live, stored] = await Promise.all([
    !scope.live || hasLive(client, dom, alias),
    !scope.stored || hasStored(client, dom, alias),
  ]);
  return live && stored;
}

async function hasLive(client: LibvirtClient, dom: DomainRef, alias: string): Promise<boolean> {
  try {
    const xml = await readLiveXml(client, dom);
    return hasAlias(xml, alias, true);
  } catch (thrown) {
    if (thrown instanceof VfleetError && thrown.code === 'vm.unknown') return false;
    throw thrown;
  }
}

/**
 * The call answers when the guest has let go, or after 5 s (qemuDomainWaitForDeviceRemoval); either way we look. Answers a
 * refusal that asking again would not mend.
 */
async function askGuest(
  client: LibvirtClient,
  dom: DomainRef,
  alias: string,
  leftMs: number,
): Promise<VfleetError | undefined> {
  try {
    await client.call(
      procedures.domainDetachDeviceAlias,
      { dom, alias, flags: VIR_DOMAIN_AFFECT_LIVE },
      leftMs,
    );
  } catch (thrown) {
    if (!(thrown instanceof VfleetError)) throw thrown;
    // No answer in time is for the caller to judge, by what the VM has then.
    if (thrown.code === 'hypervisor.timeout' || askedInVain.test(thrown.message)) return undefined;
    if (isRefusal(thrown)) return thrown;
    throw thrown;
  }
  return undefined;
}

function notReleased(dom: DomainRef, alias: string, timeoutMs: number): VfleetError {
  return new VfleetError(
    'hypervisor.timeout',
    `the guest of ${JSON.stringify(dom.name)} has not let go of ${alias} within ${timeoutMs} ms`,
    {
      hint: 'A guest that boots, is paused or has no PCI hotplug driver does not answer; it can be asked again.',
      details: { pending: true },
    },
  );
}

interface Changes {
  /** Waits until something happened to the domain, at most so long. */
  next(maxMs: number): Promise<void>;
  stop(): void;
}

function listenForChanges(client: LibvirtClient, dom: DomainRef): Changes {
  let happened = false;
  let wake: () => void = () => {};
  const uuid = formatUuid(dom.uuid);
  const stop = client.listen((event) => {
    if (event.kind !== 'reconnected' && formatUuid(event.dom.uuid) !== uuid) return;
    happened = true;
    wake();
  });
  return {
    stop,
    async next(maxMs) {
      if (!happened) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, maxMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      happened = false;
    },
  };
}
