// Owns the kernel's way of writing sets of CPUs: `0-3,8,16-19`.

/** More CPUs than any kernel is built for (CONFIG_NR_CPUS ends at 8192 on x86); a higher number is not understood. */
const maxCpus = 16_384;

/**
 * Numbers of a list of CPUs in rising order, each once; none for an empty list. Undefined for anything else, also for
 * numbers from 16384 on (lib/bitmap-str.c, bitmap_parselist: `N`, `N-M`, separated by commas).
 */
export function parseCpuList(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined;
  // A kernel without any isolated CPU wrote this instead of nothing (drivers/base/cpu.c before 5.13).
  if (text === '' || text === '(null)') return [];
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) >= maxCpus) return undefined;
    for (let cpu = Number(first); cpu <= Number(last); cpu += 1) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}
