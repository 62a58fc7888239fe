// Owns what a request on a simulated netlink socket is answered with respect to.

import type { SimHost } from '../host.ts';

export interface RequestContext {
  readonly host: SimHost;
  /** Number of the namespace that the socket lives in. */
  readonly netns: number;
  /** A dump on this socket was not received to its end yet. */
  readonly isDumping: boolean;
}
