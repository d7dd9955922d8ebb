# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For the tests that load and unload the module themselves, which run in the VM as root with no module loaded:
#
#   scripts/vm --module none -- selftests/load_NAME.sh
#
# EPX_LOAD names another module file than that of build/. Sourced, not run; with tap.sh.

# shellcheck source=tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
module=${EPX_LOAD:-${EPX_ROOT:-$PWD}/build/${EPX_KERNEL:?run this in the VM, by scripts/vm --module none}/epollx.ko}
case $EPX_KERNEL in
debug-*) is_debug=yes ;;
*) is_debug=no ;;
esac
export is_debug

load() {
	insmod "$module" "$@"
}

unload() {
	rmmod epollx
}

is_loaded() {
	[ -d /sys/module/epollx ] && [ -c /dev/epollx ]
}

# Nothing of the module is left: device, caches, debugfs, sysctl.
is_gone() {
	! [ -e /sys/module/epollx ] && ! [ -e /dev/epollx ] && ! [ -e /sys/kernel/debug/epollx ] &&
		! [ -e /proc/sys/fs/epollx ] && ! grep -q '^epx_' /proc/slabinfo &&
		! dmesg | grep -q -i 'objects remaining\|still has objects'
}

# logged TEXT: the kernel's log has it, since the mark of log_mark.
log_mark() {
	mark="epollx-test-mark-$RANDOM$RANDOM"
	echo "$mark" >/dev/kmsg
}

logged() {
	dmesg | sed "1,/$mark/d" | grep -q -F "$1"
}
