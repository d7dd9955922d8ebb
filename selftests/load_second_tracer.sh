#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The hook on __fput() alone, called from a trampoline of its own, and beside the function tracer on the same function,
# where ftrace calls both from a loop with preemption off: closes are seen in either mode, and across the change.

set -euo pipefail
# shellcheck source=selftests/load_lib.sh
. "$(dirname "$0")/load_lib.sh"

tracing=/sys/kernel/tracing
rounds=3000
[ "$is_debug" = no ] || rounds=200

tracer_on() {
	echo __fput >"$tracing/set_ftrace_filter" && echo function >"$tracing/current_tracer"
}

tracer_off() {
	echo nop >"$tracing/current_tracer" && echo >"$tracing/set_ftrace_filter"
}

tracer_saw_closes() {
	[ "$(grep -c __fput "$tracing/trace")" -gt 0 ]
}

# Patching code that another CPU runs is what QEMU 7.2's multi-threaded TCG does wrong: without epollx, too, two programs
# that close pipes while the function tracer comes and goes on __fput() make 6.1 hang and 6.12 oops within 20 changes, in
# half of all boots. With one CPU at work nobody runs what is being patched, and the closes still meet every state.
one_cpu() {
	[[ $EPX_ACCEL != tcg* ]] || echo 0 >/sys/devices/system/cpu/cpu1/online
}

all_cpus() {
	[[ $EPX_ACCEL != tcg* ]] || echo 1 >/sys/devices/system/cpu/cpu1/online
}

# The tracer comes and goes while files are closed all the time.
switch_under_load() {
	local pid switches=0
	one_cpu
	for _ in {1..3}; do
		closes || exit
	done &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		tracer_on
		tracer_off
		switches=$((switches + 1))
	done
	all_cpus
	echo "$switches switches"
	wait "$pid" && [ "$switches" -gt 2 ]
}

closes() {
	build/bin/close_test --side epollx
}

race() {
	build/bin/stress --only "$1" --rounds "$rounds"
}

check loads load
check close_tests_with_the_hook_alone closes
check second_user_of_the_function_comes tracer_on
check close_tests_beside_the_tracer closes
check close_race_beside_the_tracer race instance_close_beside_file_close
check nested_close_race_beside_the_tracer race outer_close_beside_inner_close
check tracer_saw_closes_too tracer_saw_closes
check second_user_goes tracer_off
check close_tests_after_the_tracer closes
check tracer_comes_and_goes_under_load switch_under_load
check loads_away unload
check leaves_nothing_behind is_gone

# And the other way round: the tracer is there first.
tracer_on
check loads_beside_the_tracer load
check close_tests_where_the_tracer_was_first closes
check unloads_beside_the_tracer unload
tracer_off
finish
