// Owns what runs inside the lab before and after the command: two scripts for busybox's shell, and how they are told
// what to do. Text only: must not start anything. docs/lab.md describes the conversation.

/** Ports of the virtio serial device, by number: the guest finds them as /dev/vport0pN. 0 is the kernel's console. */
export const guestPorts = { stdout: 1, stderr: 2, stdin: 3, control: 4, terminal: 5 } as const;

/** The first line from the host: from it the guest knows that it is not alone. */
export const greeting = 'hello\n';

/** Turns back what {@link renderOrder} escaped in \$value. */
export const unescapeValue = 'case $value in *\\\\*) value=$(printf %b. "$value"); value=${value%.} ;; esac';

/** First program in the guest (/init of the initramfs): follows the host's orders, one a line, up to `switch`. */
export const bootScript = `#!/bin/busybox sh
# With /proc there, this shell finds busybox's other programs in itself.
/bin/busybox mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
until [ -c /dev/vport0p${guestPorts.control} ]; do sleep 0.02; done
exec 9<>/dev/vport0p${guestPorts.control}
# Without its host the port gives end of file, and a write would wait for ever. The host's first line is a greeting.
tries=0
until read -r greeting <&9; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || poweroff -f
  sleep 0.05
done
echo "up" >&9

fail() {
  dmesg | tail -n 40 >/dev/console
  echo "fail $*" >&9
  while :; do sleep 1000; done
}
load() {
  while read -r module; do
    insmod /modules/$module.ko || fail "module $module does not load"
  done </modules/$1.order
}
share() {
  mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose "$1" "$2" || fail "9p share $1 does not mount"
}
make_root() {
  load root
  share host /ro
  mount -t tmpfs -o size=90% tmpfs /rw
  mkdir -p /rw/upper /rw/work
  mount -t overlay overlay -o lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work /newroot || fail "overlay does not mount"
  cd /newroot
  mkdir -p proc sys dev run tmp root lib/modules var/lib/vfleet
  mount -t proc proc proc
  mount -t sysfs sys sys
  mount -t devtmpfs dev dev
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs -o mode=1777 tmpfs tmp
  # The host's own vfleet journal is none of the guest's.
  mount -t tmpfs -o mode=755 tmpfs var/lib/vfleet
  # A QEMU that is not root cannot read root's home.
  ls root >/dev/null 2>&1 || mount -t tmpfs -o mode=700 tmpfs root
  share modules lib/modules
  mkdir -p run/vfleet/bin
  cp /bin/busybox /guest run/vfleet/
  printf '%s\\n' '#!/bin/sh' 'exec /run/vfleet/bin/node /run/vfleet/main.js "$@"' >run/vfleet/bin/vfleet
  chmod 755 run/vfleet/bin/vfleet
  ln -s vfleet run/vfleet/bin/vf
  cd /
}
kept=0
keep() {
  kept=$((kept + 1))
  mkdir -p "/newroot$1" /rw/upper$kept /rw/work$kept
  # The lower folder is named by ".": a path may hold characters that mount options cannot.
  cd "/ro$1" || return
  mount -t overlay overlay -o lowerdir=.,upperdir=/rw/upper$kept,workdir=/rw/work$kept "/newroot$1"
  cd /
}
add_netdevsim() {
  load netdevsim
  insmod /newroot/lib/modules/$(uname -r)/extra/netdevsim.ko || fail "netdevsim does not load"
  mount -t debugfs debugfs /sys/kernel/debug
  echo "1 1" >/sys/bus/netdevsim/new_device || fail "netdevsim makes no device"
  echo $1 >/sys/kernel/debug/netdevsim/netdevsim1/max_vfs || fail "netdevsim takes no $1 VFs"
}
# PCI drivers probe while they load: the interfaces are there afterwards, or never.
check_igb() {
  set -- /sys/bus/pci/drivers/igb/*/net/*
  [ $# -eq $igb ] && [ -e "$1" ] || fail "igb made other than $igb interfaces: $*"
}

export end= input= terminal= rows= columns=
igb=0
while read -r order value; do
  ${unescapeValue}
  case $order in
    igb) igb=$value; load igb ;;
    root) make_root ;;
    keep) keep "$value" ;;
    node) ln -s "$value" /newroot/run/vfleet/bin/node ;;
    main) ln -s "$value" /newroot/run/vfleet/main.js ;;
    netdevsim) add_netdevsim "$value" ;;
    end | input | terminal | rows | columns) export "$order=$value" ;;
    switch) break ;;
  esac
done <&9
[ $igb -eq 0 ] || check_igb
exec /bin/busybox switch_root /newroot /run/vfleet/busybox sh /run/vfleet/guest
`;

