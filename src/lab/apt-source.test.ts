import { describe, expect, it } from 'vitest';
import {
  offersSuite,
  parseDeb822Sources,
  parseOneLineSources,
  renderBackportsSource,
  renderSourcePackages,
} from './apt-source.ts';

const debianSources = `# snapshot
Types: deb
# a comment inside
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main contrib
`;

describe('parseDeb822Sources', () => {
  it('reads every stanza, without comments', () => {
    const sources = parseDeb822Sources(debianSources);
    expect(sources.map((source) => source.get('suites'))).toEqual([
      'bookworm bookworm-updates',
      'bookworm-security',
    ]);
    expect(sources[0]?.get('signed-by')).toBe('/usr/share/keyrings/debian-archive-keyring.gpg');
  });

  it('leaves out a stanza that is disabled', () => {
    expect(parseDeb822Sources(`Enabled: no\n${debianSources.replaceAll('# ', '#')}`)).toHaveLength(1);
  });

  it('keeps a value of several lines', () => {
    const key = '\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----';
    const [source] = parseDeb822Sources(
      `Types: deb\nURIs: http://a.example\nSuites: bookworm\nSigned-By:${key}\n`,
    );
    expect(source?.get('signed-by')).toBe(key);
  });
});

describe('parseOneLineSources', () => {
  it('reads options under their deb822 names', () => {
    const [source] = parseOneLineSources(
      'deb [arch=amd64,i386 signed-by=/k.gpg trusted=yes] http://a.example/debian bookworm main contrib # note\n',
    );
    expect(Object.fromEntries(source ?? [])).toEqual({
      types: 'deb',
      uris: 'http://a.example/debian',
      suites: 'bookworm',
      components: 'main contrib',
      architectures: 'amd64 i386',
      'signed-by': '/k.gpg',
      trusted: 'yes',
    });
  });

  it('passes over comments and what is no source', () => {
    expect(parseOneLineSources('# deb http://a.example bookworm main\n\nnonsense\n')).toEqual([]);
  });
});

describe('offersSuite', () => {
  it('does not take sources for packages', () => {
    const [source] = parseOneLineSources('deb-src http://a.example bookworm main');
    expect(source && offersSuite(source, 'bookworm')).toBe(false);
  });
});

describe('renderBackportsSource', () => {
  it('keeps the mirror and the key of the release, not those of its security updates', () => {
    expect(renderBackportsSource(parseDeb822Sources(debianSources).reverse(), 'bookworm')).toBe(
      'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\n' +
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
    );
  });

  it('turns a one-line source into a stanza', () => {
    const sources = parseOneLineSources('deb [signed-by=/k.gpg] http://a.example/debian bookworm main');
    expect(renderBackportsSource(sources, 'bookworm')).toBe(
      'Types: deb\nURIs: http://a.example/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: /k.gpg\n',
    );
  });

  it('writes a key of several lines so that it reads the same', () => {
    const text = 'Types: deb\nURIs: http://a.example\nSuites: bookworm\nSigned-By:\n BEGIN\n .\n END\n';
    const written = renderBackportsSource(parseDeb822Sources(text), 'bookworm') ?? '';
    expect(parseDeb822Sources(written)[0]?.get('signed-by')).toBe('\n BEGIN\n .\n END');
  });

  it('gives nothing when no source offers the release', () => {
    expect(renderBackportsSource(parseDeb822Sources(debianSources), 'trixie')).toBeUndefined();
  });
});

describe('renderSourcePackages', () => {
  it('asks the mirror of the suite for its source packages', () => {
    const sources = parseDeb822Sources(
      'Types: deb\nURIs: http://a.example\nSuites: x x-backports\nSigned-By: /k.gpg\n',
    );
    expect(renderSourcePackages(sources, 'x-backports')).toBe(
      'Types: deb-src\nURIs: http://a.example\nSuites: x-backports\nSigned-By: /k.gpg\nComponents: main\n',
    );
    expect(renderSourcePackages(sources, 'y')).toBeUndefined();
  });
});
