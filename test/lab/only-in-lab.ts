// Owns the refusal to run lab tests anywhere but in the lab: they remove VFs and restart drivers as root.

import { existsSync } from 'node:fs';
import { beforeAll } from 'vitest';

beforeAll(() => {
  if (!existsSync('/run/vfleet/guest')) {
    throw new Error('lab tests change the host: run them in the lab, with npm test (see docs/testing.md)');
  }
});
