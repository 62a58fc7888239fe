// Owns reading apt's package sources, in both formats, and writing the backports source that stands beside one.
// Pure text: no file is read or written here. Format: sources.list(5).

/** One source: its fields under their lower-case deb822 names, values as they are written. */
export type AptSource = ReadonlyMap<string, string>;

/** Reads a `.sources` file (deb822). A stanza that is disabled or has no suites is left out. */
export function parseDeb822Sources(text: string): AptSource[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const sources: AptSource[] = [];
  let fields = new Map<string, string>();
  let name: string | undefined;
  for (const line of [...lines, '']) {
    if (line.trim() === '') {
      if (fields.has('suites') && !/^(no|false|off|0)$/i.test(fields.get('enabled') ?? 'yes')) {
        sources.push(fields);
      }
      fields = new Map();
      name = undefined;
    } else if (/^\s/.test(line)) {
      if (name !== undefined) fields.set(name, `${fields.get(name)}\n${line.trimEnd()}`);
    } else {
      const colon = line.indexOf(':');
      name = colon > 0 ? line.slice(0, colon).trim().toLowerCase() : undefined;
      if (name !== undefined) fields.set(name, line.slice(colon + 1).trim());
    }
  }
  return sources;
}

// The option names that do not become a field by themselves; the others only differ in case.
const fieldOfOption: Readonly<Record<string, string>> = {
  arch: 'architectures',
  lang: 'languages',
  target: 'targets',
};

/** Reads a `.list` file (one source a line, `deb [options] URI suite components`). */
export function parseOneLineSources(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) continue;
    const [, type = '', options = '', uri = '', suite = '', components = ''] = match;
    const fields = new Map([
      ['types', type],
      ['uris', uri],
      ['suites', suite],
      ['components', components.trim()],
    ]);
    for (const [, option = '', value = ''] of options.matchAll(/([\w-]+)[+-]?=(\S+)/g)) {
      fields.set(fieldOfOption[option.toLowerCase()] ?? option.toLowerCase(), value.replaceAll(',', ' '));
    }
    sources.push(fields);
  }
  return sources;
}

/** Whether a source offers binary packages of a suite. */
export function offersSuite(source: AptSource, suite: string): boolean {
  return words(source.get('types')).includes('deb') && words(source.get('suites')).includes(suite);
}

/**
 * The deb822 stanza for the backports of a release, made from the machine's own source of that release, so that
 * mirror, key and architecture stay as the machine has them. Undefined when no source offers the release.
 */
export function renderBackportsSource(sources: readonly AptSource[], codename: string): string | undefined {
  return renderLike(sources, codename, { types: 'deb', suites: `${codename}-backports`, components: 'main' });
}

/** The deb822 stanza for the source packages of a suite, made likewise. Undefined when no source offers the suite. */
export function renderSourcePackages(sources: readonly AptSource[], suite: string): string | undefined {
  return renderLike(sources, suite, { types: 'deb-src', suites: suite, components: 'main' });
}

/** The first source that offers a suite, with some fields changed. */
function renderLike(
  sources: readonly AptSource[],
  suite: string,
  changes: Readonly<Record<string, string>>,
): string | undefined {
  const own = sources.find((source) => offersSuite(source, suite));
  if (own === undefined) return undefined;
  const fields = new Map([...own, ...Object.entries(changes)]);
  return [...fields].map(([name, value]) => `${spelled(name)}: ${value}\n`).join('');
}

function spelled(name: string): string {
  if (name === 'uris') return 'URIs';
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
