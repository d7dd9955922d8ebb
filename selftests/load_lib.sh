# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For the tests that load and unload the module themselves, which run in the VM as root with no module loaded:
#
#   scripts/vm --module none -- selftests/load_NAME.sh
#
# EPX_LOAD names another module file than that of build/. Sourced, not run. ok/not_ok print TAP; check runs a command and
# judges its status; finish prints the plan.

module=${EPX_LOAD:-${EPX_ROOT:-$PWD}/build/${EPX_KERNEL:?run this in the VM, by scripts/vm --module none}/epollx.ko}
tap=0
bad=0
case $EPX_KERNEL in
debug-*) is_debug=yes ;;
*) is_debug=no ;;
esac
export is_debug

ok() {
	tap=$((tap + 1))
	echo "ok $tap $1"
}

not_ok() {
	tap=$((tap + 1))
	bad=$((bad + 1))
	echo "not ok $tap $1"
	shift
	printf '# %s\n' "$@"
}

# check NAME COMMAND...: ok if the command succeeds.
check() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "$* gave $?" "${said//$'\n'/ | }"
	fi
}

# refuse NAME TEXT COMMAND...: ok if the command fails and says TEXT.
refuse() {
	local name=$1 text=$2 said
	shift 2
	if said=$("$@" 2>&1); then
		not_ok "$name" "$* succeeded"
	elif [[ $said == *"$text"* ]]; then
		ok "$name"
	else
		not_ok "$name" "$* did not say '$text'" "${said//$'\n'/ | }"
	fi
}

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

finish() {
	echo "1..$tap"
	[ "$bad" = 0 ]
	exit
}
