import { describe, expect, it } from 'vitest';
import { orderModules, parseModulesDep } from './initramfs.ts';

const dependencies = parseModulesDep(
  [
    'kernel/net/9p/9pnet.ko.xz:',
    'kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz',
    'kernel/fs/netfs/netfs.ko.xz:',
    'kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz',
    'kernel/drivers/vfio/pci/vfio-pci.ko:',
    '',
  ].join('\n'),
);

describe('orderModules', () => {
  it('puts each module after what it depends on, once', () => {
    expect(orderModules(['9pnet_virtio', '9p'], dependencies)).toEqual([
      'kernel/net/9p/9pnet.ko.xz',
      'kernel/net/9p/9pnet_virtio.ko.xz',
      'kernel/fs/netfs/netfs.ko.xz',
      'kernel/fs/9p/9p.ko.xz',
    ]);
  });

  it('takes a dash for an underscore', () => {
    expect(orderModules(['vfio_pci'], dependencies)).toEqual(['kernel/drivers/vfio/pci/vfio-pci.ko']);
  });

  it('names a module that the kernel lacks', () => {
    expect(() => orderModules(['igb'], dependencies)).toThrow(/no module igb/);
  });
});
