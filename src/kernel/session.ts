// Owns the open sockets of one run of vfleet on one kernel: one route and one generic netlink client, opened when needed.
// A host without PFs never opens one, which keeps `vfleet show` quick there.

import type { FileTree, Kernel, NetlinkProtocol } from './kernel.ts';
import { NetlinkClient } from './netlink/client.ts';

export class KernelSession {
  readonly kernel: Kernel;
  #route: NetlinkClient | undefined;
  #generic: NetlinkClient | undefined;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  get files(): FileTree {
    return this.kernel.files;
  }

  /** rtnetlink in our own network namespace. */
  get route(): NetlinkClient {
    return (this.#route ??= this.#open('route'));
  }

  /** Generic netlink: devlink and ethtool. */
  get generic(): NetlinkClient {
    return (this.#generic ??= this.#open('generic'));
  }

  close(): void {
    this.#route?.close();
    this.#generic?.close();
    this.#route = undefined;
    this.#generic = undefined;
  }
  #open(protocol: NetlinkProtocol): NetlinkClient {
    const { clock } = this.kernel;
    return new NetlinkClient(this.kernel.openNetlink(protocol), (callback, durationMs) =>
      clock.startTimer(callback, durationMs),
    );
  }
}
