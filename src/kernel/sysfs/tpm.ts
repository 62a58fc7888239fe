// Owns the trusted platform module as sysfs shows it.

import type { FileTree } from '../kernel.ts';
import { readInteger } from '../file-text.ts';

export interface TpmFacts {
  /** 1 or 2; undefined on kernels before 5.5. */
  readonly majorVersion: number | undefined;
  /** Hash algorithms of its banks of PCRs, sorted; empty for a TPM 1, and for kernels before 5.12. */
  readonly pcrBanks: readonly string[];
}

/** The first TPM; undefined when there is none (Documentation/ABI/stable/sysfs-class-tpm: `tpm_version_major`, `pcr-H`). */
export function readTpm(files: FileTree): TpmFacts | undefined {
  const [name] = files.list('/sys/class/tpm').filter((each) => /^tpm[0-9]{1,4}$/.test(each));
  if (name === undefined) return undefined;
  const folder = `/sys/class/tpm/${name}`;
  return {
    majorVersion: readInteger(files, `${folder}/tpm_version_major`),
    pcrBanks: files
      .list(folder)
      .filter((each) => /^pcr-[a-z0-9_-]{1,32}$/.test(each))
      .map((each) => each.slice('pcr-'.length)),
  };
}
