// Owns a lease for tests, whole and valid; what a test is about it gives itself.

import { randomBytes } from 'node:crypto';
import type { Lease } from '../../model/lease.ts';

export function exampleLease(more: Partial<Lease> = {}): Lease {
  return {
    apiVersion: 'vfleet/v1',
    kind: 'Lease',
    key: { pf: '0000:01:00.0', vf: 3 },
    address: '0000:01:10.6',
    generation: randomBytes(16).toString('hex'),
    owner: { kind: 'libvirt', uuid: '1c7f6e5a-0000-4000-8000-000000000001', name: 'web-1', hold: 'live' },
    network: 'storage',
    settings: { mac: '52:54:00:00:00:01', vlan: 100 },
    giveBack: { driver: 'igbvf', settings: { mac: '00:00:00:00:00:00', vlan: 0 } },
    acceptedRisks: [],
    createdAt: '2026-11-22T00:00:00.000Z',
    ...more,
  };
}
