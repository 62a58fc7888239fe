// Owns reading the kernel's command line as words and values.

/** What a command line says. */
export interface KernelParameters {
  /** Values of a parameter in their order; a flag without a value has the value ''. Empty: it is not there. */
  values(name: string): readonly string[];
  /** Whether a comma-separated list parameter (`pci=realloc,noaer`) has an item. */
  has(name: string, item: string): boolean;
  /** The last value, which is the one most parameters go by; undefined: it is not there. */
  last(name: string): string | undefined;
}

/** Words, with quotes kept together (lib/cmdline.c next_arg). */
const wordPattern = /(?:[^\s"]|"[^"]*"?)+/g;

/** Parses /proc/cmdline. Names are compared with - and _ as one, as the kernel does (parameq in kernel/params.c). */
export function parseKernelParameters(commandLine: string): KernelParameters {
  const found = new Map<string, string[]>();
  for (const word of commandLine.match(wordPattern) ?? []) {
    // What follows is init's own (init/main.c).
    if (word === '--') break;
    const text = word.replaceAll('"', '');
    const equals = text.indexOf('=');
    const name = canonical(equals < 0 ? text : text.slice(0, equals));
    const list = found.get(name) ?? [];
    list.push(equals < 0 ? '' : text.slice(equals + 1));
    found.set(name, list);
  }
  const values = (name: string): readonly string[] => found.get(canonical(name)) ?? [];
  return {
    values,
    has: (name, item) => values(name).some((value) => value.split(',').includes(item)),
    last: (name) => values(name).at(-1),
  };
}

function canonical(name: string): string {
  return name.replaceAll('-', '_');
}
