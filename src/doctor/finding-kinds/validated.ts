// Owns the kinds of findings about the organisation's own list of validated hardware.

import type { FindingKinds } from '../finding-kind.ts';

export const validatedKinds = {
  'validated.listed': {
    severity: 'ok',
    title: 'The card is on the validated list',
    why: 'Server, card, firmware, driver, kernel and hypervisor were tested together.',
  },
  'validated.differs': {
    severity: 'warning',
    title: 'The card stands close to an entry of the validated list, but differs',
    why: 'The combination that runs here was not tested.',
    todo: 'Bring the component that is named to the version of the list, or test this combination and add it: `vfleet validated add`.',
  },
  'validated.unlisted': {
    severity: 'warning',
    title: 'The card is not on the validated list',
    why: 'No entry is about this card in this kind of server.',
    todo: 'Test this combination, then add it: `vfleet validated add`.',
  },
  'validated.undecided': {
    severity: 'unknown',
    title: 'The validated list could not be compared',
    why: 'A fact that the list asks for was not read.',
    todo: 'Run `sudo vfleet doctor --validated FILE` on the server itself.',
  },
} as const satisfies FindingKinds<'validated'>;
