import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PciAddress } from '../base/identifiers.ts';
import { emptyHost } from '../kernel/sysfs/igb-host.fixture.ts';
import type { HostFolder } from '../kernel/sysfs/igb-host.fixture.ts';
import type { PcieDevice } from '../model/pcie.ts';
import { readPciePath } from './pcie-path.ts';

// A card behind a PCIe switch, with another card and a disk behind the same switch, as sysfs shows them.
const rootPort = '0000:16:02.0';
const upstream = '0000:17:00.0';
const downstream = '0000:18:00.0';
const otherDownstream = '0000:18:01.0';
const card = '0000:19:00.0' as PciAddress;
const otherCard = '0000:1a:00.0';
const root = '/sys/devices/pci0000:16';

const portTypes = { endpoint: 0, 'root-port': 4, 'upstream-port': 5, 'downstream-port': 6, 'pci-bridge': 7 };

interface Function {
  readonly folder: string;
  readonly address: string;
  readonly kind: keyof typeof portTypes;
  /** Capable and enabled controls of ACS, as bits. */
  readonly acs?: readonly [number, number];
  readonly sizeBytes?: number;
  readonly link?: readonly [speed: string, width: number];
}

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

/** Header with a PCI Express capability at 0x40, and behind it ACS or nothing. */
function configOf({ kind, acs, sizeBytes = 4096 }: Function): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  view.setUint16(0x06, 0x10, true);
  view.setUint8(0x0e, kind === 'endpoint' ? 0 : 1);
  view.setUint8(0x34, 0x40);
  view.setUint8(0x40, 0x10);
  view.setUint16(0x42, 2 | (portTypes[kind] << 4), true);
  // Payloads of up to 512, set to 256; read requests of 4096.
  view.setUint32(0x44, 2, true);
  view.setUint16(0x48, (5 << 12) | (1 << 5), true);
  if (acs !== undefined) {
    view.setUint32(0x100, 0x0001_000d, true);
    view.setUint16(0x104, acs[0], true);
    view.setUint16(0x106, acs[1], true);
  }
  return bytes.subarray(0, sizeBytes);
}

function add(fn: Function): void {
  const path = `${root}/${fn.folder}${fn.address}`;
  host.write(`${path}/vendor`, '0x15b3\n');
  host.write(`${path}/device`, '0x1017\n');
  host.write(`${path}/class`, fn.kind === 'endpoint' ? '0x020000\n' : '0x060400\n');
  host.write(`${path}/config`, configOf(fn));
  const [speed, width] = fn.link ?? ['8.0 GT/s PCIe', 8];
  host.write(`${path}/current_link_speed`, `${speed}\n`);
  host.write(`${path}/current_link_width`, `${width}\n`);
  host.write(`${path}/max_link_speed`, '16.0 GT/s PCIe\n');
  host.write(`${path}/max_link_width`, '16\n');
  host.link(`/sys/bus/pci/devices/${fn.address}`, path);
}

function addSwitch(options: Pick<Function, 'sizeBytes'> = {}): void {
  const below = `${rootPort}/${upstream}/`;
  const cardFolder = `${below}${downstream}/`;
  add({ folder: '', address: rootPort, kind: 'root-port', acs: [0x5f, 0x1d], ...options });
  add({ folder: `${rootPort}/`, address: upstream, kind: 'upstream-port', ...options });
  add({ folder: below, address: downstream, kind: 'downstream-port', acs: [0x7f, 0], ...options });
  add({ folder: below, address: otherDownstream, kind: 'downstream-port', acs: [0x7f, 0], ...options });
  add({ folder: cardFolder, address: card, kind: 'endpoint', ...options });
  add({ folder: cardFolder, address: '0000:19:00.1', kind: 'endpoint', ...options });
  // A VF beyond function 7, and a PF that ARI numbers so.
  add({ folder: cardFolder, address: '0000:19:08.2', kind: 'endpoint', ...options });
  host.link(`${root}/${cardFolder}0000:19:08.2/physfn`, `${root}/${cardFolder}${card}`);
  add({ folder: cardFolder, address: '0000:19:01.0', kind: 'endpoint', ...options });
  add({ folder: `${below}${otherDownstream}/`, address: otherCard, kind: 'endpoint', ...options });
}

