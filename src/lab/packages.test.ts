import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseOneLineSources } from './apt-source.ts';
import {
  missingLabPackages,
  parseOsRelease,
  parseQemuVersion,
  planInstall,
  renderInstallPlan,
} from './packages.ts';

/** A folder whose QEMU prints this as its version. */
function folderWithQemu(version: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'vfleet-packages-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'qemu-system-x86_64'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
  return folder;
}

const bookworm = { usesApt: true, codename: 'bookworm' };
const trixie = { usesApt: true, codename: 'trixie' };
const sources = parseOneLineSources('deb http://a.example/debian bookworm main');

describe('parseQemuVersion', () => {
  it('reads the major version', () => {
    expect(parseQemuVersion('QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright')).toBe(10);
    expect(parseQemuVersion('QEMU emulator version 7.2.17')).toBe(7);
  });

  it('takes nothing else for one', () => {
    expect(parseQemuVersion('')).toBeUndefined();
  });
});

describe('parseOsRelease', () => {
  it('knows Debian and what is made from it', () => {
    expect(parseOsRelease('PRETTY_NAME="Debian"\nID=debian\nVERSION_CODENAME=trixie\n')).toEqual(trixie);
    expect(parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma').usesApt).toBe(
      true,
    );
    expect(parseOsRelease('ID=fedora\nID_LIKE="rhel"')).toEqual({ usesApt: false, codename: undefined });
  });
});

describe('planInstall', () => {
  it('takes QEMU from backports on Debian 12, and adds their source', () => {
    const plan = planInstall(['qemu-system-x86', 'gcc'], bookworm, sources);
    expect(plan.source?.text).toContain('Suites: bookworm-backports');
    expect(plan.commands.map((command) => command.join(' '))).toEqual([
      'apt-get update',
      'apt-get install --yes --no-install-recommends -t bookworm-backports qemu-system-x86 seabios ipxe-qemu',
      'apt-get install --yes --no-install-recommends gcc',
    ]);
  });

  it('adds no source that is there', () => {
    const both = [...sources, ...parseOneLineSources('deb http://b.example bookworm-backports main')];
    expect(planInstall(['qemu-system-x86'], bookworm, both).source).toBeUndefined();
  });

  it('leaves backports alone without need', () => {
    expect(planInstall(['gcc'], bookworm, sources).source).toBeUndefined();
    expect(planInstall(['qemu-system-x86', 'gcc'], trixie, [])).toEqual({
      source: undefined,
      commands: [
        ['apt-get', 'update'],
        ['apt-get', 'install', '--yes', '--no-install-recommends', 'qemu-system-x86', 'gcc'],
      ],
    });
  });

  it('says when it cannot derive the source', () => {
    expect(() => planInstall(['qemu-system-x86'], bookworm, [])).toThrow(
      expect.objectContaining({ code: 'host.unsupported' }),
    );
  });
});

describe('renderInstallPlan', () => {
  it('is text that can be pasted into a shell', () => {
    expect(renderInstallPlan(planInstall(['qemu-system-x86'], bookworm, sources))).toBe(
      [
        "sudo tee /etc/apt/sources.list.d/vfleet-backports.sources <<'END'",
        'Types: deb',
        'URIs: http://a.example/debian',
        'Suites: bookworm-backports',
        'Components: main',
        'END',
        'sudo apt-get update && sudo apt-get install --yes --no-install-recommends -t bookworm-backports ' +
          'qemu-system-x86 seabios ipxe-qemu',
      ].join('\n'),
    );
  });
});

describe('missingLabPackages', () => {
  it('takes a QEMU without igb for a missing one', async () => {
    const folder = folderWithQemu('QEMU emulator version 7.2.17');
    expect(await missingLabPackages({ PATH: folder })).toContain('qemu-system-x86');
  });

  it('finds a program by its place in PATH', async () => {
    const folder = folderWithQemu('QEMU emulator version 10.0.2');
    expect(await missingLabPackages({ PATH: folder })).not.toContain('qemu-system-x86');
  });
});
