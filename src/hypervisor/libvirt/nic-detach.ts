// Owns taking an interface from a VM by its alias, and waiting until the guest has let go of it.
// What becomes of the VF is not its business.

import type { ChangeScope } from '../hypervisor.ts';
import { VfleetError } from '../../base/errors.ts';
import { hasAlias, isRunning } from './alias-look-up.ts';
import { findDomain, readLiveXml, readStoredXml } from './domain-reader.ts';
import { formatUuid } from './domain-state.ts';
import type { LibvirtClient } from './libvirt-client.ts';
import { isRefusal } from './refusal.ts';
import type { DomainRef } from './remote-protocol.ts';
import { procedures, VIR_DOMAIN_AFFECT_CONFIG, VIR_DOMAIN_AFFECT_LIVE } from './remote-protocol.ts';

/** An event says when it is gone; looking now and then covers an event that got lost. */
const pollMs = 500;
/** QEMU takes a second request only so long after the first (pending_deleted_expires_ms, hw/pci/pcie.c). */
const askAgainMs = 5500;

/** QEMU is at it already; or it is not there, which libvirt has no error number for. */
const askedInVain = /already in the process of unplug|no device found with alias/i;

/**
 * Whether libvirt looked for the interface and refused then. It says so in the language of its own process, so that the
 * words may be others; but what it refuses before it has the VM for itself has other numbers (virDomainObjBeginJob).
 */
function hasLooked(failure: VfleetError): boolean {
  return isRefusal(failure, 'VIR_ERR_INTERNAL_ERROR');
}

/**
 * Stored definition first: when the guest does not let go, the interface is gone at the VM's next stop all the same. A VM
 * that is no more, and a stored definition that is not there, are a success.
 */
export async function detachNic(
  client: LibvirtClient,
  uuid: string,
  alias: string,
  scope: ChangeScope,
  timeoutMs: number,
): Promise<void> {
  try {
    const dom = await findDomain(client, uuid);
    if (scope.stored) await detachFromStored(client, dom, alias);
    if (scope.live) await detachFromLive(client, dom, alias, timeoutMs);
  } catch (thrown) {
    if (!(thrown instanceof VfleetError) || thrown.code !== 'vm.unknown') throw thrown;
  }
}

/** libvirt is asked also when the definition does not name the interface; see {@link detachFromLive}. */
export async function detachFromStored(client: LibvirtClient, dom: DomainRef, alias: string): Promise<void> {
  if (!(await isPersistent(client, dom))) return;
  const failure = await ask(client, dom, alias, VIR_DOMAIN_AFFECT_CONFIG);
  // The definition may have ended meanwhile.
  if (failure === undefined || !(await isPersistent(client, dom))) return;
  if (!hasLooked(failure) || (await hasStored(client, dom, alias))) throw failure;
}

async function isPersistent(client: LibvirtClient, dom: DomainRef): Promise<boolean> {
  return (await client.call(procedures.domainIsPersistent, { dom })).persistent === 1;
}

/**
 * A VM that does not run, or stops meanwhile, is a success. An interface that is not seen is one only when libvirt has
 * answered, or when it was seen before: libvirt makes one change of a VM after the other, so an attach that a vfleet
 * which died began, and that shows nothing yet, is over by the answer to a later request, and by nothing else.
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
  let isAttachOver = false;
  let failure: VfleetError | undefined;
  let askedMs = -Infinity;
  const isGone = async (): Promise<boolean> => {
    const seen = await lookFor(client, dom, alias);
    isAttachOver ||= seen === 'there';
    return seen === 'ended' || (seen === 'absent' && isAttachOver);
  };
  try {
    await isGone();
    do {
      if (performance.now() - askedMs > askAgainMs) {
        failure = await ask(client, dom, alias, VIR_DOMAIN_AFFECT_LIVE);
        askedMs = performance.now();
        isAttachOver ||= failure === undefined || hasLooked(failure);
        if (isRefusal(failure)) {
          // A VM that ends while it is asked is refused in many words; whether it ended shows in a moment.
          await changes.next(pollMs);
          if (await isGone()) return;
          throw failure;
        }
      } else await changes.next(Math.min(pollMs, leftMs()));
      if (await isGone()) return;
    } while (leftMs() > 0);
    throw failure ?? notReleased(dom, alias, timeoutMs);
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
    !scope.live || lookFor(client, dom, alias).then((seen) => seen === 'there'),
    !scope.stored || hasStored(client, dom, alias),
  ]);
  return live && stored;
}

async function hasStored(client: LibvirtClient, dom: DomainRef, alias: string): Promise<boolean> {
  return (await isPersistent(client, dom)) && hasAlias(await readStoredXml(client, dom), alias);
}

/** Whether the running VM shows an interface; `ended` when it does not run. */
async function lookFor(
  client: LibvirtClient,
  dom: DomainRef,
  alias: string,
): Promise<'there' | 'absent' | 'ended'> {
  try {
    const xml = await readLiveXml(client, dom);
    if (!isRunning(xml)) return 'ended';
    return hasAlias(xml, alias) ? 'there' : 'absent';
  } catch (thrown) {
    if (thrown instanceof VfleetError && thrown.code === 'vm.unknown') return 'ended';
    throw thrown;
  }
}

/**
 * Undefined when libvirt has done it, is at it, or says that there is no such interface. Otherwise its refusal, or
 * `hypervisor.timeout` when it has not answered. Of a running VM the answer comes when the guest has let go, or after 5 s
 * (qemuDomainWaitForDeviceRemoval), and 30 s later while another change holds the VM (QEMU_JOB_WAIT_TIME): the bound of a
 * call is longer than both.
 */
async function ask(
  client: LibvirtClient,
  dom: DomainRef,
  alias: string,
  flags: number,
): Promise<VfleetError | undefined> {
  try {
    await client.call(procedures.domainDetachDeviceAlias, { dom, alias, flags });
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof VfleetError)) throw thrown;
    if (thrown.code === 'hypervisor.timeout') return thrown;
    if (!isRefusal(thrown)) throw thrown;
    return askedInVain.test(thrown.message) ? undefined : thrown;
  }
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
