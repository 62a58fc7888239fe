import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PcieDevice } from '../model/pcie.ts';
import { codedGbpsOf, narrowestLink, pcieBandwidthOf } from './pcie-bandwidth.ts';
import type { PcieBandwidth, PcieBandwidthInput } from './pcie-bandwidth.ts';

const usual = { maxPayloadBytes: 256, maxReadRequestBytes: 512, transferBytes: 1500 };
const speeds = [2.5, 5, 8, 16, 32, 64];
const widths = [1, 2, 4, 8, 12, 16, 32];
const payloads = [128, 256, 512, 1024, 2048, 4096];

function bandwidth(input: PcieBandwidthInput): PcieBandwidth {
  const found = pcieBandwidthOf(input);
  if (found === undefined) throw new Error(`nothing for ${JSON.stringify(input)}`);
  return found;
}

describe('the pcie-bench model', () => {
  // One way, after encoding, link layer and flow control, at a maximum payload of 256 bytes.
  it.each([
    [5, 4, 14.4],
    [5, 8, 28.7],
    [8, 8, 57.9],
    [8, 16, 113.7],
    [16, 8, 115.8],
    [16, 16, 227.4],
    [32, 16, 454.8],
  ])('gives %s GT/s x%i the %f Gb/s of the field', (speedGTps, width, linkGbps) => {
    expect(bandwidth({ speedGTps, width, ...usual }).linkGbps).toBeCloseTo(linkGbps, 1);
  });

  // Acknowledgement latency limits of the specification's tables, seen through the link's bandwidth.
  it.each([
    [2.5, 1, 128, 237],
    [2.5, 8, 512, 86],
    [2.5, 32, 256, 45],
    [5, 2, 256, 268],
    [5, 16, 1024, 201],
    [8, 4, 256, 214],
    [8, 8, 128, 163],
    [8, 32, 4096, 372],
  ])(
    'acknowledges on %s GT/s x%i with payloads of %i every %i symbols',
    (speedGTps, width, payload, limit) => {
      const { codedGbps, linkGbps } = bandwidth({ speedGTps, width, ...usual, maxPayloadBytes: payload });
      expect(linkGbps / codedGbps).toBeCloseTo(1 - 16 / limit - 4 / 1538, 12);
    },
  );

  it('adds 24 bytes to a write and 20 to a completion', () => {
    const { linkGbps, writeGbps, readGbps } = bandwidth({
      speedGTps: 8,
      width: 8,
      ...usual,
      transferBytes: 256,
    });
    expect(writeGbps).toBeCloseTo((linkGbps * 256) / 280, 12);
    expect(readGbps).toBeCloseTo((linkGbps * 256) / 276, 12);
  });

  it('shares the way to memory between writes and requests for reads', () => {
    const { linkGbps, duplexGbps } = bandwidth({ speedGTps: 8, width: 8, ...usual, transferBytes: 1024 });
    expect(duplexGbps).toBeCloseTo((linkGbps * 1024) / (1024 + 4 * 24 + 2 * 24), 12);
  });

  it('does not reach 40 Gb/s of 64-byte packets on Gen3 x8 both ways', () => {
    // Headers take two fifths of the way to memory.
    expect(bandwidth({ speedGTps: 8, width: 8, ...usual, transferBytes: 64 }).duplexGbps).toBeLessThan(40);
  });

  it('answers smaller completions with less', () => {
    const whole = bandwidth({ speedGTps: 8, width: 8, ...usual });
    const cut = bandwidth({ speedGTps: 8, width: 8, ...usual, completionBytes: 64 });
    expect(cut.readGbps).toBeLessThan(whole.readGbps);
    expect(cut.writeGbps).toBe(whole.writeGbps);
  });

  it('knows no speed, width or size that PCIe has not', () => {
    expect(codedGbpsOf(3, 8)).toBeUndefined();
    expect(pcieBandwidthOf({ speedGTps: 8, width: 3, ...usual })).toBeUndefined();
    expect(pcieBandwidthOf({ speedGTps: 8, width: 8, ...usual, transferBytes: 0 })).toBeUndefined();
    expect(
      pcieBandwidthOf({ speedGTps: 8, width: 8, ...usual, maxPayloadBytes: Number.NaN }),
    ).toBeUndefined();
  });
});

