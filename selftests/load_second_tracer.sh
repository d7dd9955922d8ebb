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

# The tracer comes and goes while files are closed all the time.
switch_under_load() {
	local pid
	build/bin/stress --only instance_close_beside_file_close --rounds $((rounds * 3)) &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		tracer_on
		tracer_off
	done
	wait "$pid"
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
