#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Load and unload again and again: with traffic between, right after heavy use, and after users that were killed in the
# middle of it.

set -euo pipefail
# shellcheck source=selftests/load_lib.sh
. "$(dirname "$0")/load_lib.sh"

# A second each; the fewer on one kernel of the two.
cycles=100
[ "${EPX_KERNEL:-}" != 6.12 ] || cycles=30
busy=3000
if [ "$is_debug" = yes ]; then
	cycles=10
	busy=300
fi
races=(instance_close_beside_file_close edges_are_counted_once outer_close_beside_inner_close two_queues_beside_wake)

# A race now and then, a few closes otherwise: it is the loading that takes the time.
traffic() {
	if (($1 % 10 == 0)); then
		# Not its verdict on windows, which few rounds may miss, but its traffic.
		build/bin/stress --only "${races[$1 / 10 % ${#races[@]}]}" --rounds 10 --seed "$1" >/dev/null || true
	else
		build/bin/close_test --side epollx --filter number_can_be_added_again >/dev/null
	fi
}

cycle() {
	local i
	for ((i = 0; i < cycles; i++)); do
		load "" || return
		traffic "$i" || return
		unload || return
	done
}

# Kills the users in the middle of their rounds and unloads as soon as their files are closed.
unload_after_kill() {
	local pid
	load "" || return
	build/bin/stress --only "$1" --rounds 100000000 >/dev/null &
	pid=$!
	# Traffic has begun once closes of watched files are counted.
	until [ "$(awk '$1 == "fput_hits" { print $2 }' /sys/kernel/debug/epollx/counters)" -gt 100 ]; do
		kill -0 "$pid" || return
	done
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	# Its child dies with it, a moment later: until then the module is in use.
	for _ in {1..2000}; do
		if unload 2>/dev/null; then
			return 0
		fi
	done
	unload
}

heavy_then_unload() {
	load "" || return
	build/bin/stress --only open_add_close_beside_two_waits --rounds "$busy" || return
	unload
}

check "loads_and_unloads_${cycles}_times" cycle
check leaves_nothing_after_the_cycles is_gone
check unloads_after_heavy_use heavy_then_unload
check leaves_nothing_after_heavy_use is_gone
check unloads_after_killed_closers unload_after_kill close_in_the_middle_of_a_delivery
check unloads_after_killed_nesters unload_after_kill inner_close_beside_outer_scan
check unloads_after_killed_crowd unload_after_kill instance_goes_beside_all_its_files
check leaves_nothing_after_killed_users is_gone
finish
