import { expect, test } from 'vitest';
import { parseDefinition, readDefinition, rememberDefinitions, renderDefinition } from './definition.ts';

const definition = (number: number): string =>
  `<domain type='qemu' id='${number}'><vcpu>2</vcpu><devices><interface type='user'><mac address='52:54:00:00:00:01'/></interface></devices></domain>`;

test('a definition that was read before is the same value, another one is not', () => {
  const read = rememberDefinitions();
  const first = read(definition(1), 'it');
  expect(first).toEqual(readDefinition(definition(1), 'it'));
  expect(first).toMatchObject({ isRunning: true, nics: [{ mac: '52:54:00:00:00:01' }] });
  expect(read(definition(1), 'it')).toBe(first);
  expect(read(definition(2), 'it')).not.toBe(first);
});

test('only so many are remembered, and what cannot be read is not', () => {
  const read = rememberDefinitions();
  const first = read(definition(1), 'it');
  for (let number = 2; number <= 1001; number += 1) read(definition(number), 'it');
  const again = read(definition(1), 'it');
  expect(again).not.toBe(first);
  expect(again).toEqual(first);
  for (let round = 0; round < 2; round += 1) expect(() => read('<domain', 'it')).toThrow('it');
});

test.each([
  '<metadata><undeclared:a b:c="1"/><d:e:f/>$&amp;</metadata>',
  '<metadata xmlns:a="b">\n<![CDATA[</metadata><devices/><!DOCTYPE a>]]></metadata>',
  '<metadata/>',
  '<metadata a="b"/>',
  '',
])('what others keep in a definition is neither read nor changed: %j', (metadata) => {
  const xml = `<domain><name>a</name>${metadata}<vcpu>3</vcpu></domain>`;
  expect(readDefinition(xml, 'it').placement.vcpuCount).toBe(3);
  const domain = parseDefinition(xml, 'it');
  expect(renderDefinition(domain, xml)).toBe(xml);
  domain.setAttribute('changed', 'yes');
  expect(renderDefinition(domain, xml)).toBe(xml.replace('<domain', '<domain changed="yes"'));
});
