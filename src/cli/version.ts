// Owns the version of this vfleet, as package.json has it.

import { readFileSync } from 'node:fs';

const packageFile = new URL('../../package.json', import.meta.url);

/** Semantic version, for example `0.1.0`. */
export const version: string = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;
