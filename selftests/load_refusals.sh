#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The module does not load where a close could be missed, cannot be made to miss one later, and does not go while it is
# in use.

set -euo pipefail
# shellcheck source=selftests/load_lib.sh
. "$(dirname "$0")/load_lib.sh"

sysctl=/proc/sys/kernel/ftrace_enabled

set_ftrace() {
	echo "$1" >"$sysctl"
}

set_ftrace 0
log_mark
refuse refuses_without_ftrace "" load
check says_why_it_refuses_without_ftrace logged "__fput"
check leaves_nothing_after_a_refusal is_gone
set_ftrace 1

if [ "$is_debug" = yes ]; then
	log_mark
	refuse refuses_when_the_self_test_fails "" load fail_selftest=1
	check says_that_the_self_test_failed logged "self-test failed"
	check leaves_nothing_after_a_failed_self_test is_gone
fi

check loads_where_it_can load
check is_there_after_loading is_loaded
refuse ftrace_cannot_be_switched_off_meanwhile "busy" set_ftrace 0
check ftrace_is_still_on test "$(cat $sysctl)" = 1

# An open instance, or the open device, holds the module.
exec 7<>/dev/epollx
refuse does_not_go_while_the_device_is_open "in use" unload
exec 7>&-

# The instance alone, the device closed: the driver of the races has many.
use_instances() {
	build/bin/stress --only close_while_ready --rounds 100000000 >/dev/null &
	user=$!
	until [ "$(awk '$1 == "fput_hits" { print $2 }' /sys/kernel/debug/epollx/counters)" -gt 100 ]; do
		kill -0 "$user" || return
	done
}

# Stopped, so that its instance is neither closed nor made at that moment.
stop_users() {
	# The list has no newline at its end, which read calls a failure.
	read -ra children <"/proc/$user/task/$user/children" || true
	kill -STOP "${children[@]}"
}

end_users() {
	local child
	kill -KILL "$user" "${children[@]}"
	wait "$user" 2>/dev/null || true
	for child in "${children[@]}"; do
		while [ -d "/proc/$child" ]; do :; done
	done
}

use_instances
stop_users
refuse does_not_go_while_an_instance_is_open "in use" unload
end_users
check works_after_the_refused_unload build/bin/stress --only instance_close_beside_file_close --rounds 200
check goes_when_nobody_uses_it unload
check leaves_nothing_behind is_gone
check ftrace_can_be_switched_off_again set_ftrace 0
set_ftrace 1
finish
