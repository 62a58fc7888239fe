import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { emptyHost } from '../sysfs/igb-host.fixture.ts';
import type { HostFolder } from '../sysfs/igb-host.fixture.ts';
import { readDefaultRouteInterfaces } from './default-route.ts';

// In the form in which the kernel writes them, each line of IPv4 filled up to 127 characters.
const ipv4 = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       ',
  'bond0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0                                                                               ',
  'eno2\t00000000\t010200C0\t0003\t0\t0\t200\t00000000\t0\t0\t0                                                                               ',
  '*\t00000000\t00000000\t0201\t0\t0\t900\t00000000\t0\t0\t0                                                                               ',
  'half\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0                                                                               ',
  'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0                                                                               ',
].join('\n');
const zero = '0'.repeat(32);
const ipv6 = [
  `fd000000000000000000000000000000 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth0`,
  `${zero} 00 ${zero} 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003 vlan100`,
  `${zero} 00 ${zero} 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003   bond0`,
  `${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo`,
].join('\n');

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

it('names the interfaces of the default routes of both families once', () => {
  host.write('/proc/net/route', `${ipv4}\n`);
  host.write('/proc/net/ipv6_route', `${ipv6}\n`);
  expect(readDefaultRouteInterfaces(host.files)).toEqual(['bond0', 'eno2', 'vlan100']);
});

it('does with one family', () => {
  host.write('/proc/net/ipv6_route', `${ipv6}\n`);
  expect(readDefaultRouteInterfaces(host.files)).toEqual(['vlan100', 'bond0']);
});

it('tells no route from no file', () => {
  expect(readDefaultRouteInterfaces(host.files)).toBeUndefined();
  host.write('/proc/net/route', `${ipv4.split('\n')[0]}\n`);
  expect(readDefaultRouteInterfaces(host.files)).toEqual([]);
});

it('reads any text', () => {
  const lines = fc.array(fc.oneof(fc.string(), fc.constantFrom(...ipv4.split('\n'), ...ipv6.split('\n'))), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(lines, (all) => {
      host.write('/proc/net/route', all.join('\n'));
      expect(readDefaultRouteInterfaces(host.files)).toBeInstanceOf(Array);
    }),
    { numRuns: 200 },
  );
});
