// Owns the table of hints: what a user can do when the kernel refuses an operation with an errno.
// Only what is known of the kernel's or a driver's own code; a wrong hint costs more than none.

interface HintRow {
  /** Operations that the row is about; undefined: any. */
  readonly operations?: readonly string[];
  readonly errno: string;
  /** Drivers that the row is about; undefined: any, also an unknown one. */
  readonly drivers?: readonly string[];
  readonly hint: string;
}

const bindOperations = ['write bind', 'write drivers_probe'];
const setLinkOperations = ['RTM_SETLINK'];
const eswitchOperations = ['DEVLINK_CMD_ESWITCH_SET'];
const readOnlyHint =
  'The file system is mounted read-only, as in a container: run vfleet on the host itself.';
const goneHint = 'The device went away meanwhile: look at the kernel log.';

// The first row that fits wins: rows for a driver stand before those for all.
const rows: readonly HintRow[] = [
  // sriov_numvfs: drivers/pci/iov.c sriov_numvfs_store and sriov_enable, and the drivers' sriov_configure.
  {
    operations: ['write sriov_numvfs'],
    errno: 'ENOMEM',
    drivers: ['netdevsim'],
    hint: 'More than max_vfs in /sys/kernel/debug/netdevsim/DEVICE: raise it there.',
  },
  {
    operations: ['write sriov_numvfs'],
    errno: 'ENOMEM',
    hint:
      'SR-IOV is off in the firmware set-up (BIOS), or there is no room for the VFs’ registers or bus numbers: ' +
      'switch SR-IOV and memory above 4 GB on there, or boot with pci=realloc (pci=assign-busses where the kernel log ' +
      'says that a bus number is out of range).',
  },
  {
    operations: ['write sriov_numvfs'],
    errno: 'EBUSY',
    hint: 'There are VFs already and the count has to pass 0, or a VF is assigned to a virtual machine.',
  },
  {
    operations: ['write sriov_numvfs'],
    errno: 'EPERM',
    drivers: ['igb', 'ixgbe'],
    hint: 'A VF is assigned to a virtual machine, and the driver does not take it away: detach it there first.',
  },
  {
    operations: ['write sriov_numvfs'],
    errno: 'ENOENT',
    hint: 'No driver that can create VFs is bound to the PF: bind the PF’s driver first.',
  },
  {
    operations: ['write sriov_numvfs'],
    errno: 'ERANGE',
    drivers: ['mlx5_core'],
    hint: 'The firmware allows no more VFs: raise NUM_OF_VFS with mlxconfig, and restart the machine.',
  },
  {
    operations: ['write sriov_numvfs'],
    errno: 'ERANGE',
    hint: 'The driver allows no more VFs than sriov_totalvfs says; on some cards the firmware sets that number.',
  },
  {
    operations: ['write sriov_numvfs'],
    errno: 'EIO',
    hint: 'The card’s SR-IOV capability contradicts itself: update the firmware.',
  },
  {
    operations: ['write sriov_numvfs'],
    errno: 'EAGAIN',
    hint: 'The driver is resetting the card: try again in a few seconds.',
  },
  // Binding: drivers/pci/pci-driver.c pci_device_probe, drivers/vfio/group.c.
  {
    operations: bindOperations,
    errno: 'EINVAL',
    drivers: ['vfio-pci'],
    hint: 'The VF has no IOMMU group: switch the IOMMU on in the firmware set-up, and boot with intel_iommu=on on Intel.',
  },
  {
    operations: bindOperations,
    errno: 'ENODEV',
    hint:
      'The driver does not take this device, or the PF’s sriov_drivers_autoprobe is 0; the VF driver’s module may not ' +
      'be loaded (modprobe).',
  },
  {
    operations: bindOperations,
    errno: 'EBUSY',
    hint: 'Another driver holds the device, or another device of its IOMMU group is in use through vfio.',
  },
  {
    operations: bindOperations,
    errno: 'ENOMEM',
    hint: 'No memory, or no interrupt vectors are left for the driver: look at the kernel log.',
  },
  {
    operations: bindOperations,
    errno: 'EAGAIN',
    hint: 'The driver waits for another one (deferred probe): try again in a few seconds.',
  },
  {
    operations: ['write unbind'],
    errno: 'ENODEV',
    hint: 'Another driver is bound meanwhile, or none: read again.',
  },
  // RTM_SETLINK with IFLA_VFINFO_LIST: net/core/rtnetlink.c do_setvfinfo and the drivers' ndo_set_vf_*.
  {
    operations: setLinkOperations,
    errno: 'EOPNOTSUPP',
    hint: 'The driver does not have this setting: leave it out of the spec.',
  },
  {
    operations: setLinkOperations,
    errno: 'EBUSY',
    hint: 'The VF is being reset, or the PF is not ready: try again in a few seconds.',
  },
  {
    operations: setLinkOperations,
    errno: 'EAGAIN',
    hint: 'The VF is being reset: try again in a few seconds.',
  },
  {
    operations: setLinkOperations,
    errno: 'EINVAL',
    hint:
      'The driver refuses the value or the VF index. Several Intel drivers take no minimum rate, and no rate above the ' +
      'link’s speed or while the link is down.',
  },
  {
    operations: setLinkOperations,
    errno: 'ENETDOWN',
    hint: 'The PF’s interface is down: set `up: true` in the spec.',
  },
  {
    operations: setLinkOperations,
    errno: 'EPROTONOSUPPORT',
    hint: 'The driver takes no 802.1ad tag: use vlanProtocol 802.1Q.',
  },
  // Eswitch: drivers' eswitch_mode_set.
  {
    operations: eswitchOperations,
    errno: 'EBUSY',
    hint: 'VFs are bound or in use: some drivers want them unbound or removed before the mode changes.',
  },
  {
    operations: eswitchOperations,
    errno: 'EOPNOTSUPP',
    hint: 'The driver has no switchdev mode, not now or not at all: ice wants it set before there are VFs.',
  },
  // Any operation.
  {
    errno: 'EPERM',
    hint: 'Run as root (CAP_SYS_ADMIN, CAP_NET_ADMIN), and on the host itself, not in a container.',
  },
  { errno: 'EACCES', hint: 'Run as root.' },
  { errno: 'EROFS', hint: readOnlyHint },
  { errno: 'ENODEV', hint: goneHint },
  { errno: 'ENXIO', hint: goneHint },
];

/**
 * What a user can do when `operation` is refused with `errno`, in one or two sentences; undefined where nothing is known.
 * Operations are the kernel's words: `RTM_SETLINK`, `DEVLINK_CMD_ESWITCH_SET`, `write sriov_numvfs`, `write bind`.
 * `errno` is symbolic (`EBUSY`); `driver` the one that refused, when it is known.
 */
export function hintFor(operation: string, errno: string, driver?: string): string | undefined {
  return rows.find(
    (row) =>
      row.errno === errno &&
      (row.operations === undefined || row.operations.includes(operation)) &&
      (row.drivers === undefined || (driver !== undefined && row.drivers.includes(driver))),
  )?.hint;
}
