// Owns the section `memory`: the most that a command holds on a host with 8 PFs of 256 VFs each.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './floor.ts';
import { rowOf } from './result.ts';
import type { Row } from './result.ts';
import { figureOf } from './sample.ts';

export const memoryPfs = 8;
const maxMb = 150;

/** Everything of each VF, and other values for every second one, so that all of them change. */
const spec = `apiVersion: vfleet/v1
kind: Host
pfs:
  - match: { driver: DRIVER }
    expect: ${memoryPfs}
    vfs:
      count: 256
      default: { mac: auto, spoofCheck: true, trust: true }
      "0-127": { vlan: 100, qos: 3, minTxRateMbps: 0, maxTxRateMbps: 500 }
      "128-255": { vlan: 200, linkState: enable }
`;

export function measureMemory(options: {
  readonly where: Row['where'];
  readonly host: string;
  readonly driver: string;
  readonly vfleet: readonly string[];
  readonly stateFolder: string;
}): readonly Row[] {
  const { where, host, vfleet, stateFolder } = options;
  const specFile = join(stateFolder, 'memory.yaml');
  const snapshotFile = join(stateFolder, 'memory.json');
  writeFileSync(specFile, spec.replace('DRIVER', options.driver));
  const commands: readonly (readonly string[])[] = [
    ['show'],
    ['show', '--json'],
    ['plan', specFile],
    ['plan', specFile, '--json'],
    ['apply', specFile, '--yes'],
    ['adopt'],
    ['snapshot', '--output', snapshotFile],
    ['plan', specFile, '--json', '--host', `snapshot:${snapshotFile}`],
    ['revert', '--yes'],
  ];
  return commands.map((command) => {
    const own = command.includes('--host') ? [] : ['--host', host];
    const { peakMb } = runProgram([...vfleet, ...command, ...own, '--state', stateFolder]);
    const words = command.map((word) => word.replace(specFile, 'SPEC').replace(snapshotFile, 'FILE'));
    return rowOf({
      section: 'memory',
      where,
      what: `vfleet ${words.join(' ')}${host === 'local' || own.length === 0 ? '' : ` --host ${host}`}`,
      unit: 'MB',
      ours: figureOf([peakMb]),
      bound: maxMb,
    });
  });
}
