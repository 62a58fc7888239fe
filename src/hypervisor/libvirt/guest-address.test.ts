import { describe, expect, test } from 'vitest';
import { liveXml } from './domain-xml.fixture.ts';
import { chooseGuestAddress } from './guest-address.ts';
import { parseXml } from './xml-document.ts';

function choose(live: string, stored: string): unknown {
  return chooseGuestAddress(parseXml(live, 'a test'), parseXml(stored, 'a test'));
}

function domain(ports: readonly number[], taken: readonly number[] = []): string {
  const controllers = ports.map(
    (index) => `<controller type='pci' index='${index}' model='pcie-root-port'/>`,
  );
  const devices = taken.map((bus) => `<sound><address type='pci' bus='${bus}' slot='0x00'/></sound>`);
  return `<domain><devices>${controllers.join('')}${devices.join('')}</devices></domain>`;
}

describe('a guest address', () => {
  test('is the lowest port that is free in both', () => {
    expect(choose(domain([1, 2, 3, 4], [1]), domain([1, 2, 3, 4], [2]))).toEqual({ address: '0000:03:00.0' });
  });

  test('is on a port that both have', () => {
    expect(choose(domain([1, 2]), domain([2, 3]))).toEqual({ address: '0000:02:00.0' });
    expect(choose(domain([1]), domain([2]))).toMatchObject({ none: 'common' });
  });

  test('is none where all are taken', () => {
    expect(choose(domain([1, 2], [1]), domain([1, 2], [2]))).toMatchObject({ none: 'common' });
    expect(choose(domain([1], [1]), domain([1]))).toMatchObject({ none: 'live' });
  });

  test('is not on a port without hotplug, nor beside a device', () => {
    // 1 and 2 are taken by interfaces, 3 does not plug, 4 has a host device.
    expect(choose(liveXml, liveXml)).toEqual({ address: '0000:05:00.0' });
  });

  test('is on the bus itself where that is a plain PCI bus', () => {
    const plain = (slots: readonly string[]) =>
      `<domain><devices><controller type='pci' index='0' model='pci-root'/>${slots
        .map(
          (slot) =>
            `<sound><address type='pci' domain='0x0000' bus='0x00' slot='${slot}' function='0x1'/></sound>`,
        )
        .join('')}</devices></domain>`;
    expect(choose(plain(['0x01', '0x03']), plain(['0x04']))).toEqual({ address: '0000:00:05.0' });
  });

  test('is not chosen on machines without PCI', () => {
    expect(choose('<domain/>', '<domain/>')).toMatchObject({ none: 'known' });
    const ccw = "<domain><devices><controller type='virtio-serial' index='0'/></devices></domain>";
    expect(choose(ccw, ccw)).toMatchObject({ none: 'known' });
  });
});
