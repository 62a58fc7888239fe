// Owns the files of a device that change something: number of VFs, probing of VFs, driver override, binding.

import { parsePciAddress } from '../../base/identifiers.ts';
import { addDynamicId, bindTo, probeDevice, unbindFrom } from '../driver-binding.ts';
import {
  chooseResetMethods,
  hasResetChoice,
  resetMethodsOf,
  resetVf,
  shownMethods,
} from '../function-reset.ts';
import type { SimHost } from '../host.ts';
import type { SimFunction } from '../host-index.ts';
import { writeNumVfs } from '../sriov.ts';
import type { SimPf } from '../state.ts';
import type { FileNode, TreeNode } from './node.ts';

/** What driver_override shows when none is set: the kernel prints its null pointer. */
const noOverride = '(null)';

export function numVfsFile(host: SimHost, address: string): FileNode {
  return {
    kind: 'file',
    about: { pf: address },
    lock: () => address,
    read: () => `${host.pf(address)?.pf.vfs.length ?? 0}\n`,
    write: async (text) => writeNumVfs(host, address, text),
  };
}

export function driversAutoprobeFile(host: SimHost, pf: SimPf): FileNode {
  return {
    kind: 'file',
    about: { pf: pf.address },
    read: () => `${pf.driversAutoprobe ? 1 : 0}\n`,
    write: (text) => {
      const enabled = parseKernelBoolean(text);
      if (enabled === undefined) return 'EINVAL';
      pf.driversAutoprobe = enabled;
      host.commit();
      return undefined;
    },
  };
}

/** As kstrtobool reads it: the first letters decide. */
function parseKernelBoolean(text: string): boolean | undefined {
  if (/^(?:[yYtT1]|[oO][nN])/.test(text)) return true;
  return /^(?:[nNfF0]|[oO][fF])/.test(text) ? false : undefined;
}

export function driverOverrideFile(host: SimHost, fn: SimFunction): TreeNode | undefined {
  if (fn.role !== 'pf' && fn.role !== 'vf') return { kind: 'file', read: () => `${noOverride}\n` };
  const place = fn.role === 'pf' ? fn.pf : fn.vf;
  return {
    kind: 'file',
    about: fn.role === 'pf' ? { pf: fn.address } : { pf: fn.pf.address, vf: fn.vf.index },
    lock: () => fn.address,
    read: () => `${place.driverOverride ?? noOverride}\n`,
    write: (text) => {
      const name = text.endsWith('\n') ? text.slice(0, -1) : text;
      place.driverOverride = name === '' ? undefined : name;
      host.commit();
      return undefined;
    },
  };
}

/** There is no such file for a VF that cannot be reset (drivers/pci/pci-sysfs.c pci_dev_reset_attr_is_visible). */
export function resetFile(host: SimHost, fn: Extract<SimFunction, { role: 'vf' }>): FileNode | undefined {
  if (resetMethodsOf(fn.profile.card.pci).length === 0) return undefined;
  return {
    kind: 'file',
    about: { pf: fn.pf.address, vf: fn.vf.index },
    lock: () => fn.address,
    write: (text) => resetVf(host, fn, text),
  };
}

export function vfResetMethodFile(
  host: SimHost,
  fn: Extract<SimFunction, { role: 'vf' }>,
): FileNode | undefined {
  if (resetMethodsOf(fn.profile.card.pci).length === 0 || !hasResetChoice(host.profile)) return undefined;
  return {
    kind: 'file',
    about: { pf: fn.pf.address, vf: fn.vf.index },
    read: () => `${shownMethods(fn)}\n`,
    write: (text) => chooseResetMethods(host, fn, text),
  };
}

/** A file that takes the address of a device and locks that device. */
function addressFile(host: SimHost, work: (address: string) => Promise<string | undefined>): FileNode {
  const addressOf = (text: string | undefined): string | undefined => {
    const address = parsePciAddress((text ?? '').trim());
    return address !== undefined && host.index.functions.has(address) ? address : undefined;
  };
  return {
    kind: 'file',
    lock: addressOf,
    write: async (text) => {
      const address = addressOf(text);
      return address === undefined ? 'ENODEV' : work(address);
    },
  };
}

export function bindFile(host: SimHost, driver: string): FileNode {
  return addressFile(host, async (address) => bindTo(host, address, driver));
}

export function unbindFile(host: SimHost, driver: string): FileNode {
  return addressFile(host, async (address) => unbindFrom(host, address, driver));
}

export function driversProbeFile(host: SimHost): FileNode {
  return addressFile(host, async (address) => probeDevice(host, address));
}

export function newIdFile(host: SimHost, driver: string): FileNode {
  return { kind: 'file', write: (text) => addDynamicId(host, driver, text) };
}
