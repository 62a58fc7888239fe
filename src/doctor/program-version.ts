// Owns the question whether a program is recent enough for something.

import { compareVersions, parseVersion } from '../validated/version.ts';

/** Whether a version (`10.0.2`) is at least another; false for a text that is no version. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [own, least] = [parseVersion(version), parseVersion(wanted)];
  return own !== undefined && least !== undefined && compareVersions(own, least) >= 0;
}
