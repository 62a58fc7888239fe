import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKernelParameters } from './kernel-parameters.ts';

describe('the command line of a kernel', () => {
  it('is words and values, with quotes kept together', () => {
    const parameters = parseKernelParameters('ro quiet dyndbg="file a.c +p" pci=realloc,noaer pci=nomsi');
    expect(parameters.last('quiet')).toBe('');
    expect(parameters.last('dyndbg')).toBe('file a.c +p');
    expect(parameters.values('pci')).toEqual(['realloc,noaer', 'nomsi']);
    expect(parameters.has('pci', 'noaer')).toBe(true);
    expect(parameters.has('pci', 'noae')).toBe(false);
    expect(parameters.last('iommu')).toBeUndefined();
  });

  it('has the same name with - and _, and ends where init’s own words begin', () => {
    const parameters = parseKernelParameters('vfio-pci.ids=8086:10c9 -- iommu=off');
    expect(parameters.last('vfio_pci.ids')).toBe('8086:10c9');
    expect(parameters.last('iommu')).toBeUndefined();
  });

  it('can be any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, name) => {
        const parameters = parseKernelParameters(text);
        expect(parameters.values(name).at(-1)).toBe(parameters.last(name));
      }),
    );
  });
});