/**
 * Process 1 from then on: takes the command's arguments up to `run`, runs it as a child, and reports its status.
 * Busybox runs from memory, so that nothing here depends on the shared root once the host is gone.
 */
export const guestScript = `#!/run/vfleet/busybox sh
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
echo vfleet-lab >/proc/sys/kernel/hostname
ip link set lo up
ulimit -l unlimited
ulimit -n 65536

set --
while read -r order value; do
  ${unescapeValue}
  case $order in
    arg) set -- "$@" "$value" ;;
    run) break ;;
  esac
done <&9

# The machine lives no longer than its host process. poweroff -f asks the kernel and starts no other program.
{
  while read -r order rows columns; do
    [ "$order" = size ] && stty rows $rows cols $columns </dev/hvc1
  done
  poweroff -f
} <&9 &

if [ -n "$terminal" ]; then
  until [ -c /dev/hvc1 ]; do sleep 0.02; done
  # Held open, because a console that nobody has open forgets its size.
  exec 3<>/dev/hvc1
  stty rows $rows cols $columns <&3
  echo "ready" >&9
  setsid -c "$@" </dev/hvc1 >/dev/hvc1 2>&1 3<&- 9>&-
  echo "exit $?" >&9
  printf %s "$end" >/dev/hvc1
else
  # Each pipe is opened for both directions first: no open then waits, and so none is interrupted by a child's end.
  mkfifo /run/vfleet/out /run/vfleet/err /run/vfleet/in
  exec 3<>/run/vfleet/out 4</run/vfleet/out 5>/run/vfleet/out 3>&-
  { cat <&4; printf %s "$end"; } >/dev/vport0p${guestPorts.stdout} 5>&- 9>&- &
  exec 4<&- 3<>/run/vfleet/err 4</run/vfleet/err 6>/run/vfleet/err 3>&-
  { cat <&4; printf %s "$end"; } >/dev/vport0p${guestPorts.stderr} 5>&- 6>&- 9>&- &
  exec 4<&-
  if [ -n "$input" ]; then
    exec 3<>/run/vfleet/in 4</run/vfleet/in 7>/run/vfleet/in 3>&-
    cat </dev/vport0p${guestPorts.stdin} >&7 4<&- 5>&- 6>&- 9>&- &
    exec 7>&-
  else
    exec 4</dev/null
  fi
  echo "ready" >&9
  "$@" <&4 >&5 2>&6 4<&- 5>&- 6>&- 9>&-
  echo "exit $?" >&9
  exec 4<&- 5>&- 6>&-
  # What the command left running would hold its output open. Kernel threads have no program, and ours is busybox.
  for process in /proc/[0-9]*; do
    [ -e $process/exe ] && ! [ $process/exe -ef /run/vfleet/busybox ] && kill -9 \${process#/proc/}
  done
fi
while :; do sleep 1000; done
`;

export type GuestOrder =
  | 'igb'
  | 'root'
  | 'keep'
  | 'node'
  | 'main'
  | 'netdevsim'
  | 'end'
  | 'input'
  | 'terminal'
  | 'rows'
  | 'columns'
  | 'switch'
  | 'arg'
  | 'run';

/**
 * One line that tells the guest something. The value may hold any byte but NUL: what a shell's `read` could change is
 * written as `\0ooo`, octal, which the guest's `printf %b` turns back.
 */
export function renderOrder(order: GuestOrder, value = ''): string {
  let text = '';
  for (const byte of Buffer.from(value)) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9_./=:+,@%-]/.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return `${order} ${text}\n`;
}

export type GuestReport =
  | { readonly kind: 'up' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'fail'; readonly reason: string }
  | { readonly kind: 'exit'; readonly status: number };

/** Reads a line that the guest's scripts wrote; undefined for anything else. */
export function parseReport(line: string): GuestReport | undefined {
  const [word = '', ...rest] = line.split(' ');
  const text = rest.join(' ');
  if ((word === 'up' || word === 'ready') && text === '') return { kind: word };
  if (word === 'fail') return { kind: 'fail', reason: text };
  if (word === 'exit' && /^\d{1,3}$/.test(text) && Number(text) <= 255) {
    return { kind: 'exit', status: Number(text) };
  }
  return undefined;
}
