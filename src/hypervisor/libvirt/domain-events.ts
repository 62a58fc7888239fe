// Owns what libvirt's events mean to vfleet, and handing them to those who watch, one after another.
// Waits for nothing but its reader.

import { formatUuid } from './domain-state.ts';
import type { VmEvent } from '../hypervisor.ts';
import type { DomainEvent, LibvirtClient } from './libvirt-client.ts';

/** virDomainEventType; shutdown (6) says only that the guest is done: the VM still has its devices. */
const lifecycles = ['defined', 'undefined', 'started', 'suspended', 'resumed', 'stopped'] as const;
const VIR_DOMAIN_EVENT_STOPPED = 5;
const VIR_DOMAIN_EVENT_PMSUSPENDED = 7;
const VIR_DOMAIN_EVENT_CRASHED = 8;
/** virDomainEventStoppedDetailType: crashed, and failed, which is said when QEMU's process ends unasked. */
const crashes: readonly number[] = [2, 5];

/** Undefined for what changes nothing for vfleet. */
export function vmEventOf(event: DomainEvent): VmEvent | undefined {
  if (event.kind === 'reconnected') return event;
  const { name } = event.dom;
  const uuid = formatUuid(event.dom.uuid);
  if (event.kind === 'device-removed') return { kind: event.kind, uuid, name, alias: event.alias };
  const what = lifecycleOf(event.event, event.detail);
  return what === undefined ? undefined : { kind: 'lifecycle', uuid, name, what };
}

function lifecycleOf(event: number, detail: number): Extract<VmEvent, { what: unknown }>['what'] | undefined {
  if (event === VIR_DOMAIN_EVENT_CRASHED) return 'crashed';
  if (event === VIR_DOMAIN_EVENT_STOPPED && crashes.includes(detail)) return 'crashed';
  if (event === VIR_DOMAIN_EVENT_PMSUSPENDED) return 'suspended';
  return lifecycles[event];
}

/** Events from this call on, until the signal is aborted; what comes while the reader is busy waits for it. */
export function watchEvents(client: LibvirtClient, signal: AbortSignal): AsyncIterable<VmEvent> {
  const waiting: VmEvent[] = [];
  let wake: () => void = () => {};
  const stop = client.listen((event) => {
    const vmEvent = vmEventOf(event);
    if (vmEvent === undefined) return;
    waiting.push(vmEvent);
    wake();
  });
  signal.addEventListener('abort', () => {
    stop();
    wake();
  });
  if (signal.aborted) stop();
  async function* read(): AsyncGenerator<VmEvent> {
    try {
      while (!signal.aborted) {
        const event = waiting.shift();
        if (event !== undefined) yield event;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      stop();
    }
  }
  return read();
}
