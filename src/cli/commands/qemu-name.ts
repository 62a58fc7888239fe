// Owns which names a plain QEMU may have for people: those that screens, logs and a shell show as they are.

import { VfleetError } from '../../base/errors.ts';
import { quoted } from '../../spec/wording.ts';
import { printable } from '../render/table.ts';

/** Whether a name says something, and every screen can show it. */
export function isQemuName(name: string): boolean {
  return name.trim() !== '' && printable(name) === name;
}

/** Throws `usage.invalid` for a name that is blank or holds control or format characters. */
export function checkQemuName(name: string): void {
  if (isQemuName(name)) return;
  throw new VfleetError('usage.invalid', `${quoted(name)} is no name of a VM`, {
    hint: 'a name has something to read, and no control characters',
  });
}
