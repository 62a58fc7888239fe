import { expect, test } from 'vitest';
import { igbPfConfig, igbVfConfig, rootPortConfig } from './captured-config.fixture.ts';
import { parseConfigSpace } from './config-space.ts';

/** A configuration space with little-endian values put at offsets; widths in bytes. */
function put(
  bytes: Uint8Array,
  ...values: (readonly [offset: number, value: number, width: 1 | 2 | 4])[]
): Uint8Array {
  const view = new DataView(bytes.buffer);
  for (const [offset, value, width] of values) {
    if (width === 1) view.setUint8(offset, value);
    if (width === 2) view.setUint16(offset, value, true);
    if (width === 4) view.setUint32(offset, value, true);
  }
  return bytes;
}

test('reads the PF of an igb with three VFs', () => {
  expect(parseConfigSpace(igbPfConfig())).toEqual({
    sizeBytes: 4096,
    vendorId: '8086',
    deviceId: '10c9',
    headerType: 0,
    isMultifunction: false,
    capabilitiesReadable: true,
    extendedCapabilitiesReadable: true,
    capabilities: [
      { id: 0x01, offset: 0x40 },
      { id: 0x05, offset: 0x50 },
      { id: 0x11, offset: 0x70 },
      { id: 0x10, offset: 0xa0 },
    ],
    extendedCapabilities: [
      { id: 0x01, offset: 0x100 },
      { id: 0x0e, offset: 0x150 },
      { id: 0x10, offset: 0x160 },
    ],
    pcie: {
      type: 'endpoint',
      functionLevelReset: true,
      maxPayloadSupportedBytes: 128,
      maxPayloadBytes: 128,
      maxReadRequestBytes: 128,
      maxSpeedGTps: 2.5,
      maxWidth: 1,
      currentSpeedGTps: 2.5,
      currentWidth: 1,
      ariForwardingSupported: false,
      ariForwardingEnabled: false,
    },
    msix: { vectors: 10, enabled: true },
    sriov: {
      vfEnable: true,
      vfMemorySpaceEnable: true,
      ariCapableHierarchy: true,
      initialVfs: 8,
      totalVfs: 8,
      numVfs: 3,
      firstVfOffset: 128,
      vfStride: 2,
      vfDeviceId: '10ca',
      supportedPageSizesBytes: [4096, 8192, 65536, 262144, 1048576, 4194304],
      systemPageSizeBytes: 4096,
      vfBars: [
        { index: 0, address: '0xfe200000', is64Bit: true, prefetchable: true },
        { index: 3, address: '0xfe220000', is64Bit: true, prefetchable: true },
      ],
    },
    acs: undefined,
    ariNextFunction: 0,
    hasAer: true,
    serialNumber: undefined,
    problems: [],
  });
});

test('reads a VF, which has ones for vendor and device ID', () => {
  const vf = parseConfigSpace(igbVfConfig());
  expect(vf).toMatchObject({
    vendorId: undefined,
    deviceId: undefined,
    msix: { vectors: 3, enabled: true },
    pcie: { type: 'endpoint', functionLevelReset: true },
    sriov: undefined,
    problems: [],
  });
});

test('reads the root port with its access control', () => {
  const port = parseConfigSpace(rootPortConfig());
  expect(port).toMatchObject({
    headerType: 1,
    pcie: { type: 'root-port', maxSpeedGTps: 16, maxWidth: 32, ariForwardingEnabled: true },
    acs: { capabilityBits: 0x5f, controlBits: 0x1d },
  });
});

test('64 bytes, as an ordinary user is given, say that the rest is unknown', () => {
  const header = parseConfigSpace(igbPfConfig().subarray(0, 64));
  expect(header).toMatchObject({
    vendorId: '8086',
    capabilitiesReadable: false,
    extendedCapabilitiesReadable: false,
    capabilities: [],
    sriov: undefined,
    problems: [],
  });
});

test('256 bytes hold the ordinary capabilities only', () => {
  const config = parseConfigSpace(igbPfConfig().subarray(0, 256));
  expect(config).toMatchObject({
    capabilitiesReadable: true,
    extendedCapabilitiesReadable: false,
    problems: [],
  });
  expect(config.msix).toEqual({ vectors: 10, enabled: true });
  expect(config.extendedCapabilities).toEqual([]);
});

test('no bytes, and fewer than a header, say nothing', () => {
  for (const sizeBytes of [0, 1, 2, 63]) {
    const config = parseConfigSpace(igbPfConfig().subarray(0, sizeBytes));
    expect(config).toMatchObject({ sizeBytes, vendorId: undefined, headerType: undefined, problems: [] });
  }
});

test('a device that does not answer is all ones', () => {
  const config = parseConfigSpace(new Uint8Array(4096).fill(0xff));
  expect(config.problems).toEqual(['the device does not answer']);
  expect(config.capabilities).toEqual([]);
});

