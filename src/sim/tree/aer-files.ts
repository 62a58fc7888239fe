// Owns the files with counts of PCIe errors (Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats): all zero.

import type { SimFunction } from '../host-index.ts';
import type { OpenMembers, TreeNode } from './node.ts';
import { line } from './node.ts';

const correctable = [
  'RxErr',
  'BadTLP',
  'BadDLLP',
  'Rollover',
  'Timeout',
  'NonFatalErr',
  'CorrIntErr',
  'HeaderOF',
];
const uncorrectable = [
  'Undefined',
  'DLP',
  'SDES',
  'TLP',
  'FCP',
  'CmpltTO',
  'CmpltAbrt',
  'UnxCmplt',
  'RxOF',
  'MalfTLP',
  'ECRC',
  'UnsupReq',
  'ACSViol',
  'UncorrIntErr',
  'BlockedTLP',
  'AtomicOpBlocked',
  'TLPBlockedErr',
  'PoisonTLPBlocked',
];

const files: ReadonlyMap<string, string> = new Map([
  ['aer_dev_correctable', [...correctable, 'TOTAL_ERR_COR'].map((name) => `${name} 0`).join('\n')],
  ['aer_dev_fatal', [...uncorrectable, 'TOTAL_ERR_FATAL'].map((name) => `${name} 0`).join('\n')],
  ['aer_dev_nonfatal', [...uncorrectable, 'TOTAL_ERR_NONFATAL'].map((name) => `${name} 0`).join('\n')],
]);

function counts(fn: SimFunction): boolean {
  if (fn.role === 'bridge') return true;
  return (fn.role === 'pf' || fn.role === 'vf') && fn.profile.card.aer === true;
}

export function aerFiles(fn: SimFunction): OpenMembers {
  return {
    names: () => (counts(fn) ? [...files.keys()] : []),
    child: (name): TreeNode | undefined => {
      const content = counts(fn) ? files.get(name) : undefined;
      return content === undefined ? undefined : line(content);
    },
  };
}
