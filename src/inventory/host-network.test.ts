import { describe, expect, it } from 'vitest';
import type { IfIndex } from '../base/identifiers.ts';
import type { LldpNeighbourFacts } from '../kernel/programs/lldp-neighbours.ts';
import type { Link } from '../kernel/rtnetlink/link.ts';
import { findRouteInterfaces, findSwitch } from './host-network.ts';

function link(ifIndex: number, name: string, attributes: Link['attributes'] = {}): Link {
  return { ifIndex: ifIndex as IfIndex, flags: 1, up: true, name, mtu: 1500, attributes };
}

function kind(name: string): Pick<Link['attributes'], 'linkInfo'> {
  return { linkInfo: { kind: name } };
}

function certainOf(names: readonly string[], links: readonly Link[]): number[] {
  return [...findRouteInterfaces(names, links).certain].toSorted((a, b) => a - b);
}

describe('what carries the default route', () => {
  it('is the interface itself', () => {
    expect(certainOf(['eth0'], [link(2, 'eth0'), link(3, 'eth1')])).toEqual([2]);
    expect(certainOf([], [link(2, 'eth0')])).toEqual([]);
    expect(certainOf(['gone'], [link(2, 'eth0')])).toEqual([]);
  });

  it('is everything below a VLAN on a bridge on a bond', () => {
    const links = [
      link(2, 'eth0', { master: 4 }),
      link(3, 'eth1', { master: 4 }),
      link(4, 'bond0', { ...kind('bond'), master: 5 }),
      link(5, 'br0', kind('bridge')),
      link(6, 'br0.7', { ...kind('vlan'), lowerLink: 5 }),
      link(7, 'eth2'),
      link(8, 'tap0', { master: 5 }),
    ];
    expect(certainOf(['br0.7'], links)).toEqual([2, 3, 4, 5, 6, 8]);
  });

  it('ends where the lower interface is in another namespace', () => {
    const links = [link(2, 'eth0'), link(3, 'veth0', { lowerLink: 2, linkNetnsId: 0 })];
    expect(certainOf(['veth0'], links)).toEqual([3]);
  });

  it('ends when links lead in a circle', () => {
    const links = [link(2, 'a', { lowerLink: 3 }), link(3, 'b', { lowerLink: 2, master: 2 })];
    expect(certainOf(['a'], links)).toEqual([2, 3]);
  });

  it('is not known behind an Open vSwitch', () => {
    const links = [
      link(2, 'ovs-system', kind('openvswitch')),
      link(3, 'br-ex', kind('openvswitch')),
      link(4, 'eth0', { master: 5 }),
      link(5, 'bond0', { ...kind('bond'), master: 2 }),
      link(6, 'eth1'),
    ];
    const { certain, possible } = findRouteInterfaces(['br-ex'], links);
    expect([...certain]).toEqual([3]);
    expect([...possible]).toEqual([4, 5]);
    expect([...findRouteInterfaces(['eth1'], links).possible]).toEqual([]);
  });
});

describe('the other end of a cable', () => {
  const neighbour = (chassis: string, forwards: boolean, portMac?: string): LldpNeighbourFacts => ({
    chassis,
    forwards,
    portMac,
    port: undefined,
    maxFrameBytes: undefined,
    vlans: [],
  });
  const own = '52:54:00:00:01:00';
  const vm = neighbour('vm', false, '52:54:00:aa:00:01');

  it('is the switch, not a VM that the card lets through, nor the PF itself', () => {
    const chassisOf = (...neighbours: LldpNeighbourFacts[]): string | undefined =>
      findSwitch(neighbours, own)?.chassis;
    expect(chassisOf(vm, neighbour('leaf-1', true), neighbour('leaf-2', true))).toBe('leaf-1');
    expect(chassisOf(neighbour('me', true, own), vm)).toBe('vm');
    expect(chassisOf(neighbour('me', true, own))).toBeUndefined();
    expect(chassisOf()).toBeUndefined();
  });
});
