// Owns the NIC catalogue: all rows together.
// The rows are in cards/, by vendor; they come with the program, and nothing is read when it runs.

import type { Card } from './card.ts';
import { broadcomCards } from './cards/broadcom.ts';
import { intelEthernetCards } from './cards/intel-ethernet.ts';
import { intelGigabitCards } from './cards/intel-gigabit.ts';
import { mellanoxCards } from './cards/mellanox.ts';
import { otherCards } from './cards/other.ts';

/** Every card that is known. */
export const cards: readonly Card[] = [
  ...intelGigabitCards,
  ...intelEthernetCards,
  ...mellanoxCards,
  ...broadcomCards,
  ...otherCards,
];
