// Owns the words for what libvirt refuses: its error structure becomes one VfleetError.
// Decides nothing about what was asked.

import type { VfleetErrorCode } from '../../base/errors.ts';
import { VfleetError } from '../../base/errors.ts';
import { remoteError } from './remote-protocol.ts';
import { decodeXdr } from './xdr.ts';

/** virErrorNumber (include/libvirt/virterror.h), as far as vfleet acts on one. */
const virErrors = {
  VIR_ERR_INTERNAL_ERROR: 1,
  VIR_ERR_NO_DOMAIN: 42,
  VIR_ERR_AUTH_FAILED: 45,
  VIR_ERR_OPERATION_INVALID: 55,
  VIR_ERR_OPERATION_TIMEOUT: 68,
  VIR_ERR_AUTH_CANCELLED: 79,
  VIR_ERR_ACCESS_DENIED: 88,
  VIR_ERR_AUTH_UNAVAILABLE: 94,
} as const;
type VirError = keyof typeof virErrors;
const virErrorNames = new Map<number, string>(Object.entries(virErrors).map(([name, code]) => [code, name]));

/** Which code of vfleet's an error of libvirt's is; all others are `hypervisor.refused`. */
const codes: Readonly<Record<number, VfleetErrorCode>> = {
  [virErrors.VIR_ERR_NO_DOMAIN]: 'vm.unknown',
  [virErrors.VIR_ERR_AUTH_FAILED]: 'permission.missing',
  [virErrors.VIR_ERR_AUTH_CANCELLED]: 'permission.missing',
  [virErrors.VIR_ERR_ACCESS_DENIED]: 'permission.missing',
  [virErrors.VIR_ERR_AUTH_UNAVAILABLE]: 'permission.missing',
  [virErrors.VIR_ERR_OPERATION_TIMEOUT]: 'hypervisor.timeout',
};

const hints: readonly (readonly [RegExp, string])[] = [
  [
    /cannot acquire state change lock/i,
    'Another change of this VM is under way, a migration or a backup for example: try again when it is over.',
  ],
  [
    /no more available pci slots|cannot automatically add a new pci bus/i,
    "Add <controller type='pci' model='pcie-root-port'/> to the VM's definition, one per device to be plugged, and start the VM anew.",
  ],
  [
    /unable to find any iommu|vfio.*not supported|failed to open \/dev\/vfio|iommu.*not/i,
    'See `vfleet doctor`: the host must have its IOMMU on and vfio-pci loaded.',
  ],
  [
    /cannot allocate memory|memlock|cannot limit locked memory/i,
    'The whole memory of the VM is locked when a VF is plugged: raise <memtune><hard_limit> or free memory on the host.',
  ],
];

/**
 * Reads the payload of a reply that says no. `operation` names what was asked, for example `DOMAIN_GET_XML_DESC`; the
 * error's `errno` is libvirt's own name, or `VIR_ERR_` and its number.
 */
export function readRefusal(payload: Buffer, operation: string): VfleetError {
  const { code, message } = decodeXdr(remoteError, payload);
  const words = oneLine(message ?? 'no reason given');
  return new VfleetError(codes[code] ?? 'hypervisor.refused', `libvirt: ${words} (error ${code})`, {
    hint: hints.find(([pattern]) => pattern.test(words))?.[1],
    details: { operation, errno: virErrorNames.get(code) ?? `VIR_ERR_${code}` },
  });
}

/** Whether something that was thrown is libvirt's own refusal, with one of these errors when any are named. */
export function isRefusal(thrown: unknown, ...errors: readonly VirError[]): boolean {
  const errno = thrown instanceof VfleetError ? thrown.details.errno : undefined;
  if (errno === undefined || !errno.startsWith('VIR_ERR_')) return false;
  return errors.length === 0 || errors.some((error) => error === errno);
}

/** Messages hold names that others chose and QEMU's output: no line breaks, no control characters. */
function oneLine(text: string): string {
  const visible = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const maxChars = 1000;
  return visible.length > maxChars ? `${visible.slice(0, maxChars)} …` : visible;
}
