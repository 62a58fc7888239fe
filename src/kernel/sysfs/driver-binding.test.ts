import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PciAddress } from '../../base/identifiers.ts';
import { VfleetError } from '../../base/errors.ts';
import type { Errno, FileTree } from '../kernel.ts';
import { devicePath, readDriver } from './device.ts';
import { bindDriver, unbindDriver } from './driver-binding.ts';
import type { HostFolder } from './igb-host.fixture.ts';
import { igbHost, pf, vfs } from './igb-host.fixture.ts';

const [kernelVf, vfioVf, freeVf] = vfs;
const timeoutMs = 60_000;

/** What a driver core of the tests does when a driver is asked to take a device. */
interface Behaviour {
  /** Errno of a driver's probe by driver name. */
  readonly probeErrno?: Readonly<Record<string, string>>;
  /** Errno of a write, by the file's last name, before anything happens. */
  readonly writeErrno?: Readonly<Record<string, string>>;
  /** Files whose write never comes back. */
  readonly hanging?: readonly string[];
}

let host: HostFolder;
let writes: string[];
beforeEach(() => {
  host = igbHost();
  writes = [];
});
afterEach(() => host.remove('/'));

/**
 * The kernel's driver core behind the port: drivers/base/dd.c and drivers/pci/pci-driver.c as far as binding goes.
 * igbvf is the usual driver of the VFs; vfio-pci takes a device only by override.
 */
function driverCore(behaviour: Behaviour = {}): FileTree {
  const override = new Map<string, string>();
  let isAutoprobeOn = true;

  function probe(address: string, only: string | undefined): Errno | undefined {
    const named = override.get(address);
    const driver = named ?? 'igbvf';
    if (only !== undefined && only !== driver) return { errno: 'ENODEV' };
    if (!isAutoprobeOn && named === undefined) return { errno: 'ENODEV' };
    const errno = behaviour.probeErrno?.[driver];
    if (errno !== undefined) return { errno };
    host.link(`${devicePath(address as PciAddress)}/driver`, `/sys/bus/pci/drivers/${driver}`);
    return undefined;
  }

  return {
    ...host.files,
    async write(path, text) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const owner = path.split('/').at(-2) ?? '';
      writes.push(`${name} ${text === '\n' ? 'nothing' : text}`);
      if (host.files.identity(path) === undefined) return { errno: 'ENOENT' };
      if (behaviour.hanging?.includes(name) === true) {
        throw new VfleetError('kernel.timeout', `the write to ${path} has been in the kernel for 1 s`);
      }
      const errno = behaviour.writeErrno?.[name];
      if (errno !== undefined) return { errno };
      if (name === 'driver_override') {
        if (text === '\n') override.delete(owner);
        else override.set(owner, text);
      } else if (name === 'sriov_drivers_autoprobe') {
        isAutoprobeOn = text === '1';
        host.write(path, `${text}\n`);
      } else if (name === 'unbind') {
        host.remove(`${devicePath(text as PciAddress)}/driver`);
      } else if (name === 'drivers_probe') {
        // A driver's refusal stays inside (drivers/base/bus.c drivers_probe_store).
        probe(text, undefined);
      } else if (name === 'bind') {
        return probe(text, owner);
      }
      return undefined;
    },
  };
}

test('takes a driver away and names it; a device without one is left alone', async () => {
  const files = driverCore();
  expect(await unbindDriver(files, vfioVf, timeoutMs)).toBe('vfio-pci');
  expect(readDriver(files, vfioVf)).toBeUndefined();
  expect(await unbindDriver(files, freeVf, timeoutMs)).toBeUndefined();
  expect(writes).toEqual([`unbind ${vfioVf}`]);
});

test('an unbind that waits for a vfio user says so', async () => {
  const files = driverCore({ hanging: ['unbind'] });
  await expect(unbindDriver(files, vfioVf, timeoutMs)).rejects.toMatchObject({
    code: 'kernel.timeout',
    hint: expect.stringContaining('vfio') as unknown,
    details: { operation: 'write unbind', driver: 'vfio-pci' },
  });
});

test('an unbind that did nothing is a mismatch', async () => {
  const files: FileTree = { ...host.files, write: async () => undefined };
  await expect(unbindDriver(files, vfioVf, timeoutMs)).rejects.toMatchObject({ code: 'verify.mismatch' });
});

test('binds the named driver by override and leaves no override behind', async () => {
  const files = driverCore();
  expect(await bindDriver(files, freeVf, 'vfio-pci', timeoutMs)).toBe('vfio-pci');
  expect(readDriver(files, freeVf)).toBe('vfio-pci');
  expect(writes).toEqual(['driver_override vfio-pci', `drivers_probe ${freeVf}`, 'driver_override nothing']);
});

test('a driver that is bound already needs no write', async () => {
  expect(await bindDriver(driverCore(), vfioVf, 'vfio-pci', timeoutMs)).toBe('vfio-pci');
  expect(writes).toEqual([]);
});

