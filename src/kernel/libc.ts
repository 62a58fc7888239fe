// Owns the calls into libc (through koffi) that Node has no API for.
// koffi is loaded, and each function declared, when it is first used: commands that need no socket start sooner.

import { createRequire } from 'node:module';
import type { KoffiFunc, LibraryHandle } from 'koffi';

type Koffi = (typeof import('koffi'))['default'];
type AnyFunction = KoffiFunc<(...args: unknown[]) => number | bigint>;

let loaded: { readonly koffi: Koffi; readonly library: LibraryHandle } | undefined;

/** Loads koffi, which takes some 15 ms. Not by import(): opening a socket is synchronous. */
function ffi(): { readonly koffi: Koffi; readonly library: LibraryHandle } {
  if (loaded === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    loaded = { koffi, library: koffi.load(null) };
  }
  return loaded;
}

function lazy(declaration: string): () => AnyFunction {
  let declared: AnyFunction | undefined;
  return () => (declared ??= ffi().library.func(declaration) as AnyFunction);
}

const declarations = {
  socket: lazy('int socket(int domain, int type, int protocol)'),
  bind: lazy('int bind(int fd, const void *address, uint32_t size)'),
  setsockopt: lazy('int setsockopt(int fd, int level, int name, const void *value, uint32_t size)'),
  send: lazy('int64_t send(int fd, const void *bytes, uint64_t size, int flags)'),
  recv: lazy('int64_t recv(int fd, void *bytes, uint64_t size, int flags)'),
  ioctl: lazy('int ioctl(int fd, uint64_t request, void *argument)'),
  close: lazy('int close(int fd)'),
  setns: lazy('int setns(int fd, int type)'),
  flock: lazy('int flock(int fd, int operation)'),
  // Without libc's own wrapper: glibc has pidfd_open since 2.36 only. The ABIs that Node runs on pass integers alike
  // to functions with a variable number of arguments.
  syscall: lazy('int64_t syscall(int64_t number, int64_t first, int64_t second)'),
} as const;

export type LibcFunction = keyof typeof declarations;

/** Result of a call: what it returned, and errno when that was -1 (otherwise 0). */
export interface LibcResult {
  readonly value: number;
  readonly errno: number;
}

/** Calls libc on this thread; only for calls that never wait. */
export function call(name: LibcFunction, ...args: unknown[]): LibcResult {
  const value = Number(declarations[name]()(...args));
  return { value, errno: value === -1 ? ffi().koffi.errno() : 0 };
}

/** Calls libc on a thread of the pool, so that a call that waits in the kernel does not stop the event loop. */
export async function callWaiting(name: LibcFunction, ...args: unknown[]): Promise<LibcResult> {
  return new Promise((resolve, reject) => {
    declarations[name]().async(...args, (error: unknown, result: number | bigint) => {
      if (error !== null && error !== undefined) {
        reject(error instanceof Error ? error : new Error('koffi refused the call'));
        return;
      }
      // errno is kept per call by koffi and is right only inside this callback.
      const value = Number(result);
      resolve({ value, errno: value === -1 ? ffi().koffi.errno() : 0 });
    });
  });
}

/** Address of a buffer in memory, for structures that hold pointers. Keep the buffer referenced while it is used. */
export function addressOf(bytes: Uint8Array): bigint {
  return ffi().koffi.address(bytes);
}

/** Watches a descriptor with the event loop; keep the handle referenced, or events stop without a word. */
export function watchReadable(fd: number, onReadable: () => void): { close(): void } {
  return ffi().koffi.node.poll(fd, { readable: true }, onReadable);
}
