import { expect, it } from 'vitest';
import { emptyHost, pf } from './igb-host.fixture.ts';
import { listRdmaDevices } from './rdma.ts';

it('lists the RDMA devices of a function with the network of their first port', () => {
  const host = emptyHost();
  try {
    const folder = `/sys/bus/pci/devices/${pf}/infiniband`;
    expect(listRdmaDevices(host.files, pf)).toEqual([]);
    host.write(`${folder}/mlx5_1/ports/10/link_layer`, 'InfiniBand\n');
    host.write(`${folder}/mlx5_1/ports/2/link_layer`, 'Ethernet\n');
    host.folder(`${folder}/mlx5_2`);
    expect(listRdmaDevices(host.files, pf)).toEqual([
      { name: 'mlx5_1', linkLayer: 'Ethernet' },
      { name: 'mlx5_2', linkLayer: undefined },
    ]);
  } finally {
    host.remove('/');
  }
});
