// Owns a hypervisor that need not be there when the agent starts: it is connected when it is first needed and answers,
// and what is followed goes on once it does. After that, its own connection looks after itself.

import type { Hypervisor, VmEvent } from '../hypervisor/hypervisor.ts';

/** A hypervisor behind `connect`, which is tried again at each call until it succeeds. */
export function lateHypervisor(label: string, connect: () => Promise<Hypervisor>): Hypervisor {
  let connected: Hypervisor | undefined;
  let connecting: Promise<Hypervisor> | undefined;
  let isClosed = false;
  let hasFailed = false;

  async function open(): Promise<Hypervisor> {
    if (connected !== undefined) return connected;
    connecting ??= connect().finally(() => {
      connecting = undefined;
    });
    try {
      connected = await connecting;
    } catch (error) {
      hasFailed = true;
      throw error;
    }
    if (isClosed) connected.close();
    return connected;
  }

  async function* watch(signal: AbortSignal): AsyncGenerator<VmEvent> {
    const events = (await open()).watch(signal);
    if (hasFailed) yield { kind: 'reconnected' };
    hasFailed = false;
    yield* events;
  }

  return {
    get label() {
      return connected?.label ?? label;
    },
    get uri() {
      return connected?.uri;
    },
    listVms: async () => (await open()).listVms(),
    readVm: async (nameOrUuid) => (await open()).readVm(nameOrUuid),
    hasNic: async (uuid, alias, scope) => (await open()).hasNic(uuid, alias, scope),
    attachNic: async (uuid, nic, scope) => (await open()).attachNic(uuid, nic, scope),
    detachNic: async (uuid, alias, scope, timeoutMs) =>
      (await open()).detachNic(uuid, alias, scope, timeoutMs),
    pin: async (uuid, pinning, scope) => (await open()).pin(uuid, pinning, scope),
    watch,
    close() {
      isClosed = true;
      connected?.close();
    },
  };
}
