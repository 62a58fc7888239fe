// Owns the modules of a simulated host's kernel: those that are loaded (/sys/module) and those on the disk (/lib/modules).

import { loadedDrivers } from '../driver-binding.ts';
import type { SimHost } from '../host.ts';
import { isVfioDriver } from '../host-index.ts';
import { platformOf } from '../platform.ts';
import type { FolderNode } from './node.ts';
import { folderOf, line } from './node.ts';

function moduleOf(name: string): string {
  return name.replaceAll('-', '_');
}

/** Names of loaded modules besides those of PCI drivers. */
function otherLoaded(host: SimHost): readonly string[] {
  const { kvm, iommufd, processor } = platformOf(host.profile);
  return [...(kvm ? ['kvm', `kvm_${processor}`] : []), ...(iommufd ? ['iommufd'] : [])];
}

/** /sys/module: those that are loaded, with the parameters that decide what vfio allows. */
export function modulesFolder(host: SimHost): FolderNode {
  const { allowUnsafeInterrupts, noIommuMode, builtinModules } = platformOf(host.profile);
  const initstate = line('live');
  const builtin = builtinModules.map((name) => [moduleOf(name), folderOf({})] as const);
  const loaded = [...loadedDrivers(host).map(moduleOf), ...otherLoaded(host)].map(
    (name) => [name, folderOf(name === 'pcieport' ? {} : { initstate })] as const,
  );
  const vfio = loadedDrivers(host).some(isVfioDriver)
    ? {
        vfio: folderOf({
          initstate,
          parameters: folderOf({ enable_unsafe_noiommu_mode: line(noIommuMode ? 'Y' : 'N') }),
        }),
        vfio_iommu_type1: folderOf({
          initstate,
          parameters: folderOf({ allow_unsafe_interrupts: line(allowUnsafeInterrupts ? 'Y' : 'N') }),
        }),
      }
    : {};
  return folderOf({ ...Object.fromEntries(builtin), ...Object.fromEntries(loaded), ...vfio });
}

/** /lib: the lists that depmod leaves for the kernel that runs. */
export function libFolder(host: SimHost): FolderNode {
  const { profile } = host;
  const { builtinModules, moduleFiles } = platformOf(profile);
  const loaded = [...loadedDrivers(host).filter((name) => name !== 'pcieport'), ...otherLoaded(host)];
  const names = new Map(
    [...moduleFiles, ...profile.modules, ...loaded].map((name) => [moduleOf(name), name]),
  );
  const files = {
    'modules.builtin': line(builtinModules.map((name) => `kernel/drivers/${name}.ko`).join('\n')),
    'modules.dep': line([...names.values()].map((name) => `kernel/drivers/${name}.ko.xz:`).join('\n')),
  };
  return folderOf({ modules: folderOf({ [profile.kernelRelease]: folderOf(files) }) });
}
