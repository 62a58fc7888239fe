// Owns `vfleet install-service`: the systemd units (systemd.unit(5), systemd.service(5), systemd.exec(5)) that apply a spec
// at boot, before the network and libvirt come up, and that keep the agent running.

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { VfleetError, messageOf } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';

const applyUnitName = 'vfleet-apply.service';
const agentUnitName = 'vfleet-agent.service';
const unitFolder = '/etc/systemd/system';
const groupName = 'vfleet';

interface ServiceOptions {
  readonly agent?: boolean;
  readonly enforce?: boolean;
  readonly group?: boolean;
  readonly print?: boolean;
}

interface Unit {
  readonly name: string;
  readonly text: string;
}

/** Adds the command that installs the units. */
export function addServiceCommand(program: Command, context: CliContext): void {
  program
    .command('install-service')
    .description(
      'install systemd units: one applies the spec at every boot, with --agent another runs the agent',
    )
    .argument('<spec>', 'spec file (YAML); the unit reads it at each boot')
    .option('--agent', 'also install, enable and start the agent')
    .option('--enforce', 'the agent puts drift back (with --agent)')
    .option('--group', `make the system group ${groupName}, whose members may use the agent (with --agent)`)
    .option('--print', 'print the units and install nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet install-service /etc/vfleet/host.yaml\n  vfleet install-service /etc/vfleet/host.yaml --agent --group\n  vfleet install-service host.yaml --agent --print',
    )
    .action(async (specFile: string, options: ServiceOptions) => install(context, specFile, options));
}

async function install(context: CliContext, specFile: string, options: ServiceOptions): Promise<void> {
  const { readSpecFile } = await import('./planning.ts');
  if (options.agent !== true && (options.enforce === true || options.group === true))
    throw new VfleetError('usage.invalid', '--enforce and --group are for the agent; add --agent');
  await readSpecFile(specFile);
  const units = unitsOf(context, specFile, options);
  const { terminal } = context;
  if (options.print === true) {
    for (const [index, { name, text }] of units.entries()) {
      if (units.length > 1) terminal.print(`${index === 0 ? '' : '\n'}# ${unitFolder}/${name}`);
      terminal.print(text.trimEnd());
    }
    return;
  }
  const { writeFileAtomically } = await import('../../apply/state-folder.ts');
  if (options.group === true) await run('groupadd', ['--system', '--force', groupName]);
  for (const { name, text } of units) writeFileAtomically(`${unitFolder}/${name}`, text, 0o644);
  await systemctl('daemon-reload');
  await systemctl('enable', applyUnitName);
  terminal.print(
    `${unitFolder}/${applyUnitName} is installed and enabled; it applies ${resolve(specFile)} at the next boot.`,
  );
  if (options.agent !== true) return;
  await systemctl('enable', agentUnitName);
  await systemctl('restart', agentUnitName);
  terminal.print(`${unitFolder}/${agentUnitName} is installed, enabled and running.`);
  terminal.print(
    options.group === true
      ? `Members of the group ${groupName} may use it: usermod -aG ${groupName} USER`
      : `Only root may use it. For others: groupadd --system ${groupName}; usermod -aG ${groupName} USER; systemctl restart ${agentUnitName}`,
  );
}

function unitsOf(context: CliContext, specFile: string, options: ServiceOptions): readonly Unit[] {
  const apply = {
    name: applyUnitName,
    text: renderApplyUnit([...context.program, 'apply', '--boot', resolve(specFile)]),
  };
  if (options.agent !== true) return [apply];
  const words = [...context.program, 'agent', ...(options.enforce === true ? ['--enforce'] : [])];
  return [apply, { name: agentUnitName, text: renderAgentUnit(words, applyUnitName) }];
}

async function systemctl(...args: readonly string[]): Promise<void> {
  await run(
    'systemctl',
    args,
    'the units are written; enable them with: systemctl daemon-reload; systemctl enable UNIT',
  );
}

async function run(program: string, args: readonly string[], hint?: string): Promise<void> {
  try {
    await promisify(execFile)(program, [...args]);
  } catch (cause) {
    throw new VfleetError('host.unsupported', `${program} ${args.join(' ')}: ${messageOf(cause)}`, {
      hint,
      cause,
    });
  }
}

/** The unit that applies a spec at boot, for a command line. */
export function renderApplyUnit(command: readonly string[]): string {
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

/**
 * The unit of the agent. Its rights: CAP_NET_ADMIN for netlink, CAP_SYS_ADMIN for VFs in other network namespaces and PCI
 * configuration space, CAP_SYS_PTRACE to see which process has a VF open, CAP_DAC_OVERRIDE for files of other users in
 * /proc and the sockets of VMs, CAP_CHOWN for the group of its own socket. It writes to /sys, so ProtectKernelTunables is
 * not for it; V8 makes code at run time, so neither is MemoryDenyWriteExecute. It loads no modules itself.
 */
export function renderAgentUnit(command: readonly string[], applyUnitName: string): string {
  return `[Unit]
Description=Watch over the SR-IOV VFs of this host and give them to VMs (vfleet)
After=${applyUnitName} libvirtd.service virtqemud.service

[Service]
Type=notify
NotifyAccess=main
ExecStartPre=-+modprobe -q vfio-pci
ExecStart=${command.map(quoteUnitWord).join(' ')}
Restart=on-failure
RestartSec=1s
WatchdogSec=60s
TimeoutStopSec=90s
KillMode=mixed
RuntimeDirectory=vfleet
RuntimeDirectoryMode=0750
StateDirectory=vfleet
StateDirectoryMode=0700
UMask=0077

CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_OVERRIDE CAP_CHOWN
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
DevicePolicy=closed
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET
RestrictNamespaces=net
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap
SystemCallErrorNumber=EPERM

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
