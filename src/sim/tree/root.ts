// Owns the root of a simulated host's files.

import type { SimHost } from '../host.ts';
import { busFolder, classFolder, devicesFolder } from './bus-folders.ts';
import { firmwareFolder } from './firmware-folders.ts';
import { kernelFolder } from './host-files.ts';
import { libFolder, modulesFolder } from './module-folders.ts';
import type { FolderNode } from './node.ts';
import { folder } from './node.ts';
import { devFolder, etcFolder, procFolder, runFolder } from './proc-folder.ts';

/** The tree shows the host as it is whenever it is asked. */
export function rootFolder(host: SimHost): FolderNode {
  const sys = folder(host, {
    bus: busFolder,
    class: classFolder,
    devices: devicesFolder,
    firmware: firmwareFolder,
    kernel: kernelFolder,
    module: modulesFolder,
  });
  return folder(host, {
    dev: devFolder,
    etc: etcFolder,
    lib: libFolder,
    proc: procFolder,
    run: runFolder,
    sys: () => sys,
  });
}
