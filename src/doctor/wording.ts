// Owns how findings write numbers and lists.

/** `1 VF`, `3 VFs`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** A rate of Mbit/s: `25 Gb/s`, `2.5 Gb/s`, `100 Mb/s`. */
export function rateText(mbps: number): string {
  return mbps < 1000 ? `${mbps} Mb/s` : `${Number((mbps / 1000).toFixed(1))} Gb/s`;
}

/** Memory of MB: `512 MB`, `93.4 GB`. */
export function memoryText(megabytes: number): string {
  return megabytes < 1024 ? `${megabytes} MB` : `${Number((megabytes / 1024).toFixed(1))} GB`;
}

/** The first few of a list, and how many more there are: `a, b, c and 5 more`. */
export function someOf(items: readonly (string | number)[], most = 4): string {
  if (items.length <= most) return items.join(', ');
  return `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}

/** Numbers with neighbours drawn together: `0-3, 7`. Expects them in rising order. */
export function rangesText(numbers: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const open = ranges.at(-1);
    if (open !== undefined && number === open.last + 1) open.last = number;
    else ranges.push({ first: number, last: number });
  }
  return someOf(
    ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)),
    6,
  );
}
