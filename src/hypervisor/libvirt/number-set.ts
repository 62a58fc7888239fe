// Owns sets of CPU and NUMA node numbers as libvirt writes them (`0-3,^2,8`) and as it sends them (a bit each).
// Knows nothing of what they are for.

/** A host has fewer CPUs (CONFIG_NR_CPUS is at most 8192 on x86); a set of libvirt's may name 16384. */
const maxNumber = 16_383;

/** Reads a set, sorted; undefined for text that is none. */
export function parseNumberSet(text: string): number[] | undefined {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\^?)(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[2]);
    const last = Number(match[3] ?? match[2]);
    if (last < first || last > maxNumber) return undefined;
    for (let number = first; number <= last; number += 1) {
      if (match[1] === '^') numbers.delete(number);
      else numbers.add(number);
    }
  }
  return numbers.size === 0 ? undefined : [...numbers].sort((a, b) => a - b);
}

/** Renders a set with ranges. */
export function renderNumberSet(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** A bit for each CPU, the lowest first (virDomainPinVcpu). */
export function cpuMapOf(numbers: readonly number[]): Buffer {
  const map = Buffer.alloc(Math.floor(Math.max(0, ...numbers) / 8) + 1);
  for (const number of numbers) {
    const byte = Math.floor(number / 8);
    map[byte] = (map[byte] ?? 0) | (1 << (number % 8));
  }
  return map;
}
