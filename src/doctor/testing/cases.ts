// Owns the table of all cases: one for each kind of finding that is not good.

import { hostCases } from './host-cases.ts';
import { iommuCases } from './iommu-cases.ts';
import { networkCases } from './network-cases.ts';
import { nicCases } from './nic-cases.ts';
import { pcieCases } from './pcie-cases.ts';

export const cases = { ...hostCases, ...iommuCases, ...nicCases, ...pcieCases, ...networkCases };
