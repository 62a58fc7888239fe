// Owns the difference between a field that is undefined and a field that is absent.

/** The same object without the fields that are undefined: absent facts are not listed at all. */
export function present<T extends object>(
  value: T,
): { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} {
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) if (field !== undefined) result[name] = field;
  return result as ReturnType<typeof present<T>>;
}
