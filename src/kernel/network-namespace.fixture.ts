// Owns network namespaces of this machine for tests against its real kernel: made with ip(8), deleted afterwards.
// Needs root and iproute2; a test that cannot have one says why it is skipped. For tests only.

import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';

export interface TestNamespace {
  /** For NetlinkOptions.netns. */
  readonly path: string;
  /** Runs ip(8) in the namespace. */
  ip(...args: readonly string[]): void;
  /** Runs many commands of ip(8) in the namespace at once. */
  ipBatch(commands: readonly string[]): void;
  remove(): void;
}

/** Makes a namespace with nothing in it but lo, which is down. */
export function makeNamespace(): TestNamespace {
  const name = `vfleet-test-${randomUUID().slice(0, 8)}`;
  execFileSync('ip', ['netns', 'add', name], { stdio: ['ignore', 'ignore', 'pipe'] });
  return {
    path: `/run/netns/${name}`,
    ip: (...args) => {
      execFileSync('ip', ['-n', name, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    },
    ipBatch: (commands) => {
      const input = commands.map((command) => `${command}\n`).join('');
      execFileSync('ip', ['-n', name, '-batch', '-'], { input, stdio: ['pipe', 'ignore', 'pipe'] });
    },
    remove: () => {
      execFileSync('ip', ['netns', 'del', name]);
    },
  };
}

/** Why no namespace with virtual interfaces can be had here, undefined when one can. */
export function whyNoNamespace(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  if (spawnSync('ip', ['-V']).status !== 0) return 'no ip(8): install iproute2';
  try {
    const namespace = makeNamespace();
    try {
      namespace.ip('link', 'add', 'name', 'veth-a', 'type', 'veth', 'peer', 'name', 'veth-b');
    } finally {
      namespace.remove();
    }
    return undefined;
  } catch (error) {
    return String(error).replaceAll(/\s+/g, ' ');
  }
}
