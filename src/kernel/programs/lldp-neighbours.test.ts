import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../../base/errors.ts';
import { parseLldpNeighbours } from './lldp-neighbours.ts';

/** In lldpcli's form (src/client/display.c, json_writer.c of lldpd): a switch, and a second neighbour on the same wire. */
const answer = {
  lldp: [
    {
      interface: [
        {
          name: 'enp1s0',
          via: 'LLDP',
          rid: '1',
          age: '0 day, 01:12:01',
          chassis: [
            {
              id: [{ type: 'mac', value: '44:4c:a8:11:22:33' }],
              name: [{ value: 'leaf-1.example.net' }],
              descr: [{ value: 'Arista Networks EOS' }],
              'mgmt-ip': [{ value: '192.0.2.10' }],
              capability: [{ type: 'Bridge', enabled: true }],
            },
          ],
          port: [
            {
              id: [{ type: 'ifname', value: 'Ethernet5/1' }],
              descr: [{ value: 'web-7' }],
              ttl: [{ value: '120' }],
              mfs: [{ value: '9236' }],
            },
          ],
          vlan: [
            { 'vlan-id': '200', value: 'storage' },
            { 'vlan-id': '100', pvid: true, value: 'VLAN100' },
            { 'vlan-id': '200' },
          ],
        },
        { name: 'enp1s0', chassis: [{ id: [{ type: 'mac', value: '00:00:5e:00:53:01' }] }] },
        { name: 'enp2s0', chassis: [{ id: [{ type: 'mac', value: '00:00:5e:00:53:02' }] }], port: [{}] },
      ],
    },
  ],
};

const nothing = { forwards: false, portMac: undefined, port: undefined, maxFrameBytes: undefined, vlans: [] };

describe('neighbours by LLDP', () => {
  it('are read by interface', () => {
    expect(parseLldpNeighbours(JSON.stringify(answer))).toEqual(
      new Map([
        [
          'enp1s0',
          [
            {
              forwards: true,
              portMac: undefined,
              chassis: 'leaf-1.example.net',
              port: 'Ethernet5/1',
              maxFrameBytes: 9236,
              vlans: [100, 200],
            },
            { ...nothing, chassis: '00:00:5e:00:53:01' },
          ],
        ],
        ['enp2s0', [{ ...nothing, chassis: '00:00:5e:00:53:02' }]],
      ]),
    );
  });

  it.each(['{"lldp":[{}]}', '{}', '[]', 'null', '{"lldp":[{"interface":[]}]}'])('are none in %s', (json) => {
    expect(parseLldpNeighbours(json)).toEqual(new Map());
  });

  it.each(['', 'lldpd is not running', '{"lldp":'])('cannot be in %j', (text) => {
    expect(() => parseLldpNeighbours(text)).toThrow(VfleetError);
  });

  it('may announce nonsense', () => {
    const [neighbour] = parseLldpNeighbours(
      JSON.stringify({
        lldp: {
          interface: {
            name: 'a\u001b[31m',
            chassis: [{ name: [{ value: `x\u0007y\u202e${'z'.repeat(400)}` }] }],
            port: [{ id: [{ value: 7 }], mfs: [{ value: '70000' }] }],
            vlan: [
              { 'vlan-id': '0' },
              { 'vlan-id': '4095' },
              { 'vlan-id': 12 },
              { 'vlan-id': '1e2' },
              3,
              null,
            ],
          },
        },
      }),
    );
    expect(neighbour?.[0]).toBe('a [31m');
    expect(neighbour?.[1][0]).toMatchObject({ port: undefined, maxFrameBytes: undefined, vlans: [12] });
    expect(neighbour?.[1][0]?.chassis).toMatch(/^x y z{251}$/);
  });

  it('may be any JSON', () => {
    const part = fc.jsonValue({ maxDepth: 4 });
    const near = fc.record({
      lldp: fc.array(
        fc.record({
          interface: fc.array(fc.record({ name: fc.string(), chassis: part, port: part, vlan: part })),
        }),
      ),
    });
    fc.assert(
      fc.property(fc.oneof(part, near), (value) => {
        for (const { vlans, maxFrameBytes = 1 } of [
          ...parseLldpNeighbours(JSON.stringify(value)).values(),
        ].flat()) {
          expect(vlans.every((vlan) => vlan >= 1 && vlan <= 4094)).toBe(true);
          expect(maxFrameBytes).toBeGreaterThan(0);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
