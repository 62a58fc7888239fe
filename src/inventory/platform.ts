// Owns the reading of what a server is apart from its cards: processors, memory, firmware, IOMMU, kernel, programs.
// Reads only. What could not be read is absent, or empty where the model wants a value, and named in `unread`.

import { present } from '../base/present.ts';
import type { FileTree } from '../kernel/kernel.ts';
import { readModulePlaces } from '../kernel/module-state.ts';
import { readKernelCommandLine } from '../kernel/proc/cmdline.ts';
import { readCpuInfo } from '../kernel/proc/cpuinfo.ts';
import { readInterruptRemapping } from '../kernel/proc/interrupts.ts';
import { readLockedMemoryKb } from '../kernel/proc/limits.ts';
import type { KernelSession } from '../kernel/session.ts';
import {
  groupByCore,
  listGovernors,
  readDeepestIdleState,
  readIsolatedCpus,
  readOnlineCpus,
  readPackage,
} from '../kernel/sysfs/cpu.ts';
import { hasSecurityFiles, readLockdown } from '../kernel/sysfs/firmware.ts';
import { readHostFacts } from '../kernel/sysfs/host.ts';
import {
  hasIommufd,
  listIommuGroupDevices,
  listIommuGroups,
  listIommuUnits,
  readIommuGroupType,
  readVfioSwitches,
} from '../kernel/sysfs/iommu.ts';
import { listNumaNodes, readNumaNodeFiles, readWholeHostAsNode } from '../kernel/sysfs/numa.ts';
import type { NumaNodeFiles } from '../kernel/sysfs/numa.ts';
import type { Iommu, KernelFacts, NumaNode, Platform, Processors } from '../model/platform.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { readFirmware } from './firmware.ts';
import { readPrograms } from './programs.ts';
import { UnreadFacts } from './unread-facts.ts';

/**
 * Modules whose place is always asked: what VMs and vfio need, and the drivers of cards with SR-IOV and of their VFs.
 * Keys of `platform.kernel.modules` are spelled as here; drivers of the host's own PFs come on top.
 */
const moduleNames = [
  'kvm',
  'kvm-intel',
  'kvm-amd',
  'vfio',
  'vfio-pci',
  'vfio_iommu_type1',
  'iommufd',
  'pci-stub',
  'net_failover',
  'bonding',
  'igb',
  'igbvf',
  'ixgbe',
  'ixgbevf',
  'i40e',
  'iavf',
  'ice',
  'mlx4_core',
  'mlx5_core',
  'mlx5_ib',
  'mlx5-vfio-pci',
  'bnxt_en',
  'bnxt_re',
  'sfc',
] as const;

/** Reads the platform. `drivers` are names of further modules to look for. Never fails for what one fact lacks. */
export async function readPlatform(
  session: KernelSession,
  drivers: readonly string[] = [],
): Promise<{ platform: Platform; unread: Snapshot['unread'] }> {
  const { files } = session;
  const unread = new UnreadFacts();
  const online = readOnlineCpus(files);
  if (online === undefined)
    unread.add(
      'platform.processors.onlineCount',
      'the CPUs that are online',
      'the kernel does not list them',
    );
  const lockedMemoryKb = readLockedMemoryKb(files);
  if (lockedMemoryKb === undefined)
    unread.add('platform.lockedMemoryKb', 'the limit of locked memory', '/proc/self/limits does not say');
  const platform = present({
    kvm: files.identity('/dev/kvm') !== undefined,
    processors: readProcessors(files, online ?? [], unread),
    numa: readNuma(files, online ?? [], unread),
    firmware: readFirmware(files, unread),
    iommu: readIommu(files),
    kernel: readKernelFacts(files, drivers, unread),
    programs: await readPrograms(session.kernel, unread),
    lockedMemoryKb: lockedMemoryKb === 'unlimited' ? undefined : lockedMemoryKb,
  });
  return { platform, unread: unread.entries };
}

