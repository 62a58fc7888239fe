// Owns the one table of all kinds of findings. docs/findings.md holds the same; a test keeps them equal.

import { hostKinds } from './host.ts';
import { iommuKinds } from './iommu.ts';
import { networkKinds } from './network.ts';
import { nicKinds } from './nic.ts';
import { pcieKinds } from './pcie.ts';
import { validatedKinds } from './validated.ts';

/** Every kind of finding by its id. */
export const findingKinds = {
  ...hostKinds,
  ...iommuKinds,
  ...nicKinds,
  ...pcieKinds,
  ...networkKinds,
  ...validatedKinds,
};

export type FindingId = keyof typeof findingKinds;
