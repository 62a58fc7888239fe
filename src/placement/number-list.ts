// Owns how sets of CPU, node and VF numbers are written.

/** Numbers as the kernel writes lists: `0-3,8`. Empty for none. */
export function listText(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const number of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}
