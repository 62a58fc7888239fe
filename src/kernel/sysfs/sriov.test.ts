import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DevlinkHandle, PciAddress } from '../../base/identifiers.ts';
import type { FileTree } from '../kernel.ts';
import { devicePath } from './device.ts';
import type { HostFolder } from './igb-host.fixture.ts';
import { igbHost, pf, rootPort, vfs } from './igb-host.fixture.ts';
import { writeDriversAutoprobe, writeNumVfs } from './sriov-change.ts';
import { listSriovPfs, listVirtfns, numVfsPath, readNumVfs, readSriov } from './sriov.ts';

const nsim = 'netdevsim/netdevsim1' as DevlinkHandle;
const patientMs = 60_000;

let host: HostFolder;
beforeEach(() => {
  host = igbHost();
});
afterEach(() => host.remove('/'));

function refusing(files: FileTree, errno: string): FileTree {
  return { ...files, write: async () => ({ errno }) };
}

test('PFs are network devices that can have VFs, on both buses', () => {
  // A disk controller with SR-IOV is none of ours.
  host.write(`${devicePath(rootPort)}/sriov_totalvfs`, '32\n');
  host.write(`${devicePath(rootPort)}/class`, '0x010802\n');
  expect(listSriovPfs(host.files)).toEqual([pf, nsim]);
});

test('a device on the netdevsim bus without sriov_numvfs is no PF', () => {
  host.folder('/sys/bus/netdevsim/devices/netdevsim2');
  expect(listSriovPfs(host.files)).toEqual([pf, nsim]);
});

test('PFs are found without reading a file of a VF', () => {
  const read: string[] = [];
  const watched: FileTree = {
    ...host.files,
    readBytes(path, maxBytes) {
      read.push(path);
      return host.files.readBytes(path, maxBytes);
    },
  };
  listSriovPfs(watched);
  expect(read).toEqual([`${devicePath(pf)}/class`]);
});

test('reads the sriov files of a PF and counts its VFs by their links', () => {
  // The file would make us wait while VFs are being made; the links do not.
  host.write(numVfsPath(pf), '7\n');
  expect(readSriov(host.files, pf)).toEqual({
    totalVfs: 7,
    numVfs: 3,
    offset: 128,
    stride: 2,
    vfDeviceId: '10ca',
    driversAutoprobe: true,
  });
});

test('reads netdevsim, also without debugfs', () => {
  const sriov = { totalVfs: 256, numVfs: 0, offset: undefined, stride: undefined };
  expect(readSriov(host.files, nsim)).toMatchObject(sriov);
  host.remove('/sys/kernel/debug');
  host.write(numVfsPath(nsim), '12\n');
  expect(readSriov(host.files, nsim)).toMatchObject({ totalVfs: 0, numVfs: 12, driversAutoprobe: undefined });
});

test('what is no PF has no sriov files', () => {
  expect(readSriov(host.files, rootPort)).toBeUndefined();
  expect(readSriov(host.files, vfs[0])).toBeUndefined();
  expect(readSriov(host.files, 'netdevsim/netdevsim9' as DevlinkHandle)).toBeUndefined();
});

test('VFs are listed by index, in its order, whatever their addresses', () => {
  const path = devicePath(pf);
  host.linkText(`${path}/virtfn10`, '../0000:02:00.0');
  host.linkText(`${path}/virtfn9`, '../0000:02:11.7');
  host.linkText(`${path}/virtfnX`, '../0000:02:11.6');
  host.linkText(`${path}/virtfn011`, '../0000:02:11.5');
  host.linkText(`${path}/virtfn12`, '../nonsense');
  expect([...listVirtfns(host.files, pf)]).toEqual([
    [0, vfs[0]],
    [1, vfs[1]],
    [2, vfs[2]],
    [9, '0000:02:11.7'],
    [10, '0000:02:00.0'],
  ]);
  expect(listVirtfns(host.files, nsim).size).toBe(0);
});

test('the number of VFs in the kernel’s own words', async () => {
  expect(await readNumVfs(host.files, pf, patientMs)).toBe(3);
  await expect(readNumVfs(host.files, rootPort, patientMs)).rejects.toMatchObject({
    code: 'kernel.absent',
    details: { errno: 'ENOENT', pf: rootPort },
  });
  host.write(numVfsPath(pf), 'many\n');
  await expect(readNumVfs(host.files, pf, patientMs)).rejects.toMatchObject({ code: 'kernel.malformed' });
});

test('writes the number of VFs and the probe switch', async () => {
  await writeNumVfs(host.files, pf, 5, patientMs);
  await writeDriversAutoprobe(host.files, pf, false, patientMs);
  const contentOf = (file: string): string => readFileSync(join(host.root, devicePath(pf), file), 'utf8');
  expect([contentOf('sriov_numvfs'), contentOf('sriov_drivers_autoprobe')]).toEqual(['5\n', '0\n']);
});

test('a refused number of VFs names PF, driver, errno and what to do', async () => {
  await expect(writeNumVfs(refusing(host.files, 'ENOMEM'), pf, 4, patientMs)).rejects.toMatchObject({
    code: 'kernel.refused',
    message: 'setting 4 VFs on 0000:01:00.0: the kernel answered ENOMEM',
    hint: expect.stringContaining('pci=realloc') as unknown,
    details: { operation: 'write sriov_numvfs', errno: 'ENOMEM', driver: 'igb', pf, file: numVfsPath(pf) },
  });
  await expect(writeNumVfs(refusing(host.files, 'ENOMEM'), nsim, 4, patientMs)).rejects.toMatchObject({
    hint: expect.stringContaining('max_vfs') as unknown,
  });
});

test('ENOENT is the kernel’s answer while the file is there, and absence when it is not', async () => {
  await expect(writeNumVfs(refusing(host.files, 'ENOENT'), pf, 4, patientMs)).rejects.toMatchObject({
    code: 'kernel.refused',
    hint: expect.stringContaining('bind the PF’s driver') as unknown,
  });
  const gone = '0000:09:00.0' as PciAddress;
  await expect(writeNumVfs(host.files, gone, 4, patientMs)).rejects.toMatchObject({ code: 'kernel.absent' });
});
