// Owns the workload file: virtual machines by class, the policy they are packed by, and the hosts to pack them on.
// The shape of the file only; rules between its values are parsed-workload.ts's, what it means on a host host-model.ts's.

import { z } from 'zod';

/** More virtual machines or hosts than any fleet has; keeps every sum an exact number. */
const maxCount = 10_000_000;
/** Linux runs 8192 CPUs at most (CONFIG_NR_CPUS on x86), QEMU and KVM fewer. */
const maxCpus = 8192;
/** 64 TB: the physical addresses of 46 bits that x86 has without five-level paging. */
const maxMemoryMb = 64 * 1024 * 1024;
/** Ethernet ends at 1.6 Tb/s per port (IEEE 802.3dj). */
const maxGbps = 1600;
/** 14.88 million smallest frames per second at 10 Gb/s, at the fastest port. */
const maxPacketsPerSecond = 2_400_000_000;
const maxSockets = 16;
const maxCards = 32;
const maxPorts = 8;
/** Sixteen partitions with ARI (field.md), the most that a card makes. */
const maxPartitions = 16;
/** NumVFs of the SR-IOV capability has 16 bits. */
const maxVfs = 65535;

const className = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'is no name: letters, digits, dots, hyphens and underscores, 64 at most',
  );
const count = z.int().min(1).max(maxCount);
const memoryMb = z.int().min(1).max(maxMemoryMb);
const memoryGb = z
  .number()
  .positive()
  .max(maxMemoryMb / 1024);

/**
 * - `none`: one VF.
 * - `ports`: two VFs on two ports, which may be ports of one card.
 * - `cards`: two VFs on two cards.
 * Each VF of a pair is given the whole bandwidth, so that the one that is left can carry everything.
 */
export const Redundancy = z.enum(['none', 'ports', 'cards']);
export type Redundancy = z.infer<typeof Redundancy>;

export const VmNic = z
  .strictObject({
    network: className.describe('Network that the NIC is on; a port of the host must be cabled to it.'),
    gbps: z.number().positive().max(maxGbps).describe('Bandwidth kept for the NIC, Gb/s each way.'),
    packetsPerSecond: z
      .int()
      .min(1)
      .max(maxPacketsPerSecond)
      .optional()
      .describe('Packets per second each way; adds what every packet costs on the wire and on PCIe.'),
    redundancy: Redundancy.optional().describe(
      'none (when absent): one VF. ports: a VF on each of two ports. cards: a VF on each of two cards. ' +
        'Each VF of a pair is given the whole bandwidth.',
    ),
    rdma: z.boolean().optional().describe('Needs a PF with RDMA.'),
    queues: z
      .int()
      .min(1)
      .max(2048)
      .optional()
      .describe('Queue pairs that each VF needs; absent: what the card gives a VF.'),
  })
  .describe('A network interface of each virtual machine of the class.');
export type VmNic = z.infer<typeof VmNic>;

export const VmClass = z
  .strictObject({
    name: className.describe('Name of the class; its machines are NAME-0, NAME-1 and so on.'),
    count: count.describe('How many of them.'),
    vcpus: z.int().min(1).max(maxCpus).describe('Virtual CPUs of each.'),
    memoryMb: memoryMb.optional().describe('Memory of each in MB; give this or memoryGb.'),
    memoryGb: memoryGb.optional().describe('Memory of each in GB; give this or memoryMb.'),
    nics: z.array(VmNic).max(16).optional().describe('Its network interfaces; absent: none.'),
  })
  .describe('Virtual machines that are alike.');
export type VmClass = z.infer<typeof VmClass>;

export const SizingPolicy = z
  .strictObject({
    spareVfsPerPf: z.int().min(0).max(maxVfs).optional().describe('VFs kept free on every PF; absent: 0.'),
    cpuRatio: z
      .number()
      .positive()
      .max(64)
      .optional()
      .describe('Virtual CPUs per thread of a processor; absent: 1, nothing is oversubscribed.'),
    bandwidthRatio: z
      .number()
      .positive()
      .max(64)
      .optional()
      .describe('Bandwidth promised per bandwidth of ports, partitions and PCIe links; absent: 1.'),
    reservedCoresPerHost: z
      .int()
      .min(0)
      .max(maxCpus)
      .optional()
      .describe('Cores kept for the host, spread over its NUMA nodes; absent: 0.'),
    reservedMemoryMbPerHost: z
      .int()
      .min(0)
      .max(maxMemoryMb)
      .optional()
      .describe('Memory kept for the host in MB, spread over its NUMA nodes; absent: 0.'),
    numa: z
      .enum(['prefer', 'strict'])
      .optional()
      .describe(
        'prefer (when absent): a machine that cannot have all on one NUMA node is placed anyway and reported. ' +
          'strict: it is not placed.',
      ),
  })
  .describe('How tightly the hosts are filled.');
