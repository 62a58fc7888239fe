// Owns the facts of CPUs in sysfs: which are online and isolated, cores, frequency governors, idle states.

import { parseCpuList } from '../cpu-list.ts';
import { parseInteger, readInteger, readText } from '../file-text.ts';
import type { FileTree } from '../kernel.ts';

const cpuFolder = '/sys/devices/system/cpu';

/** An idle state of a CPU. */
export interface IdleState {
  /** As the driver names it: `C1`, `C6`. */
  readonly name: string;
  /** Time from the wake-up to the first instruction, microseconds. */
  readonly exitLatencyUs: number;
}

/** Online CPUs by number; undefined when the kernel does not say (Documentation/ABI/testing/sysfs-devices-system-cpu). */
export function readOnlineCpus(files: FileTree): readonly number[] | undefined {
  return parseCpuList(readText(files, `${cpuFolder}/online`));
}

/** CPUs that `isolcpus` keeps free of other work; undefined when the kernel does not say. */
export function readIsolatedCpus(files: FileTree): readonly number[] | undefined {
  return parseCpuList(readText(files, `${cpuFolder}/isolated`));
}

/** Frequency governors in use, each once and sorted; empty without cpufreq (Documentation/admin-guide/pm/cpufreq.rst). */
export function listGovernors(files: FileTree): readonly string[] {
  const governors = new Set<string>();
  for (const policy of files.list(`${cpuFolder}/cpufreq`)) {
    const governor = readText(files, `${cpuFolder}/cpufreq/${policy}/scaling_governor`);
    if (governor !== undefined && governor !== '') governors.add(governor);
  }
  return [...governors].sort();
}

/**
 * The state with the longest way back that is enabled on at least one of the CPUs; undefined when no CPU has any
 * (Documentation/admin-guide/pm/cpuidle.rst: `name`, `latency`, `disable`).
 */
export function readDeepestIdleState(files: FileTree, cpus: readonly number[]): IdleState | undefined {
  let deepest: IdleState | undefined;
  for (const cpu of cpus) {
    const folder = `${cpuFolder}/cpu${cpu}/cpuidle`;
    for (const state of files.list(folder)) {
      if (readText(files, `${folder}/${state}/disable`) !== '0') continue;
      const exitLatencyUs = readInteger(files, `${folder}/${state}/latency`);
      if (exitLatencyUs === undefined || exitLatencyUs <= (deepest?.exitLatencyUs ?? -1)) continue;
      const name = readText(files, `${folder}/${state}/name`);
      if (name !== undefined && name !== '') deepest = { name, exitLatencyUs };
    }
  }
  return deepest;
}

/** CPUs grouped by core, both in rising order; a CPU whose neighbours are not known stands alone. */
export function groupByCore(files: FileTree, cpus: readonly number[]): readonly (readonly number[])[] {
  const left = new Set(cpus);
  const cores: (readonly number[])[] = [];
  for (const cpu of cpus) {
    if (!left.has(cpu)) continue;
    const folder = `${cpuFolder}/cpu${cpu}/topology`;
    // The first name is the one since 5.3, the second is still there.
    const siblings =
      parseCpuList(readText(files, `${folder}/core_cpus_list`)) ??
      parseCpuList(readText(files, `${folder}/thread_siblings_list`)) ??
      [];
    const core = [cpu, ...siblings.filter((each) => each !== cpu && left.has(each))].sort((a, b) => a - b);
    for (const each of core) left.delete(each);
    cores.push(core);
  }
  return cores;
}

/** Physical package of a CPU; undefined when the kernel does not know (-1) or say. */
export function readPackage(files: FileTree, cpu: number): number | undefined {
  const number = parseInteger(readText(files, `${cpuFolder}/cpu${cpu}/topology/physical_package_id`));
  return number === undefined || number < 0 ? undefined : number;
}
