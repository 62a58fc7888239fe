// Owns `vfleet vms`: the VMs of the hypervisor, their network interfaces, and the VF and lease behind each.

import type { Command } from 'commander';
import { splitPfAddress } from '../../base/identifiers.ts';
import { readNumaNode } from '../../kernel/sysfs/device.ts';
import { listSriovPfs, listVirtfns } from '../../kernel/sysfs/sriov.ts';
import type { FileTree } from '../../kernel/kernel.ts';
import type { CliContext } from '../context.ts';
import type { VfOfVm } from '../render/vms.ts';
import { jsonText } from './reading.ts';

interface VmsOptions {
  readonly json?: boolean;
  readonly agent: boolean;
}

/** Adds the command that lists VMs. */
export function addVmsCommand(program: Command, context: CliContext): void {
  program
    .command('vms')
    .description('list VMs: state, network interfaces, and the VF, network and NUMA node behind each')
    .option('--json', 'print VMs as JSON')
    .option('--no-agent', 'ask the hypervisor from this process, also when the agent is there')
    .addHelpText(
      'after',
      '\nExamples:\n  vfleet vms\n  vfleet vms --json | jq .vms[].nics[].leasedNetwork\n  vfleet vms --host sim:igb',
    )
    .action(async (options: VmsOptions) => listVms(context, options));
}

async function listVms(context: CliContext, options: VmsOptions): Promise<void> {
  const { terminal } = context;
  const { withAssigner } = await import('../assigning.ts');
  const { renderVms, viewVms } = await import('../render/vms.ts');
  await withAssigner(
    context,
    { ...options, changes: false, doing: 'asking for VMs' },
    async (assigner, host) => {
      const vms = await assigner.listVms();
      const { leases } = await assigner.listLeases();
      const views = viewVms(vms, leases, readVfPlaces(host.session.files));
      assigner.quiet();
      if (options.json === true)
        terminal.print(jsonText({ apiVersion: 'vfleet/v1', kind: 'Vms', vms: views }));
      else for (const line of renderVms(views, assigner.label, terminal)) terminal.print(line);
    },
  );
}

/** VFs on the PCI bus by address, from files alone. */
function readVfPlaces(files: FileTree): ReadonlyMap<string, VfOfVm> {
  const places = new Map<string, VfOfVm>();
  for (const pf of listSriovPfs(files)) {
    if (splitPfAddress(pf).bus !== 'pci') continue;
    for (const [vf, address] of listVirtfns(files, pf)) {
      const numaNode = readNumaNode(files, address) ?? readNumaNode(files, pf);
      places.set(address, { pf, vf, ...(numaNode === undefined ? {} : { numaNode }) });
    }
  }
  return places;
}