function path(): readonly PcieDevice[] {
  return readPciePath(host.files, card)?.path ?? [];
}

describe('the way through a switch', () => {
  it('has every bridge with its kind, from the card to the root', () => {
    addSwitch();
    expect(path().map(({ address, kind }) => [address, kind])).toEqual([
      [card, 'endpoint'],
      [downstream, 'downstream-port'],
      [upstream, 'upstream-port'],
      [rootPort, 'root-port'],
    ]);
    expect(readPciePath(host.files, card)?.isWhole).toBe(true);
  });

  it('names what shares a link, and neither functions nor VFs of the card itself', () => {
    addSwitch();
    expect(path().map(({ alsoBelow }) => alsoBelow)).toEqual([[], [], [otherCard], [otherCard]]);
  });

  it('has ACS as each bridge can and does, in the order of the specification', () => {
    addSwitch();
    const [, port, , top] = path();
    expect(path()[2]).not.toHaveProperty('acs');
    expect(port?.acs?.capable).toHaveLength(7);
    expect(port?.acs?.enabled).toEqual([]);
    expect(top?.acs).toEqual({
      capable: [
        'sourceValidation',
        'translationBlocking',
        'requestRedirect',
        'completionRedirect',
        'upstreamForwarding',
        'directTranslated',
      ],
      enabled: ['sourceValidation', 'requestRedirect', 'completionRedirect', 'upstreamForwarding'],
    });
  });

  it('has payload sizes and links', () => {
    addSwitch();
    expect(path()[0]).toMatchObject({
      vendorId: '15b3',
      deviceId: '1017',
      link: { currentSpeedGTps: 8, currentWidth: 8, maxSpeedGTps: 16, maxWidth: 16 },
      maxPayloadBytes: 256,
      maxPayloadSupportedBytes: 512,
      maxReadRequestBytes: 4096,
    });
  });
});

describe('a reader without rights', () => {
  it('gets links and neighbours, and no registers', () => {
    addSwitch({ sizeBytes: 64 });
    expect(readPciePath(host.files, card)?.isWhole).toBe(false);
    expect(path().map(({ kind }) => kind)).toEqual(['endpoint', 'bridge', 'bridge', 'bridge']);
    for (const device of path()) {
      expect(device).toHaveProperty('link');
      expect(device).not.toHaveProperty('acs');
      expect(device).not.toHaveProperty('maxPayloadBytes');
    }
    // Without knowing a port from a bridge, a PF beyond function 7 is taken for a neighbour.
    expect(path().map(({ alsoBelow }) => alsoBelow)).toEqual([
      [],
      ['0000:19:01.0'],
      ['0000:19:01.0', otherCard],
      ['0000:19:01.0', otherCard],
    ]);
  });
});

describe('other places', () => {
  it('may have a conventional bus with several devices', () => {
    add({ folder: '', address: rootPort, kind: 'pci-bridge' });
    add({ folder: `${rootPort}/`, address: card, kind: 'endpoint' });
    add({ folder: `${rootPort}/`, address: '0000:19:05.0', kind: 'endpoint' });
    expect(path().map(({ kind, alsoBelow }) => ({ kind, alsoBelow }))).toEqual([
      { kind: 'endpoint', alsoBelow: [] },
      { kind: 'bridge', alsoBelow: ['0000:19:05.0'] },
    ]);
  });

  it('may be right on the root bus, without a link', () => {
    add({ folder: '', address: card, kind: 'endpoint', link: ['Unknown', 0] });
    expect(path()).toMatchObject([{ address: card, kind: 'endpoint', alsoBelow: [] }]);
    expect(path()[0]).not.toHaveProperty('link');
  });

  it('may have gone', () => {
    expect(readPciePath(host.files, card)).toBeUndefined();
  });
});
