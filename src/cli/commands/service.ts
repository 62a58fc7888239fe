// Owns `vfleet install-service`: the systemd unit that applies a spec at boot, before the network and libvirt come up.

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { VfleetError, messageOf } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';

const unitName = 'vfleet-apply.service';
const unitFolder = '/etc/systemd/system';

/** Adds the command that installs the unit. */
export function addServiceCommand(program: Command, context: CliContext): void {
  program
    .command('install-service')
    .description('install a systemd unit that applies the spec at every boot')
    .argument('<spec>', 'spec file (YAML); the unit reads it at each boot')
    .option('--print', 'print the unit and install nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet install-service /etc/vfleet/host.yaml\n  vfleet install-service host.yaml --print',
    )
    .action(async (specFile: string, options: { print?: boolean }) => {
      const { readSpecFile } = await import('./planning.ts');
      await readSpecFile(specFile);
      const unit = renderUnit([...context.program, 'apply', '--boot', resolve(specFile)]);
      if (options.print === true) {
        context.terminal.print(unit.trimEnd());
        return;
      }
      const { writeFileAtomically } = await import('../../apply/state-folder.ts');
      const path = `${unitFolder}/${unitName}`;
      writeFileAtomically(path, unit, 0o644);
      await systemctl('daemon-reload');
      await systemctl('enable', unitName);
      context.terminal.print(
        `${path} is installed and enabled; it applies ${resolve(specFile)} at the next boot.`,
      );
    });
}

async function systemctl(...args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)('systemctl', [...args]);
  } catch (cause) {
    throw new VfleetError('host.unsupported', `systemctl ${args.join(' ')}: ${messageOf(cause)}`, {
      hint: `the unit is written; enable it with: systemctl enable ${unitName}`,
      cause,
    });
  }
}

/** The unit for a command line. */
export function renderUnit(command: readonly string[]): string {
  return `[Unit]
Description=Apply the SR-IOV configuration of this host (vfleet)
DefaultDependencies=no
After=systemd-modules-load.service systemd-udev-settle.service local-fs.target
Wants=network-pre.target
Before=network-pre.target libvirtd.service virtqemud.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${command.map(quoteUnitWord).join(' ')}
TimeoutStartSec=15min
StateDirectory=vfleet
StateDirectoryMode=0700

[Install]
WantedBy=multi-user.target
`;
}

/** One word of ExecStart: quoted, with systemd's specifiers and variables taken literally (systemd.service(5)). */
export function quoteUnitWord(word: string): string {
  if (/[\n\r\0]/.test(word))
    throw new VfleetError('usage.invalid', 'a path with a line break cannot stand in a unit file');
  const literal = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$');
  return `"${literal}"`;
}
