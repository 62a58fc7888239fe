import { expect, it } from 'vitest';
import { parseActiveMtu } from './rdma-port.ts';

/** In the form of ibv_devinfo (libibverbs/examples/devinfo.c of rdma-core). */
const output = [
  'hca_id:\tmlx5_0',
  '\ttransport:\t\t\tInfiniBand (0)',
  '\tfw_ver:\t\t\t\t22.41.1000',
  '\t\tport:\t1',
  '\t\t\tstate:\t\t\tPORT_ACTIVE (4)',
  '\t\t\tmax_mtu:\t\t4096 (5)',
  '\t\t\tactive_mtu:\t\t1024 (3)',
  '\t\t\tlink_layer:\t\tEthernet',
].join('\n');

it('finds the active MTU', () => {
  expect(parseActiveMtu(output)).toBe(1024);
});

it.each([
  '',
  'Failed to get IB devices list',
  'active_mtu: 1500',
  'active_mtu: invalid MTU (0)',
  'max_mtu: 4096 (5)',
])('finds none in %j', (text) => {
  expect(parseActiveMtu(text)).toBeUndefined();
});
