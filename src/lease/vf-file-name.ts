// Owns how a VF is written as a name of a file: one to one, without a slash, never hidden and never a step up.
// Knows nothing of what such a file holds.

import { VfleetError } from '../base/errors.ts';
import type { VfKey } from '../model/lease.ts';

/** NAME_MAX is 255; the rest is for a generation and an ending. */
const maxNameLength = 180;
const plainCharacter = /[A-Za-z0-9:_.-]/;
const namePattern = /^((?:[A-Za-z0-9:_.-]|=[0-9a-f]{4})*)@(0|[1-9][0-9]{0,8})$/;

/**
 * `0000:01:00.0@3`, `netdevsim=002fnetdevsim1@3`: what is no plain character is a UTF-16 unit in hexadecimal. Throws
 * `internal.bug` for an address that is longer than any the kernel has.
 */
export function vfFileName({ pf, vf }: VfKey): string {
  let name = '';
  for (let at = 0; at < pf.length; at++) {
    const character = pf.charAt(at);
    // A name that begins with a full stop is hidden, or leads up.
    const isPlain = plainCharacter.test(character) && !(at === 0 && character === '.');
    name += isPlain ? character : `=${pf.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  name += `@${vf}`;
  if (name.length > maxNameLength) {
    throw new VfleetError('internal.bug', `the address of a PF has ${pf.length} characters`);
  }
  return name;
}

/** The VF of a name; undefined for a name that {@link vfFileName} does not write. */
export function parseVfFileName(name: string): VfKey | undefined {
  const [, encoded, index] = namePattern.exec(name) ?? [];
  if (encoded === undefined || index === undefined) return undefined;
  const pf = encoded.replaceAll(/=([0-9a-f]{4})/g, (_, unit: string) =>
    String.fromCharCode(parseInt(unit, 16)),
  );
  const key = { pf, vf: Number(index) };
  // One VF has one name: `=0041` for a plain A is none of ours.
  return name.length <= maxNameLength && vfFileName(key) === name ? key : undefined;
}
