// Owns what runs inside the VMs of the lab: one script for busybox's shell, which follows orders from a channel.
// Text only: must not start anything.

/** Modules of the VM's kernel that the initramfs carries, each after what it depends on. */
export const guestModules = ['failover', 'net_failover', 'virtio_net', 'igbvf'] as const;

/** What the guest writes behind each answer, with the exit status after it. */
export const answerEnd = '=end ';

/**
 * The first program of the VM. Every line that comes over its channel is run by the shell; what it prints and then
 * {@link answerEnd} go back. A VM inside the lab runs some thousand times slower than a real one, and most of all where
 * it starts a program: the functions that wait do it without starting any.
 */
export const guestInit = `#!/bin/busybox sh
/bin/busybox mkdir -p /sbin /usr/bin /usr/sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in ${guestModules.join(' ')}; do insmod /modules/$module.ko; done
ip link set lo up
until port=$(ls /dev/vport*p1 2>/dev/null); do sleep 0.1; done
exec 3<>$port
# Nothing is ever written to it: reading is a sleep without a program.
mkfifo /never
exec 4<>/never
# That nothing came is no failure of who waits, whose last command it may be.
pause() { read -t $1 never <&4 || :; }
# Waits for an interface with a MAC address and a driver (link MAC BUS DRIVER) and prints its name.
link() {
  while :; do
    for path in /sys/class/net/*; do
      [ $path/device/driver -ef /sys/bus/$2/drivers/$3 ] || continue
      read -r address <$path/address
      [ "$address" = "$1" ] && { echo \${path##*/}; return; }
    done
    pause 1
  done
}
# Waits until a driver of PCI devices has none (gone DRIVER).
gone() {
  while [ -e /sys/bus/pci/drivers/$1/*:*:*.* ]; do pause 1; done
}
# Prints name, MAC address and master of every interface.
addresses() {
  for path in /sys/class/net/*; do
    read -r address <$path/address
    master=
    [ -e $path/master/address ] && master=joined
    echo \${path##*/} $address $master
  done
}
while :; do
  while read -r line <&3; do
    eval "$line" >&3 2>&1 </dev/null
    echo "${answerEnd}$?" >&3
  done
  pause 1
done
`;
