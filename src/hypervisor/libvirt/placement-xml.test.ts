import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { liveXml } from './domain-xml.fixture.ts';
import { putPinning, readPlacement } from './placement-xml.ts';
import { parseXml, renderXml } from './xml-document.ts';

function placementOf(xml: string): unknown {
  return readPlacement(parseXml(xml, 'a test'));
}

const cpus = fc
  .uniqueArray(fc.nat(300), { minLength: 1, maxLength: 20 })
  .map((set) => set.sort((a, b) => a - b));

describe('placement', () => {
  test('is read with the common set for vCPUs that have none of their own', () => {
    const common = [0, 1, 2, 4, 5, 6, 7];
    expect(placementOf(liveXml)).toEqual({
      vcpuCount: 4,
      memoryMb: 4096,
      vcpuPins: { 0: common, 1: [2], 2: common, 3: common },
      emulatorPin: [0, 1],
      memoryNodes: [0, 1],
      memoryMode: 'restrictive',
    });
  });

  test.each([
    ['4194304', undefined, 4096],
    ['4', 'GiB', 4096],
    ['4', 'G', 4096],
    ['2000', 'MB', 2000e6 / 2 ** 20],
    ['1073741824', 'b', 1024],
    ['1', 'parsec', 0],
    ['junk', 'MiB', 0],
    ['-1', 'MiB', 0],
  ])('reads %s %s of memory as %d MiB', (amount, unit, mib) => {
    const attribute = unit === undefined ? '' : ` unit='${unit}'`;
    expect(
      placementOf(`<domain><memory${attribute}>${amount}</memory><vcpu>1</vcpu></domain>`),
    ).toMatchObject({
      memoryMb: mib,
    });
  });

  test('takes nothing senseless for a set of CPUs', () => {
    for (const set of ['', '-', '3-1', '0-', '99999', 'a', '0,,1', '^0', '0-16384']) {
      const xml = `<domain><vcpu cpuset='${set}'>1</vcpu></domain>`;
      expect(placementOf(xml)).toEqual({ vcpuCount: 1, memoryMb: 0, vcpuPins: {} });
    }
  });

  test('is read with the I/O threads, numbered as libvirt does, and their pins', () => {
    const xml = `<domain><vcpu>1</vcpu><iothreads>4</iothreads><iothreadids><iothread id='2'/><iothread id='7'/></iothreadids>
      <cputune><iothreadpin iothread='2' cpuset='4-5'/><iothreadpin iothread='9' cpuset='6'/></cputune></domain>`;
    expect(placementOf(xml)).toEqual({
      vcpuCount: 1,
      memoryMb: 0,
      vcpuPins: {},
      ioThreads: [1, 2, 3, 7],
      ioThreadPins: { 2: [4, 5] },
    });
    const common = "<domain><vcpu cpuset='0-1'>1</vcpu><iothreads>1</iothreads></domain>";
    expect(placementOf(common)).toMatchObject({ ioThreads: [1], ioThreadPins: { 1: [0, 1] } });
    const hostile = placementOf('<domain><vcpu>1</vcpu><iothreads>999999</iothreads></domain>');
    expect(hostile).toMatchObject({ ioThreads: expect.objectContaining({ length: 4096 }) });
  });

  test.each([
    // The guest's nodes that are bound by themselves are where the memory is; others are where all of it is bound.
    ["<memory mode='strict' nodeset='0'/><memnode cellid='0' mode='strict' nodeset='1'/>", 1, [1], [[1]]],
    ["<memory mode='strict' nodeset='0'/><memnode cellid='1' nodeset='1'/>", 2, [0, 1], [[1], [0]]],
    ["<memnode cellid='0' nodeset='2-3'/><memnode cellid='1' nodeset='1'/>", 2, [1, 2, 3], [[2, 3], [1]]],
    ["<memnode cellid='0' nodeset='1'/>", 2, undefined, [[1]]],
  ])('is read with memory in parts: %s', (numatune, cells, memoryNodes, memoryParts) => {
    const xml = `<domain><vcpu>1</vcpu><numatune>${numatune}</numatune><cpu><numa>${'<cell/>'.repeat(cells)}</numa></cpu></domain>`;
    expect(placementOf(xml)).toEqual({
      vcpuCount: 1,
      memoryMb: 0,
      vcpuPins: {},
      ...(memoryNodes === undefined ? {} : { memoryNodes }),
      memoryMode: 'strict',
      memoryParts,
    });
    const domain = parseXml(xml, 'a test');
    putPinning(domain, { memoryNodes: [1] });
    const after = readPlacement(domain);
    expect(after.memoryNodes).toEqual([1]);
    expect(new Set(after.memoryParts?.flat())).toEqual(new Set([1]));
  });

  test('a hostile number of vCPUs makes no million of entries', () => {
    const xml = "<domain><vcpu cpuset='0'>999999</vcpu></domain>";
    expect(Object.keys(readPlacement(parseXml(xml, 'a test')).vcpuPins)).toHaveLength(4096);
  });

  test('that was put is read back, and putting it twice changes nothing', () => {
    const pinning = fc.record({
      vcpuPins: fc.dictionary(fc.constantFrom('0', '1', '2', '3'), cpus),
      emulatorPin: cpus,
      ioThreadPins: fc.dictionary(fc.constantFrom('1', '2'), cpus),
      memoryNodes: cpus,
    });
    const withIoThreads = '<domain><vcpu>4</vcpu><iothreads>2</iothreads></domain>';
    const texts = [liveXml.replace('<cputune>', '<iothreads>2</iothreads>$&'), withIoThreads];
    fc.assert(
      fc.property(pinning, fc.constantFrom(...texts), (wanted, xml) => {
        const domain = parseXml(xml, 'a test');
        const before = readPlacement(domain);
        putPinning(domain, wanted);
        const once = renderXml(domain);
        const vcpuPins = { ...before.vcpuPins, ...wanted.vcpuPins };
        const ioThreadPins = { ...before.ioThreadPins, ...wanted.ioThreadPins };
        const { ioThreadPins: pins = {}, ...after } = readPlacement(parseXml(once, 'a test'));
        expect({ ...after, ioThreadPins: pins }).toMatchObject({ ...wanted, vcpuPins, ioThreadPins });
        putPinning(domain, wanted);
        expect(renderXml(domain)).toBe(once);
      }),
    );
  });

  test('that is put leaves everything else where it was', () => {
    const domain = parseXml(liveXml, 'a test');
    putPinning(domain, { emulatorPin: [4, 5, 6, 9] });
    const expected = liveXml.replace("<emulatorpin cpuset='0-1'/>", "<emulatorpin cpuset='4-6,9'/>");
    expect(renderXml(domain).replaceAll('"', "'")).toBe(expected);
  });

  test('is put where libvirt writes it, and takes the place of what numad would choose', () => {
    const domain = parseXml('<domain><name>x</name><vcpu>1</vcpu><os/></domain>', 'a test');
    putPinning(domain, { emulatorPin: [0], memoryNodes: [1] });
    expect(renderXml(domain)).toBe(
      '<domain><name>x</name><vcpu>1</vcpu><cputune><emulatorpin cpuset="0"/></cputune>' +
        '<numatune><memory mode="strict" nodeset="1"/></numatune><os/></domain>',
    );
    const auto = parseXml(
      "<domain><numatune><memory mode='preferred' placement='auto'/></numatune></domain>",
      'a test',
    );
    putPinning(auto, { memoryNodes: [1] });
    expect(renderXml(auto)).toContain('<memory mode="preferred" placement="static" nodeset="1"/>');
    const inParts = parseXml(
      "<domain><numatune><memnode cellid='0' mode='restrictive' nodeset='0'/></numatune></domain>",
      'a test',
    );
    putPinning(inParts, { memoryNodes: [1] });
    expect(renderXml(inParts)).toContain(
      '<memory mode="restrictive" nodeset="1"/><memnode cellid="0" mode="restrictive" nodeset="1"/>',
    );
  });
});
