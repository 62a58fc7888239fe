// Checks what a spec means for VFs that VMs have.

import { describe, expect, it } from 'vitest';
import { exampleLease } from '../lease/testing/example-lease.ts';
import type { Lease } from '../model/lease.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { VfTarget } from '../model/target.ts';
import { parseSpec } from './parsed-spec.ts';
import { resolveSpec } from './resolution.ts';
import { exampleHost, examplePf, exampleVf, exampleVfWith, secondPf } from './testing/example-host.ts';
import { problemsOf } from './testing/thrown.ts';

const pf = '0000:01:00.0';
const held = { mac: '52:54:00:00:00:09', vlan: 200, trust: false };
const host = exampleHost(examplePf({ vfs: [exampleVf(0), exampleVfWith(1, held), exampleVf(2)] }), secondPf);
const lease = exampleLease({ key: { pf, vf: 1 }, settings: held });

/** A file with one PF, whose `vfs` begin with line 6. */
function withVfs(...lines: readonly string[]): string {
  const head = ['apiVersion: vfleet/v1', 'kind: Host', 'pfs:', `  - match: { address: "${pf}" }`];
  return [...head, '    vfs:', ...lines.map((line) => `      ${line}`), ''].join('\n');
}

function vfsOf(
  text: string,
  leases: readonly Lease[],
  snapshot: Snapshot = host,
): readonly VfTarget[] | undefined {
  return resolveSpec(parseSpec(text, 'host.yaml'), snapshot, leases).pfs[0]?.vfs;
}

describe('a VF with a lease', () => {
  it('is what its lease says, whatever default says, and its driver is left alone', () => {
    const text = withVfs('default: { driver: igbvf, vlan: 7, mac: auto, maxTxRateMbps: 5 }');
    const vfs = vfsOf(text, [lease]);
    expect(vfs?.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(vfs?.[1]).toEqual({ index: 1, settings: held });
    expect(vfs?.[0]).toMatchObject({ driver: 'igbvf', settings: { vlan: 7 } });
  });

  it('is so where the file says nothing of VFs, too', () => {
    const text = withVfs('count: 3').replace(/ {4}vfs:\n.*\n/, '');
    expect(vfsOf(text, [lease])).toEqual([{ index: 1, settings: held }]);
  });

  it('gets the driver of the pool when it is made anew', () => {
    const empty = exampleHost(examplePf(), secondPf);
    const text = withVfs('count: 2', 'default: { driver: vfio-pci, vlan: 7 }');
    expect(vfsOf(text, [lease], empty)).toEqual([
      { index: 0, driver: 'vfio-pci', settings: { vlan: 7 } },
      { index: 1, driver: 'vfio-pci', settings: held },
    ]);
  });

  it('is as a range says that names it', () => {
    expect(vfsOf(withVfs('"0-1": { vlan: 7 }'), [lease])).toEqual([
      { index: 0, settings: { vlan: 7 } },
      { index: 1, settings: { vlan: 7 } },
    ]);
  });

  it('keeps its address, there or not, from every other VF', () => {
    const text = withVfs('count: 3', '"0": { mac: "52:54:00:00:00:09" }');
    const problem = 'line 7, pfs[0].vfs["0"].mac: 52:54:00:00:00:09 is the address of VF 1 of';
    const there = problemsOf(() => vfsOf(text, [lease]));
    expect(there.join()).toContain(`${problem} ${pf} (leased to web-1), which keeps it`);
    const notThere = problemsOf(() => vfsOf(text, [lease], exampleHost(examplePf())));
    expect(notThere.join()).toContain(problem);
    const elsewhere = exampleLease({ key: { pf: '0000:81:00.0', vf: 0 }, settings: held });
    const other = problemsOf(() => vfsOf(text, [elsewhere], exampleHost(examplePf())));
    expect(other.join()).toContain('the address of VF 0 of 0000:81:00.0');
  });

  it('may be named with its own address', () => {
    const text = withVfs('count: 3', '"1": { mac: "52:54:00:00:00:09" }');
    expect(vfsOf(text, [lease])).toEqual([{ index: 1, settings: { mac: '52:54:00:00:00:09' } }]);
  });

  it('of another PF changes nothing', () => {
    const text = withVfs('default: { vlan: 7 }');
    const other = exampleLease({ key: { pf: '0000:02:00.0', vf: 1 }, settings: { vlan: 5 } });
    expect(vfsOf(text, [other])).toEqual(vfsOf(text, []));
  });
});
