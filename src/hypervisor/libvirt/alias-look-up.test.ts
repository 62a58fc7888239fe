import { describe, expect, it } from 'vitest';
import { hasAlias, isRunning } from './alias-look-up.ts';
import { liveXml } from './domain-xml.fixture.ts';
import { readNics } from './nic-xml.ts';
import { parseXml } from './xml-document.ts';

const aliases = readNics(parseXml(liveXml, 'a definition')).flatMap(({ alias }) => alias ?? []);
const storedXml = liveXml.replace(" id='7'", '');

describe('an interface of a name', () => {
  it('is found as a reading of the whole finds it', () => {
    expect(aliases.length).toBeGreaterThan(3);
    for (const alias of aliases) {
      expect(hasAlias(liveXml, alias)).toBe(true);
    }
  });

  it('is not found where the name only begins so, is a standby, or is another kind of device', () => {
    expect(hasAlias(liveXml, 'ua-v')).toBe(false);
    expect(hasAlias(liveXml, 'pcie.0')).toBe(false);
    expect(hasAlias(liveXml.replace("<alias name='ua-standby'/>", ''), 'ua-standby')).toBe(false);
    expect(hasAlias(liveXml, 'ua-nobody')).toBe(false);
  });

  it('is found whether the domain runs or not, and which it is shows', () => {
    expect(hasAlias(storedXml, 'ua-vf')).toBe(true);
    expect([isRunning(liveXml), isRunning(storedXml)]).toEqual([true, false]);
  });

  it('is not what somebody wrote into the metadata', () => {
    const copy = "<devices><interface type='user'><alias name='ua-copied'/></interface></devices>";
    const xml = liveXml.replace('<devices>', `<metadata><a:b xmlns:a='u'>${copy}</a:b></metadata><devices>`);
    expect(hasAlias(xml, 'ua-copied')).toBe(false);
    expect(hasAlias(xml, 'ua-vf')).toBe(true);
  });
});