function readProcessors(files: FileTree, online: readonly number[], unread: UnreadFacts): Processors {
  const info = readCpuInfo(files);
  if (info === undefined)
    unread.add('platform.processors.vendor', 'the processors', '/proc/cpuinfo is not there');
  const isolated = readIsolatedCpus(files);
  if (isolated === undefined)
    unread.add('platform.processors.isolated', 'the CPUs that are isolated', 'the kernel does not say');
  return present({
    vendor: info?.vendor ?? 'other',
    modelName: info?.modelName,
    virtualisation: info?.virtualisation ?? 'none',
    isGuest: info?.isGuest ?? false,
    onlineCount: online.length,
    isolated: [...(isolated ?? [])],
    governors: [...listGovernors(files)],
    deepestIdle: readDeepestIdleState(files, online),
  });
}

function readNuma(files: FileTree, online: readonly number[], unread: UnreadFacts): NumaNode[] {
  const nodes = listNumaNodes(files);
  if (nodes.length === 0) return [nodeOf(files, 0, { ...readWholeHostAsNode(files), cpus: online }, unread)];
  return nodes.map((node) => nodeOf(files, node, readNumaNodeFiles(files, node), unread));
}

function nodeOf(files: FileTree, node: number, facts: NumaNodeFiles, unread: UnreadFacts): NumaNode {
  const { cpus, totalMb, freeMb } = facts;
  const fact = `platform.numa.${node}`;
  if (cpus === undefined)
    unread.add(`${fact}.cores`, `the CPUs of NUMA node ${node}`, 'the kernel does not say');
  if (totalMb === undefined || freeMb === undefined)
    unread.add(`${fact}.memoryTotalMb`, `the memory of NUMA node ${node}`, 'the kernel does not say');
  const [first] = cpus ?? [];
  return present({
    node,
    cores: groupByCore(files, cpus ?? []).map((core) => [...core]),
    socket: first === undefined ? undefined : readPackage(files, first),
    memoryTotalMb: totalMb,
    memoryFreeMb: freeMb,
    hugepages: [...facts.hugepages],
  });
}

function readIommu(files: FileTree): Iommu {
  const { allowUnsafeInterrupts, noIommuMode } = readVfioSwitches(files);
  return present({
    units: [...listIommuUnits(files)],
    groups: listIommuGroups(files).map((id) =>
      present({
        id,
        domain: readIommuGroupType(files, id),
        devices: [...listIommuGroupDevices(files, id)],
      }),
    ),
    interruptRemapping: readInterruptRemapping(files),
    allowUnsafeInterrupts,
    noIommuMode,
    iommufd: hasIommufd(files),
  });
}

function readKernelFacts(files: FileTree, drivers: readonly string[], unread: UnreadFacts): KernelFacts {
  const commandLine = readKernelCommandLine(files);
  if (commandLine === undefined)
    unread.add('platform.kernel.commandLine', "the kernel's command line", '/proc/cmdline is not there');
  const names = [...new Set([...moduleNames, ...drivers])];
  const { kernelRelease = '' } = readHostFacts(files);
  const places = readModulePlaces(files, kernelRelease, names);
  const unknown = names.filter((name) => !places.has(name));
  if (unknown.length > 0) {
    const why = `/lib/modules/${kernelRelease} has no list of modules, and they are not loaded`;
    unread.add('platform.kernel.modules', `the modules ${unknown.join(', ')}`, why);
  }
  return present({
    commandLine: commandLine ?? '',
    lockdown: readLockdownMode(files, unread),
    modules: Object.fromEntries(places),
  });
}

/** Absent without a note on a kernel that has no lockdown at all. */
function readLockdownMode(files: FileTree, unread: UnreadFacts): KernelFacts['lockdown'] {
  const [fact, what] = ['platform.kernel.lockdown', "the kernel's lockdown mode"];
  const mode = readLockdown(files);
  if (typeof mode === 'string' || mode.errno !== 'ENOENT') return unread.take(fact, what, mode);
  if (!hasSecurityFiles(files)) unread.add(fact, what, 'securityfs is not mounted at /sys/kernel/security');
  return undefined;
}
