// Owns where a kernel module is: inside the kernel, loaded, on the disk, or nowhere.
// Reads only; loading one is in module-loading.ts.

import { readLines } from './file-text.ts';
import type { FileTree } from './kernel.ts';

export type ModulePlace = 'builtin' | 'loaded' | 'available' | 'absent';

/** modules.dep of a distribution kernel with all its modules has 0.7 MB. */
const listMaxBytes = 16 * 1024 * 1024;

/**
 * Where the modules of these names are, for the kernel of a release. `loaded` is one with a /sys/module/NAME/initstate
 * (kernel/module/sysfs.c; the folder alone is there for built-in ones, too), the rest is told by the lists that
 * depmod(8) and the kernel's build leave in /lib/modules/RELEASE. A name is missing in the answer when those lists
 * cannot be read and /sys/module does not know it. Names with hyphens and underscores are the same module.
 */
export function readModulePlaces(
  files: FileTree,
  kernelRelease: string,
  names: readonly string[],
): ReadonlyMap<string, ModulePlace> {
  const isPlain = /^[A-Za-z0-9._+~-]{1,128}$/.test(kernelRelease) && !/^\.{1,2}$/.test(kernelRelease);
  const folder = `/lib/modules/${kernelRelease}`;
  const builtin = isPlain ? readModuleList(files, `${folder}/modules.builtin`) : undefined;
  const available = isPlain ? readModuleList(files, `${folder}/modules.dep`) : undefined;
  const places = new Map<string, ModulePlace>();
  for (const name of names) {
    const key = keyOf(name);
    if (files.identity(`/sys/module/${key}/initstate`) !== undefined) places.set(name, 'loaded');
    else if (builtin?.has(key) === true || files.identity(`/sys/module/${key}`) !== undefined)
      places.set(name, 'builtin');
    else if (available?.has(key) === true) places.set(name, 'available');
    else if (available !== undefined) places.set(name, 'absent');
  }
  return places;
}

/** Modules by name with underscores: each line begins with a file, `kernel/drivers/vfio/vfio.ko.xz:`. */
function readModuleList(files: FileTree, path: string): ReadonlySet<string> | undefined {
  const lines = readLines(files, path, listMaxBytes);
  if (lines.length === 0) return undefined;
  const names = new Set<string>();
  for (const line of lines) {
    const [, name] = /^(?:[^:\s]*\/)?([^:/\s]+)\.ko(?:\.[a-z0-9]+)?(?=:|\s|$)/.exec(line) ?? [];
    if (name !== undefined) names.add(keyOf(name));
  }
  return names;
}

function keyOf(name: string): string {
  return name.replaceAll('-', '_');
}
