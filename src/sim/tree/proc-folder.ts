// Owns /proc, /run, /dev and /etc of a simulated host: processes and what they have open, namespaces, names.

import { localFiles } from '../../kernel/local-files.ts';
import { loadedDrivers } from '../driver-binding.ts';
import type { SimHost } from '../host.ts';
import { hostNetns, isVfioDriver } from '../host-index.ts';
import { platformOf } from '../platform.ts';
import type { SimProcess } from '../state.ts';
import { vfioNodesOf } from '../vfio-use.ts';
import { hardwareFiles, limitsFile } from './hardware-files.ts';
import type { FileNode, FolderNode, LinkNode, TreeNode } from './node.ts';
import { folder, folderOf, line, listFolder } from './node.ts';
import { procNetFolder } from './proc-net.ts';

/** Our own process among the others. */
export const ownPid = 4100;
const machineFiles = localFiles();
/** Device number of the file system that namespaces live in, as stat shows it. */
const namespaceDevice = 4;

/** The file that stands for a network namespace; its identity is the namespace's. */
function netnsFile(inode: number): FileNode {
  return { kind: 'file', read: () => ({ errno: 'EINVAL' }), identity: `${namespaceDevice}:${inode}` };
}

/** Number of the namespace that a file stands for; undefined for any other file. */
export function netnsOfNode(node: TreeNode): number | undefined {
  if (node.kind !== 'file' || node.identity === undefined) return undefined;
  const [device, inode] = node.identity.split(':');
  return Number(device) === namespaceDevice ? Number(inode) : undefined;
}

function netnsLink(inode: number): LinkNode {
  return { kind: 'link', text: `net:[${inode}]`, node: netnsFile(inode) };
}

export function procFolder(host: SimHost): FolderNode {
  const { state, profile } = host;
  const own: SimProcess = {
    pid: ownPid,
    comm: 'node',
    commandLine: ['/usr/bin/node', '/usr/bin/vfleet'],
    openFiles: [],
  };
  const processes = (): SimProcess[] => [...state.processes, own];
  const kernel = folderOf({
    hostname: line(profile.hostName),
    osrelease: line(profile.kernelRelease),
    ostype: line('Linux'),
    random: folderOf({ boot_id: line(state.bootId) }),
  });
  return folder(
    host,
    {
      ...hardwareFiles(host),
      net: () => procNetFolder(host),
      self: () => ({ kind: 'link', text: String(ownPid), target: `/proc/${ownPid}` }),
      sys: () => folderOf({ kernel }),
      version: () => line(`Linux version ${profile.kernelRelease}`),
    },
    {
      names: () => processes().map(({ pid }) => String(pid)),
      child: (name) => {
        const process = processes().find(({ pid }) => String(pid) === name);
        return process === undefined ? ourMachinesProcess(name) : processFolder(host, process);
      },
    },
  );
}

/**
 * A process of the machine that the simulation runs on: what a VF is held for may be one, and its end has to be seen. It
 * is in no listing, and holds nothing of the host.
 */
function ourMachinesProcess(name: string): FolderNode | undefined {
  if (!/^[1-9][0-9]{0,9}$/.test(name)) return undefined;
  // Read anew each time: what has been found once is kept by who walks the tree.
  const fileAt = (path: string): FileNode => ({ kind: 'file', read: () => machineFiles.readBytes(path) });
  return folderOf({ comm: fileAt(`/proc/${name}/comm`), stat: fileAt(`/proc/${name}/stat`) });
}

function processFolder(host: SimHost, process: SimProcess): FolderNode {
  const isOwn = process.pid === ownPid;
  const mayLook = isOwn || host.hasCapability('CAP_SYS_PTRACE');
  const fds = process.openFiles.map((path, index): [string, LinkNode] => [
    String(index + 3),
    path.startsWith('/') ? { kind: 'link', text: path, target: path } : { kind: 'link', text: path },
  ]);
  const members = mayLook ? Object.fromEntries(fds) : {};
  const fd: FolderNode = { ...folderOf(members), ...(mayLook ? {} : { refusal: 'EACCES' }) };
  const netns = process.netns ?? hostNetns;
  const commandLine = process.commandLine.map((argument) => `${argument}\0`).join('');
  return folderOf({
    comm: line(process.comm),
    cmdline: { kind: 'file', read: () => commandLine },
    fd,
    limits: limitsFile(host),
    stat: line(statOf(process)),
    ns: folderOf(mayLook ? { net: netnsLink(netns) } : {}),
    status: line(statusOf(process, isOwn ? host.state.capEff : '0000000000000000')),
  });
}

/** proc_pid_stat(5). */
function statOf({ pid, comm, startTicks = pid }: SimProcess): string {
  const zeros = (count: number): string => '0 '.repeat(count);
  return `${pid} (${comm}) S 1 ${zeros(15)}1 0 ${startTicks} ${zeros(30).trim()}`;
}

function statusOf(process: SimProcess, capEff: string): string {
  return [`Name:\t${process.comm}`, `Pid:\t${process.pid}`, `CapEff:\t${capEff}`].join('\n');
}

export function runFolder(host: SimHost): FolderNode {
  const named = (): { inode: number; name: string }[] =>
    host.state.namespaces.flatMap(({ inode, name }) => (name === undefined ? [] : [{ inode, name }]));
  const netns = listFolder(
    () => named().map(({ name }) => name),
    (name) => {
      const found = named().find((each) => each.name === name);
      return found === undefined ? undefined : netnsFile(found.inode);
    },
  );
  return folderOf({ netns });
}

/** /dev: KVM and iommufd, and below vfio a node for each group, and each device, that a vfio driver has. */
export function devFolder(host: SimHost): FolderNode {
  const nodes = host.state.pfs.flatMap(({ vfs }) =>
    vfs.flatMap((vf) => (isVfioDriver(vf.driver) ? (vfioNodesOf(vf) ?? []) : [])),
  );
  const device: FileNode = { kind: 'file', read: () => ({ errno: 'EINVAL' }) };
  const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  const groups = Object.fromEntries(nodes.map(({ group }) => [nameOf(group), device]));
  const devices = Object.fromEntries(nodes.map((each) => [nameOf(each.device), device]));
  const { kvm, iommufd } = platformOf(host.profile);
  const hasVfio = loadedDrivers(host).some(isVfioDriver);
  return folderOf({
    ...(kvm ? { kvm: device } : {}),
    ...(iommufd ? { iommu: device } : {}),
    ...(hasVfio ? { vfio: folderOf({ ...groups, devices: folderOf(devices), vfio: device }) } : {}),
  });
}

export function etcFolder(host: SimHost): FolderNode {
  return folderOf({ 'machine-id': line(host.state.machineId), hostname: line(host.profile.hostName) });
}
