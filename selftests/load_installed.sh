#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The module, the library and epollx-run as make install puts them into a system, and what epollx(8) says of them: loaded
# by modules-load.d, the node's mode by udev, for a group only, who keeps the module in use.
#
# The guest's own /usr gets it all, which is memory.

set -uo pipefail
# shellcheck source=selftests/load_lib.sh
. "$(dirname "$0")/load_lib.sh"

VERSION=$(sed -n 's/^VERSION = //p' scripts/install.mk)
export VERSION DESTDIR='' PREFIX=/usr
unset LIBDIR INCLUDEDIR MANDIR
program=build/bin/installed

as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# mode_by_udev: owner, group and mode as udev's rules have them.
mode_by_udev() {
	udevadm test /sys/class/misc/epollx 2>&1 | sed -n 's/.*epollx: .*\(uid=[0-9]*, gid=[0-9]*, mode=[0-9]*\).*/\1/p' | tail -n 1
}

# Who has an instance, by the command of epollx(8).
users() {
	find /proc/[0-9]*/fd -lname 'anon_inode:?epollx?' 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|' | sort -u
}

check installs scripts/install

# As dkms does it, in a tree that has nothing else, which depmod would take long to read.
modules=/lib/modules/$(uname -r)
mkdir -p "$modules"
mount -t tmpfs modules "$modules"
mkdir -p "$modules/updates/dkms"
cp "$module" "$modules/updates/dkms/epollx.ko"
touch "$modules"/modules.{order,builtin,builtin.modinfo}
depmod -a
check modules_load_d_loads_it /lib/systemd/systemd-modules-load /usr/lib/modules-load.d/epollx.conf
check is_loaded_by_that is_loaded
same everybody_may_open_it "0 0 666" "$(stat -c '%u %g %a' /dev/epollx)"
same udev_has_the_same_mode "uid=0, gid=0, mode=0666" "$(mode_by_udev)"

check a_program_runs_on_the_ring env EPOLLX_BACKEND=ring "$program"
check a_program_runs_on_the_ioctls env EPOLLX_BACKEND=ioctl "$program"
check anybody_may as_nobody env EPOLLX_BACKEND=ring "$program"
same epollx_run_64 'anon_inode:[epollx]' "$(epollx-run build/bin/preload_probe kind 2>&1)"
same epollx_run_32 'anon_inode:[epollx]' "$(epollx-run build/bin32/preload_probe kind 2>&1)"

# For a group only.
sed 's/GROUP="root", MODE="0666"/GROUP="daemon", MODE="0660"/' /usr/lib/udev/rules.d/60-epollx.rules >/etc/udev/rules.d/60-epollx.rules
same a_copy_of_the_rule_wins "uid=0, gid=$(id -g daemon), mode=0660" "$(mode_by_udev)"
chgrp daemon /dev/epollx
chmod 660 /dev/epollx
refuse who_may_not_is_told "no epollx" as_nobody env EPOLLX_BACKEND=ring "$program"
check who_may_not_runs_on_native_epoll as_nobody "$program"
check who_is_in_the_group_may setpriv --reuid 65534 --regid 65534 --groups "$(id -g daemon)" env EPOLLX_BACKEND=ring "$program"

# An instance keeps it.
EPOLLX_BACKEND=ring build/bin/examples/ticker 100000 100 >/dev/null &
user=$!
until [ -n "$(users)" ] || ! kill -0 "$user" 2>/dev/null; do :; done
same who_keeps_it_is_found "$user" "$(users)"
same maps_are_found_too "/proc/$user/maps" "$(grep -l epollx /proc/[0-9]*/maps 2>/dev/null)"
refuse is_not_unloaded_in_use "in use" modprobe -r epollx
kill "$user"
wait "$user" 2>/dev/null
check is_unloaded_afterwards modprobe -r epollx
check leaves_nothing is_gone
check a_program_runs_without_it "$program"

umount "$modules"
check uninstalls scripts/install --uninstall
same nothing_is_left "" "$(scripts/install --list | cut -f 3 | xargs ls -d 2>/dev/null)"
finish