const inputs = fc.record({
  speedGTps: fc.constantFrom(...speeds),
  width: fc.constantFrom(...widths),
  maxPayloadBytes: fc.constantFrom(...payloads),
  maxReadRequestBytes: fc.constantFrom(...payloads),
  transferBytes: fc.integer({ min: 1, max: 65_536 }),
});

describe('any link', () => {
  it('loses something at each layer, and carries no less one way than both ways', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const found = bandwidth(input);
        const { codedGbps, linkGbps, writeGbps, readGbps, duplexGbps } = found;
        expect(codedGbps).toBeLessThan(input.speedGTps * input.width);
        expect(linkGbps).toBeLessThan(codedGbps);
        expect(Math.max(writeGbps, readGbps)).toBeLessThan(linkGbps);
        expect(duplexGbps).toBeLessThanOrEqual(Math.min(writeGbps, readGbps));
        expect(duplexGbps).toBeGreaterThan(0);
      }),
    );
  });

  it('carries more when it is faster or wider', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const faster = speeds.filter((speedGTps) => speedGTps >= input.speedGTps);
        const wider = widths.filter((width) => width >= input.width);
        const bySpeed = faster.map((speedGTps) => bandwidth({ ...input, speedGTps }).duplexGbps);
        const byWidth = wider.map((width) => bandwidth({ ...input, width }).duplexGbps);
        expect(bySpeed).toEqual([...new Set(bySpeed)].sort((a, b) => a - b));
        expect(byWidth).toEqual([...new Set(byWidth)].sort((a, b) => a - b));
      }),
    );
  });

  it('carries no less with larger read requests, and more of whole payloads', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const found = bandwidth(input);
        const larger = bandwidth({ ...input, maxReadRequestBytes: input.maxReadRequestBytes * 2 });
        expect(larger.duplexGbps).toBeGreaterThanOrEqual(found.duplexGbps);
        const one = bandwidth({ ...input, transferBytes: 1 });
        expect(one.writeGbps).toBeLessThanOrEqual(found.writeGbps);
      }),
    );
  });
});

function device(address: string, link: PcieDevice['link']): PcieDevice {
  return {
    address,
    vendorId: '8086',
    deviceId: '347a',
    kind: 'other',
    alsoBelow: [],
    ...(link === undefined ? {} : { link }),
  };
}

describe('the narrowest link', () => {
  it('is the one that carries least, the nearest to the card among equals', () => {
    const path = [
      device('0000:03:00.0', { currentSpeedGTps: 16, currentWidth: 16 }),
      device('0000:02:00.0', { currentSpeedGTps: 8, currentWidth: 8 }),
      device('0000:01:00.0', { currentSpeedGTps: 8, currentWidth: 8 }),
      device('0000:00:01.0', undefined),
    ];
    expect(narrowestLink(path)).toMatchObject({
      device: { address: '0000:02:00.0' },
      speedGTps: 8,
      width: 8,
      codedGbps: 64 * (128 / 130),
    });
  });

  it('compares bandwidth and not speed or width', () => {
    const path = [
      device('0000:02:00.0', { currentSpeedGTps: 2.5, currentWidth: 16 }),
      device('0000:00:01.0', { currentSpeedGTps: 16, currentWidth: 1 }),
    ];
    expect(narrowestLink(path)?.device.address).toBe('0000:00:01.0');
  });

  it('is unknown where no link is', () => {
    expect(narrowestLink([])).toBeUndefined();
    expect(narrowestLink([device('0000:00:01.0', { maxSpeedGTps: 8, maxWidth: 8 })])).toBeUndefined();
    expect(narrowestLink([device('0000:00:01.0', { currentSpeedGTps: 7, currentWidth: 8 })])).toBeUndefined();
  });
});
