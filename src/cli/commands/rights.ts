// Owns the check of the rights that changing a host takes, before anything is begun.

import { VfleetError } from '../../base/errors.ts';
import { listMissingCapabilities, readCapabilities } from '../../kernel/proc/capabilities.ts';
import type { LiveHost } from '../context.ts';

/** Throws `permission.missing` with the capabilities that this process lacks. */
export function checkRights(host: LiveHost): void {
  const missing = listMissingCapabilities(readCapabilities(host.session.files), [
    'CAP_NET_ADMIN',
    'CAP_DAC_OVERRIDE',
  ]);
  if (missing.length === 0) return;
  throw new VfleetError('permission.missing', `changing this host needs ${missing.join(' and ')}`, {
    hint: 'run as root (sudo vfleet …)',
  });
}
