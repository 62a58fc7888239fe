import { expect, test } from 'vitest';
import { readDefinition, rememberDefinitions } from './definition.ts';

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