test('another driver in the way is EBUSY, and nothing is written', async () => {
  for (const choice of ['vfio-pci', 'usual']) {
    await expect(bindDriver(driverCore(), kernelVf, choice, timeoutMs)).rejects.toMatchObject({
      code: 'kernel.refused',
      details: { errno: 'EBUSY', driver: 'igbvf' },
    });
  }
  expect(writes).toEqual([]);
});

test('a probe that fails silently is asked for its reason, and the override goes all the same', async () => {
  const files = driverCore({ probeErrno: { 'vfio-pci': 'EINVAL' } });
  await expect(bindDriver(files, freeVf, 'vfio-pci', timeoutMs)).rejects.toMatchObject({
    code: 'kernel.refused',
    hint: expect.stringContaining('IOMMU') as unknown,
    details: { operation: 'write bind', errno: 'EINVAL', driver: 'vfio-pci' },
  });
  expect(writes.at(-1)).toBe('driver_override nothing');
  expect(readDriver(files, freeVf)).toBeUndefined();
});

test('a failure to clear the override is not passed over', async () => {
  let isSet = false;
  const core = driverCore();
  const files: FileTree = {
    ...core,
    async write(path, text, patienceMs) {
      if (path.endsWith('driver_override') && isSet) return { errno: 'EIO' };
      isSet ||= path.endsWith('driver_override');
      return core.write(path, text, patienceMs);
    },
  };
  await expect(bindDriver(files, freeVf, 'vfio-pci', timeoutMs)).rejects.toMatchObject({
    details: { operation: 'write driver_override', errno: 'EIO' },
  });
});

test('a driver that is not loaded is absent, with the command that loads it', async () => {
  await expect(bindDriver(driverCore(), freeVf, 'mlx5_core', timeoutMs)).rejects.toMatchObject({
    code: 'kernel.absent',
    hint: expect.stringContaining('modprobe mlx5_core') as unknown,
  });
  expect(writes).toEqual([]);
});

test('a driver that is nearly called so is named', async () => {
  await expect(bindDriver(driverCore(), freeVf, 'vfio', timeoutMs)).rejects.toMatchObject({
    hint: expect.stringMatching(/^Did you mean vfio-pci\?.*modprobe vfio$/) as unknown,
  });
});

test('a name that is no driver’s reaches no path', async () => {
  for (const name of ['..', '../../x', '', '.', 'a/b', 'a\n']) {
    await expect(bindDriver(driverCore(), freeVf, name, timeoutMs)).rejects.toMatchObject({
      code: 'kernel.absent',
    });
  }
  expect(writes).toEqual([]);
});

test('finds the usual driver, clearing an override that is left over', async () => {
  const files = driverCore();
  expect(await bindDriver(files, freeVf, 'usual', timeoutMs)).toBe('igbvf');
  expect(writes).toEqual(['driver_override nothing', `drivers_probe ${freeVf}`]);
});

test('with sriov_drivers_autoprobe off, a named driver still binds', async () => {
  const files = driverCore();
  await files.write(`${devicePath(pf)}/sriov_drivers_autoprobe`, '0', timeoutMs);
  expect(await bindDriver(files, freeVf, 'igbvf', timeoutMs)).toBe('igbvf');
});

test('with sriov_drivers_autoprobe off, it is on for the probe of the usual driver only', async () => {
  const files = driverCore();
  await files.write(`${devicePath(pf)}/sriov_drivers_autoprobe`, '0', timeoutMs);
  writes = [];
  expect(await bindDriver(files, freeVf, 'usual', timeoutMs)).toBe('igbvf');
  expect(writes).toEqual([
    'driver_override nothing',
    'sriov_drivers_autoprobe 1',
    `drivers_probe ${freeVf}`,
    'sriov_drivers_autoprobe 0',
  ]);
});

test('no usual driver takes the device', async () => {
  const files = driverCore({ probeErrno: { igbvf: 'EIO' } });
  await expect(bindDriver(files, freeVf, 'usual', timeoutMs)).rejects.toMatchObject({
    code: 'kernel.refused',
    message: `${freeVf} cannot be bound: no driver took it`,
    details: { errno: 'ENODEV' },
  });
});

test('a probe that hangs names the device', async () => {
  const files = driverCore({ hanging: ['drivers_probe'] });
  await expect(bindDriver(files, freeVf, 'vfio-pci', timeoutMs)).rejects.toMatchObject({
    code: 'kernel.timeout',
    hint: expect.stringContaining(freeVf) as unknown,
  });
});

test('without the right to write, the right is named', async () => {
  const files = driverCore({ writeErrno: { driver_override: 'EACCES' } });
  await expect(bindDriver(files, freeVf, 'vfio-pci', timeoutMs)).rejects.toMatchObject({
    code: 'kernel.refused',
    hint: 'Run as root.',
  });
});

test('a device that is not there is absent', async () => {
  const gone = '0000:0f:00.0' as PciAddress;
  await expect(bindDriver(driverCore(), gone, 'usual', timeoutMs)).rejects.toMatchObject({
    code: 'kernel.absent',
  });
  await expect(unbindDriver(driverCore(), gone, timeoutMs)).rejects.toMatchObject({ code: 'kernel.absent' });
});
