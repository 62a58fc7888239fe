import { expect, test } from 'vitest';
import { hintFor } from './errno-hints.ts';

test('a hint belongs to an operation and an errno', () => {
  expect(hintFor('write sriov_numvfs', 'ENOMEM', 'igb')).toContain('pci=realloc');
  expect(hintFor('write sriov_numvfs', 'ENOMEM')).toContain('BIOS');
  expect(hintFor('RTM_SETLINK', 'ENOMEM', 'igb')).toBeUndefined();
  expect(hintFor('write sriov_numvfs', 'ELOOP')).toBeUndefined();
});

test('a driver’s own hint comes before the one for all', () => {
  expect(hintFor('write sriov_numvfs', 'ENOMEM', 'netdevsim')).toContain('max_vfs');
  expect(hintFor('write sriov_numvfs', 'EPERM', 'igb')).toContain('virtual machine');
  expect(hintFor('write sriov_numvfs', 'EPERM', 'ice')).toContain('root');
  expect(hintFor('write bind', 'EINVAL', 'vfio-pci')).toContain('intel_iommu=on');
  expect(hintFor('write bind', 'EINVAL', 'igbvf')).toBeUndefined();
});

test('missing rights have a hint for every operation', () => {
  for (const operation of ['RTM_SETLINK', 'DEVLINK_CMD_ESWITCH_SET', 'write bind', 'anything']) {
    expect(hintFor(operation, 'EPERM')).toContain('root');
    expect(hintFor(operation, 'EROFS')).toContain('read-only');
  }
});
