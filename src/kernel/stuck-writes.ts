// Owns what is known of writes whose callers have given up while they were still in the kernel: which device each keeps,
// and when it comes out. A second write for such a device would only stand behind the first, for the same device lock, one
// more process that nothing can end.

interface StuckWrite {
  readonly path: string;
  /** Comes out of the kernel, whenever that is. */
  readonly gone: Promise<unknown>;
}

const stuckWrites = new Map<string, StuckWrite>();

/** `/sys/bus/BUS/devices/NAME/…`, and what takes the name of a device as its text. */
const attributePattern = /^(.*\/sys\/bus\/[^/]+)\/devices\/([^/]+)\/[^/]+$/;
const bindingPattern = /^(.*\/sys\/bus\/[^/]+)\/(?:drivers_probe|drivers\/[^/]+\/(?:un)?bind)$/;

/** What a write keeps others from: the device whose attribute it is or whose name it writes, else the file. */
export function subjectOfWrite(path: string, text: string): string {
  const [, attributeBus, attributeDevice] = attributePattern.exec(path) ?? [];
  if (attributeDevice !== undefined) return `${attributeBus} ${attributeDevice}`;
  const [, bus] = bindingPattern.exec(path) ?? [];
  return bus === undefined ? path : `${bus} ${text.trim()}`;
}

/** Somebody gave a write up that is still in the kernel. */
export function noteStuckWrite(subject: string, path: string, gone: Promise<unknown>): void {
  const earlier = stuckWrites.get(subject);
  const write = { path, gone: Promise.all([earlier?.gone, gone]) };
  stuckWrites.set(subject, write);
  void write.gone.finally(() => {
    if (stuckWrites.get(subject) === write) stuckWrites.delete(subject);
  });
}

/** Waits until no such write is in the kernel; answers the path of one that still is after `timeoutMs`. */
export async function waitForStuckWrite(subject: string, timeoutMs: number): Promise<string | undefined> {
  const earlier = stuckWrites.get(subject);
  if (earlier === undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(earlier.path), timeoutMs);
  });
  try {
    return await Promise.race([earlier.gone.then(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
