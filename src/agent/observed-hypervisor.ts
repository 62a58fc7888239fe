// Owns knowing whether the hypervisor answers without asking it: the outcomes of the calls that are made anyway.

import { VfleetError } from '../base/errors.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';

export interface ObservedHypervisor {
  readonly hypervisor: Hypervisor;
  /** Whether the last call was answered; undefined before the first one. */
  isReachable(): boolean | undefined;
}

/** Passes every call on and notes whether it was answered; a refusal is an answer. */
export function observeHypervisor(inner: Hypervisor): ObservedHypervisor {
  let isReachable: boolean | undefined;

  async function note<T>(call: Promise<T>): Promise<T> {
    try {
      const result = await call;
      isReachable = true;
      return result;
    } catch (error) {
      const isAway =
        error instanceof VfleetError &&
        (error.code === 'hypervisor.unreachable' || error.code === 'permission.missing');
      isReachable = !isAway;
      throw error;
    }
  }

  const hypervisor: Hypervisor = {
    get label() {
      return inner.label;
    },
    get uri() {
      return inner.uri;
    },
    listVms: async () => note(inner.listVms()),
    readVm: async (nameOrUuid) => note(inner.readVm(nameOrUuid)),
    hasNic: async (uuid, alias, scope) => note(inner.hasNic(uuid, alias, scope)),
    attachNic: async (uuid, nic, scope) => note(inner.attachNic(uuid, nic, scope)),
    detachNic: async (uuid, alias, scope, timeoutMs) => note(inner.detachNic(uuid, alias, scope, timeoutMs)),
    pin: async (uuid, pinning, scope) => note(inner.pin(uuid, pinning, scope)),
    watch: (signal) => inner.watch(signal),
    close: () => inner.close(),
  };
  return { hypervisor, isReachable: () => isReachable };
}