export type SizingPolicy = z.infer<typeof SizingPolicy>;

const networks = z
  .array(className)
  .max(4096)
  .describe('Networks that the port is cabled to; an empty list: none.');

export const ClassPort = z
  .strictObject({
    networks: networks.optional(),
    gbps: z
      .number()
      .positive()
      .max(maxGbps)
      .optional()
      .describe('Speed of the port; absent: what the catalogue says.'),
  })
  .describe('A port of the card; without networks, one that is cabled to every network.');
export type ClassPort = z.infer<typeof ClassPort>;

export const ClassCard = z
  .strictObject({
    card: z
      .string()
      .min(1)
      .max(64)
      .describe('The card in the catalogue: its id, or vendor:device of its PF such as 15b3:101d.'),
    socket: z
      .int()
      .min(0)
      .max(maxSockets - 1)
      .optional()
      .describe('Socket that the slot belongs to; absent: 0.'),
    pcie: z
      .strictObject({
        generation: z.int().min(1).max(6),
        lanes: z.literal([1, 2, 4, 8, 16]),
      })
      .optional()
      .describe('The link of the slot; absent: what the card can do.'),
    ports: z
      .array(ClassPort)
      .min(1)
      .max(maxPorts)
      .optional()
      .describe('The ports in use; absent: all, every one cabled to every network.'),
    npar: z
      .array(z.number().positive().max(100))
      .min(1)
      .max(maxPartitions)
      .optional()
      .describe('NIC partitions of every port: the percentage of the port that each is promised.'),
    vfsPerPf: z
      .int()
      .min(0)
      .max(maxVfs)
      .optional()
      .describe('VFs that firmware is set to; absent: what the catalogue says.'),
  })
  .describe('A card in a slot.');
export type ClassCard = z.infer<typeof ClassCard>;

export const HostClass = z
  .strictObject({
    name: className,
    count: z
      .union([count, z.literal('unlimited')])
      .optional()
      .describe('How many there are; unlimited (when absent): as many as are needed.'),
    sockets: z.int().min(1).max(maxSockets),
    coresPerSocket: z.int().min(1).max(maxCpus),
    threadsPerCore: z.int().min(1).max(8).optional().describe('Absent: 1.'),
    memoryGbPerSocket: memoryGb,
    cards: z.array(ClassCard).max(maxCards).optional().describe('Absent: none.'),
  })
  .describe('Hosts that are alike, made from the catalogue; every socket is one NUMA node.');
export type HostClass = z.infer<typeof HostClass>;

export const HostSnapshot = z
  .strictObject({
    file: z.string().min(1).max(4096).describe('File that `vfleet snapshot` wrote.'),
    name: className.optional().describe('Name in the report; absent: the name of the host.'),
    count: z
      .union([count, z.literal('unlimited')])
      .optional()
      .describe('How many hosts like this there are; absent: 1.'),
    ports: z
      .record(z.string().min(1).max(64), networks)
      .optional()
      .describe(
        'Networks by port: the PCI address of a PF or the name of its interface. ' +
          'A port that is not named here is cabled to every network.',
      ),
  })
  .describe(
    'A host as it was read. It is filled as if it were empty: the workload is all that shall run on it.',
  );
export type HostSnapshot = z.infer<typeof HostSnapshot>;

export const Workload = z
  .strictObject({
    apiVersion: z.literal('vfleet/v1').describe('Version of this format.'),
    kind: z.literal('Workload').describe('What the file describes.'),
    vms: z.array(VmClass).min(1).max(1000),
    policy: SizingPolicy.optional(),
    hosts: z
      .strictObject({
        snapshots: z.array(HostSnapshot).max(10_000).optional(),
        classes: z.array(HostClass).max(100).optional(),
      })
      .describe('The hosts there are, by snapshot, by class, or both.'),
  })
  .describe('Virtual machines, and the hosts that shall carry them.');
export type Workload = z.infer<typeof Workload>;

/** A policy in which nothing is left open. */
export type CompletePolicy = {
  readonly [K in keyof SizingPolicy]-?: Exclude<SizingPolicy[K], undefined>;
};

export function completePolicy(policy: SizingPolicy | undefined): CompletePolicy {
  return {
    spareVfsPerPf: policy?.spareVfsPerPf ?? 0,
    cpuRatio: policy?.cpuRatio ?? 1,
    bandwidthRatio: policy?.bandwidthRatio ?? 1,
    reservedCoresPerHost: policy?.reservedCoresPerHost ?? 0,
    reservedMemoryMbPerHost: policy?.reservedMemoryMbPerHost ?? 0,
    numa: policy?.numa ?? 'prefer',
  };
}

/** Memory of one machine in MB; a part of a MB counts as a whole one. */
export function memoryMbOf(vm: VmClass): number {
  return vm.memoryMb ?? Math.ceil((vm.memoryGb ?? 0) * 1024);
}
