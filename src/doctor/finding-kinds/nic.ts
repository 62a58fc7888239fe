// Owns the kinds of findings about SR-IOV cards: capability, limits, firmware, drivers, ports.

import type { FindingKinds } from '../finding-kind.ts';

export const nicKinds = {
  'nic.unread': {
    severity: 'unknown',
    title: 'Facts about a card could not be read',
    why: 'Nothing is said about what was not read; it may be good or bad.',
    todo: 'Run `sudo vfleet doctor` on the server itself, not in a container.',
  },
  'nic.none': {
    severity: 'blocker',
    title: 'There is no network card with SR-IOV',
    why: 'No PCI network device of this host shows an SR-IOV capability to the kernel.',
    todo:
      'Fit a card of the catalogue. When there is one: switch SR-IOV on in its own firmware (NVIDIA: `mstconfig -d ADDRESS set ' +
      'SRIOV_EN=1 NUM_OF_VFS=N`; Broadcom: `niccli`; others in {device}), and in {sriov}; then power the server off and on.',
  },
  'nic.driver.none': {
    severity: 'blocker',
    title: 'The card has no driver',
    why: 'Only the PF’s driver can make VFs.',
    todo: 'Load the driver (`modprobe MODULE`); `lspci -k -s ADDRESS` names it, `dmesg | grep ADDRESS` says why it does not take the card.',
  },
  'nic.driver.vfio': {
    severity: 'blocker',
    title: 'The whole card is given away',
    why: 'The PF itself is bound to vfio-pci, for a VM or DPDK; the host cannot make VFs of it.',
    todo: 'Give it back to its own driver: `echo > /sys/bus/pci/devices/ADDRESS/driver_override`, unbind it from vfio-pci, then `echo ADDRESS > /sys/bus/pci/drivers_probe`.',
  },
  'nic.driver.there': { severity: 'ok', title: 'The card has its driver', why: 'It can make VFs.' },
  'nic.vf-driver.absent': {
    severity: 'advice',
    title: 'The driver of the VFs is not there',
    why: 'VMs bring their own, but the host and its containers cannot use these VFs.',
    todo: 'Install the whole set of modules of this kernel (Ubuntu: linux-modules-extra; RHEL: kernel-modules) where the host itself is to use VFs.',
  },
  'nic.total-vfs.zero': {
    severity: 'blocker',
    title: 'The card allows no VFs',
    why: 'It has the SR-IOV capability, but its firmware sets the number of VFs to 0.',
    todo: '{enable-sriov}.',
  },
  'nic.total-vfs.below-catalogue': {
    severity: 'advice',
    title: 'The card’s firmware allows fewer VFs than the card can have',
    why: 'The limit is a setting of the card’s firmware, or is shared out among its PFs.',
    todo: 'When more VFs are wanted: {enable-sriov}.',
  },
  'nic.total-vfs.differs': {
    severity: 'advice',
    title: 'Configuration space, sysfs and devlink name different numbers of VFs',
    why: 'Some drivers keep VFs back, and a firmware setting can wait for a restart. What sysfs says is what can be made now.',
    todo: 'Plan with the number of sysfs. When a new firmware setting is waiting, restart the server.',
  },
  'nic.total-vfs.agree': {
    severity: 'ok',
    title: 'The number of VFs is known',
    why: 'All sources that were read agree.',
  },
  'nic.vf-bars.unassigned': {
    severity: 'blocker',
    title: 'The VFs have no address space',
    why: 'Firmware left no room for the VFs’ registers: creating one fails with “Cannot allocate memory”.',
    todo:
      'Switch SR-IOV on ({sriov}) and memory above 4 GB ({memoryAbove4g}), and restart. When that does not help, add `pci=realloc` to the ' +
      'kernel command line.',
  },
  'nic.vf-bars.assigned': {
    severity: 'ok',
    title: 'The VFs have address space',
    why: 'Firmware knows of SR-IOV and left room for their registers.',
  },
  'nic.ari.off': {
    severity: 'advice',
    title: 'ARI is not in use',
    why: 'Without Alternative Routing-ID Interpretation a bus holds 8 functions of a card, so VFs need further bus numbers, which can run out.',
    todo: 'Switch it on ({ari}), remove `pci=noari` from the kernel command line, or use another slot.',
  },
  'nic.ari.on': { severity: 'ok', title: 'ARI is in use', why: 'VFs fit on few bus numbers.' },
  'nic.msix.few': {
    severity: 'advice',
    title: 'Each VF has few interrupt vectors',
    why: 'One vector is for events; the others limit the queue pairs, and with them the vCPUs that share the load.',
    todo: 'Give more where the card has a pool (`sriov_vf_total_msix`): `echo N > /sys/bus/pci/devices/VF-ADDRESS/sriov_vf_msix_count` while the VF has no driver.',
  },
  'nic.msix.vectors': { severity: 'ok', title: 'Each VF has interrupt vectors', why: 'Queues need them.' },
  'nic.reset.no-flr': {
    severity: 'advice',
    title: 'The PF cannot be reset alone',
    why: 'Without function-level reset only the whole slot can be reset, with all functions of the card. VFs have it by specification.',
  },
  'nic.reset.flr': {
    severity: 'ok',
    title: 'The PF can be reset alone',
    why: 'A hung PF need not take the slot with it.',
  },
  'nic.firmware.sriov-off': {
    severity: 'blocker',
    title: 'SR-IOV is off in the card’s firmware',
    why: 'Its permanent setting `enable_sriov` is off.',
    todo: '{enable-sriov}.',
  },
  'nic.firmware.sriov-off-next': {
    severity: 'warning',
    title: 'SR-IOV goes off with the next restart',
    why: 'VFs exist now, but the permanent setting `enable_sriov` is off: the card comes back without.',
    todo: '{enable-sriov}.',
  },
  'nic.firmware.waiting': {
    severity: 'advice',
    title: 'Another firmware waits in the card',
    why: 'What is stored is not what runs; the next restart changes the card’s behaviour.',
    todo: 'Restart at a time of your choice, or `devlink dev reload pci/ADDRESS action fw_activate` where the driver can.',
  },
  'nic.firmware.mixed': {
    severity: 'advice',
    title: 'Cards of one kind run different firmware',
    why: 'VMs behave differently on them, and what was tested on one was not on the other.',
    todo: 'Bring all to one version with the vendor’s tool (`mstflint`, `nvmupdate64e`, `niccli`, `sfupdate`).',
  },
  'nic.versions': {
    severity: 'ok',
    title: 'Versions of driver and firmware',
    why: 'To compare with the validated list.',
  },
  'nic.health.error': {
    severity: 'warning',
    title: 'The card reports that something is broken',
    why: 'A health reporter of the driver is in the state “error”.',
    todo: '`devlink health show pci/ADDRESS`, then `devlink health diagnose` and `devlink health recover` with the reporter’s name.',
  },
  'nic.port.none': {
    severity: 'warning',
    title: 'The PF has no network interface',
    why: 'Settings of VFs go through the PF’s interface, so only the number of VFs can be set.',
    todo: 'Look for the interface in another network namespace (`ip netns`), and for the driver’s messages (`dmesg | grep ADDRESS`).',
  },
  'nic.port.down': {
    severity: 'warning',
    title: 'The PF’s interface is down',
    why: 'VFs of several drivers do not come up without it (igb, ixgbe), or cannot even be made (bnxt_en).',
    todo: '`ip link set NETDEV up`, and say so in the host’s network configuration.',
  },
  'nic.port.no-link': {
    severity: 'warning',
    title: 'The port has no link',
    why: 'Nothing reaches the network; VFs with link state `auto` are down as well.',
    todo: 'Look at cable, module and the switch’s port (`ethtool NETDEV`, `ethtool -m NETDEV`).',
  },
  'nic.port.slow': {
    severity: 'advice',
    title: 'The port runs slower than it could',
    why: 'The catalogue names a higher speed for this card.',
    todo: 'Look at the module and the switch’s port: `ethtool NETDEV` shows what both ends offer.',
  },
  'nic.port.half-duplex': {
    severity: 'warning',
    title: 'The port runs in half duplex',
    why: 'Only one side can send at a time; the other end probably has negotiation off.',
    todo: 'Switch autonegotiation on at both ends (`ethtool -s NETDEV autoneg on`).',
  },
  'nic.port.up': { severity: 'ok', title: 'The port is up', why: 'VFs reach the network.' },
  'nic.eswitch': {
    severity: 'ok',
    title: 'Mode of the card’s switch',
    why: 'It decides how VFs are configured.',
  },
  'nic.rdma': { severity: 'ok', title: 'The PF has an RDMA device', why: 'Its VFs can have one as well.' },
  'nic.npar.on': {
    severity: 'advice',
    title: 'Several PFs are partitions of one port',
    why: 'They share its bandwidth; two VFs on different partitions of one port are no redundancy. On Broadcom only the first two partitions of a port have RoCE.',
    todo: 'Put both NICs of a redundant pair on different cards. Partitioning is a setting of the card’s firmware ({device}).',
  },
  'nic.bonded': {
    severity: 'advice',
    title: 'The PF is part of a bond',
    why: 'VFs do not follow the bond: when this port loses its link, its VFs do too. Only switchdev with VF LAG carries them over.',
    todo: 'Give VMs one VF of each port and bond in the guest, or use switchdev where the card can (mlx5, ice).',
  },
  'nic.bridged': {
    severity: 'advice',
    title: 'The PF is part of a bridge',
    why: 'The card does not know the MAC addresses behind the bridge, so VFs and VMs on the bridge cannot reach each other on some cards.',
    todo: 'Use VFs for both sides, or add the addresses: `bridge fdb add MAC dev NETDEV self`.',
  },
  'nic.default-route': {
    severity: 'warning',
    title: 'The host’s own default route goes over this card',
    why: 'Several drivers reset the port when the number of VFs changes: the host is cut off for a moment, or for good when it goes wrong.',
    todo: 'Change it from the console or over another card, or keep management on a port of its own.',
  },
  'nic.autoprobe.off': {
    severity: 'advice',
    title: 'New VFs get no driver by themselves',
    why: '`sriov_drivers_autoprobe` is off: good when all VFs go to VMs (they are made faster), surprising when the host is to use them.',
    todo: 'Nothing when it is meant. Otherwise `echo 1 > /sys/bus/pci/devices/ADDRESS/sriov_drivers_autoprobe`, or name `driver` in the spec.',
  },
} as const satisfies FindingKinds<'nic'>;
