import { afterEach, beforeEach, expect, test } from 'vitest';
import { readModulePlaces } from './module-state.ts';
import type { HostFolder } from './sysfs/igb-host.fixture.ts';
import { emptyHost } from './sysfs/igb-host.fixture.ts';

const release = '6.12.48+deb13-amd64';
const folder = `/lib/modules/${release}`;

let host: HostFolder;
beforeEach(() => {
  host = emptyHost();
});
afterEach(() => host.remove('/'));

function placesOf(...names: string[]): Record<string, string> {
  return Object.fromEntries(readModulePlaces(host.files, release, names));
}

test('a module is loaded, inside the kernel, on the disk, or nowhere', () => {
  host.write(`${folder}/modules.builtin`, 'kernel/drivers/pci/pci-stub.ko\nkernel/virt/quiet.ko\n');
  host.write(
    `${folder}/modules.dep`,
    [
      'kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/drivers/vfio/pci/vfio-pci-core.ko.xz kernel/only/needed.ko.xz',
      'kernel/drivers/net/ethernet/intel/igb/igb.ko.zst:',
      'kernel/drivers/net/plain.ko:',
      'updates/dkms/own.ko.gz:',
      '',
    ].join('\n'),
  );
  host.write('/sys/module/igb/initstate', 'live\n');
  host.folder('/sys/module/kvm/parameters');
  expect(
    placesOf('igb', 'vfio-pci', 'vfio_pci', 'plain', 'own', 'pci-stub', 'quiet', 'kvm', 'needed', 'sfc'),
  ).toEqual({
    igb: 'loaded',
    'vfio-pci': 'available',
    vfio_pci: 'available',
    plain: 'available',
    own: 'available',
    'pci-stub': 'builtin',
    quiet: 'builtin',
    kvm: 'builtin',
    needed: 'absent',
    sfc: 'absent',
  });
});

test('without the lists, only what runs is known', () => {
  host.write('/sys/module/vfio_pci/initstate', 'live\n');
  expect(placesOf('vfio-pci', 'sfc')).toEqual({ 'vfio-pci': 'loaded' });
});

test('a release that is no folder name leads nowhere else', () => {
  host.write('/etc/modules.dep', 'sfc.ko:\n');
  for (const name of ['../../etc', '..', '', 'a/b', 'a\0b'])
    expect([...readModulePlaces(host.files, name, ['sfc'])]).toEqual([]);
});
