// Owns the file in which `vfleet size --write` says where each virtual machine of a host goes: CPUs, memory, VFs.
// Schema only; nothing here places a machine.

import { z } from 'zod';

const cpuList = z.string().regex(/^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$/);

export const PlacedVf = z
  .strictObject({
    nic: z.int().min(0).describe('NIC of the machine, from 0 in the order of the workload file.'),
    network: z.string().describe('Network of the NIC.'),
    pf: z.string().describe('PCI address of the PF; CARD.PORT.PARTITION on a host of a class.'),
    index: z.int().min(0).describe('Index of the VF on that PF (virtfnN).'),
    remote: z.boolean().optional().describe('True: the card is on another NUMA node than the machine.'),
  })
  .describe('A VF of a machine; a redundant NIC has two.');
export type PlacedVf = z.infer<typeof PlacedVf>;

export const PlacedVm = z
  .strictObject({
    name: z.string(),
    class: z.string().describe('Class in the workload file.'),
    vcpus: z.int().min(1),
    memoryMb: z.int().min(1),
    numa: z
      .array(
        z.strictObject({
          node: z.int().min(0).describe('NUMA node of the host.'),
          vcpus: z.string().describe('Virtual CPUs on it as a list: 0-3.'),
          memoryMb: z.int().min(0).describe('Memory to take from it, MB.'),
        }),
      )
      .min(1)
      .describe('Where vCPUs and memory are: one node, or several for a machine that is larger than a node.'),
    pinning: z
      .enum(['dedicated', 'shared'])
      .describe(
        'dedicated: every vCPU has a thread of its own. shared: vCPUs run on all CPUs of their node.',
      ),
    cpus: z
      .array(cpuList)
      .optional()
      .describe(
        'By vCPU: the CPUs of the host that it may run on, as the kernel writes lists (3, or 2-31,66-95).',
      ),
    threads: z
      .array(z.string().regex(/^[0-9]+\.[0-9]+\.[0-9]+$/))
      .optional()
      .describe(
        'In the place of cpus where the numbers of CPUs are not known (host classes): by vCPU NODE.CORE.THREAD, ' +
          'the core counted within the node, the thread within the core, both from 0.',
      ),
    vfs: z.array(PlacedVf),
  })
  .describe('A virtual machine on this host.');
export type PlacedVm = z.infer<typeof PlacedVm>;

export const Placements = z
  .strictObject({
    apiVersion: z.literal('vfleet/v1'),
    kind: z.literal('Placements'),
    host: z.string().describe('Name of the host in the report.'),
    class: z.string().describe('Name of its snapshot or class in the workload file.'),
    kept: z
      .array(
        z.strictObject({
          node: z.int().min(0),
          cores: z.int().min(0).describe('Cores of the node that are kept for the host: its first ones.'),
          cpus: cpuList.optional().describe('Their CPUs, where the numbers are known.'),
        }),
      )
      .describe('What no machine is pinned to.'),
    vms: z.array(PlacedVm),
  })
  .describe('Where the virtual machines of one host go.');
export type Placements = z.infer<typeof Placements>;