test('a list that is a loop ends, and its capabilities count', () => {
  // PCI Express at 0xa0 leads back to MSI-X at 0x70.
  const config = parseConfigSpace(put(igbPfConfig(), [0xa1, 0x70, 1]));
  expect(config.problems).toEqual(['capability list: 0x70 comes twice, the list is a loop']);
  expect(config.msix?.vectors).toBe(10);
  expect(config.pcie?.type).toBe('endpoint');
});

test('an extended list that is a loop ends', () => {
  const config = parseConfigSpace(put(igbPfConfig(), [0x160, 0x10010010, 4]));
  expect(config.problems).toEqual(['extended capability list: 0x100 comes twice, the list is a loop']);
  expect(config.sriov?.totalVfs).toBe(8);
});

test('pointers into the header are problems', () => {
  expect(parseConfigSpace(put(igbPfConfig(), [0x34, 0x10, 1])).problems).toEqual([
    'capability list: 0x10 lies in the header',
  ]);
  expect(parseConfigSpace(put(igbPfConfig(), [0x100, 0x08010001, 4])).problems).toEqual([
    'extended capability list: 0x80 lies in the header',
  ]);
});

test('an SR-IOV capability at the very end is not read past the end', () => {
  const config = parseConfigSpace(put(igbPfConfig(), [0x100, 0xff010001, 4], [0xff0, 0x00010010, 4]));
  expect(config.sriov).toBeUndefined();
  expect(config.problems).toEqual(['the SR-IOV capability reaches beyond the configuration space']);
});

test('VF BARs of all kinds', () => {
  const bars = parseConfigSpace(
    put(
      igbPfConfig(),
      // 64-bit without prefetch above 4 GB, 32-bit prefetchable, I/O (impossible), nothing, 64-bit in the last (impossible).
      [0x184, 0x80000004, 4],
      [0x188, 0x00000038, 4],
      [0x18c, 0xfe300008, 4],
      [0x190, 0x0000e001, 4],
      [0x194, 0, 4],
      [0x198, 0xfe400004, 4],
    ),
  );
  expect(bars.sriov?.vfBars).toEqual([
    { index: 0, address: '0x3880000000', is64Bit: true, prefetchable: false },
    { index: 2, address: '0xfe300000', is64Bit: false, prefetchable: true },
  ]);
  expect(bars.problems).toEqual([
    'VF BAR 3 holds 0x0000e001, which no VF BAR can',
    'VF BAR 5 holds 0xfe400004, which no VF BAR can',
  ]);
});

test('a system page size register with several bits has no size', () => {
  expect(parseConfigSpace(put(igbPfConfig(), [0x180, 0x3, 4])).sriov?.systemPageSizeBytes).toBeUndefined();
  expect(parseConfigSpace(put(igbPfConfig(), [0x180, 0, 4])).sriov?.systemPageSizeBytes).toBeUndefined();
  expect(parseConfigSpace(put(igbPfConfig(), [0x180, 0x10, 4])).sriov?.systemPageSizeBytes).toBe(65536);
});

test('a fast card: speed, width, payload, read request', () => {
  // Gen4 x16, negotiated Gen3 x8, 512 bytes supported, 256 set, read requests of 4096.
  const config = parseConfigSpace(
    put(igbPfConfig(), [0xa4, 0x10000002, 4], [0xa8, 0x5020, 2], [0xac, 0x00000104, 4], [0xb2, 0x0083, 2]),
  );
  expect(config.pcie).toMatchObject({
    maxPayloadSupportedBytes: 512,
    maxPayloadBytes: 256,
    maxReadRequestBytes: 4096,
    maxSpeedGTps: 16,
    maxWidth: 16,
    currentSpeedGTps: 8,
    currentWidth: 8,
  });
});

test('reserved values are unknown, not numbers', () => {
  const config = parseConfigSpace(
    put(
      igbPfConfig(),
      [0xa2, 0x00f2, 2],
      [0xa4, 0x7, 4],
      [0xa8, 0x70e0, 2],
      [0xac, 0x1f, 4],
      [0xb2, 0x30, 2],
    ),
  );
  expect(config.pcie).toMatchObject({
    type: undefined,
    maxPayloadSupportedBytes: undefined,
    maxPayloadBytes: undefined,
    maxReadRequestBytes: undefined,
    maxSpeedGTps: undefined,
    maxWidth: 1,
    currentSpeedGTps: undefined,
    currentWidth: undefined,
  });
});

test('the device serial number reads as lspci writes it', () => {
  const config = parseConfigSpace(
    put(igbPfConfig(), [0x150, 0x16010003, 4], [0x154, 0xff112233, 4], [0x158, 0xa0369fff, 4]),
  );
  expect(config.serialNumber).toBe('a0-36-9f-ff-ff-11-22-33');
});
