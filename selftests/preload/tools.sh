#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Load from programs that others wrote: stress-ng's epoll stressor and perf's epoll benchmarks, natively and on epollx.
# They judge what epoll answers and exit accordingly; the counters show that epollx was what answered.

set -uo pipefail
# shellcheck source=selftests/preload/lib.sh
. "$(dirname "$0")/lib.sh"

ops=300

# both NAME LIBRARY COMMAND...: succeeds natively and on epollx, with that library in LD_PRELOAD; counts in $work/count.
both() {
	local name=$1 library=$2
	shift 2
	check "$name: natively" env "LD_PRELOAD=$library" "$@"
	check "$name: on epollx" env "LD_PRELOAD=$library" "$run" --count="$work/count" "$@"
	same "$name: no instance was native" "0 0" \
		"$(counted "$work/count" epoll_create native) $(counted "$work/count" epoll_create1 native)"
	sed 's/^epollx-run:/#/' "$work/count"
}

# called NAME KIND LEAST: calls of KIND that no native epoll answered.
called() {
	check "$1: at least $3 calls of $2 on epollx" test "$(counted "$work/count" "$2" epollx)" -ge "$3"
}

# One of stress-ng's waits is a raw system call, which the preload library cannot reach. When its server gives up, the
# clients try until the time is over, and all is said to be well: so its time is longer than it gets.
both "stress-ng" "$root/build/lib/preload_raw_calls.so" timeout 50 stress-ng --epoll 1 --epoll-ops "$ops" --timeout 60
called "stress-ng" epoll_ctl 20
check "stress-ng: it waited on epollx" test "$(all_counted "$work/count" epollx)" -gt \
	$(($(counted "$work/count" epoll_ctl epollx) + $(counted "$work/count" epoll_create epollx) + $(counted "$work/count" epoll_create1 epollx)))

both "perf bench epoll ctl" "" perf bench epoll ctl -t 2 -n -r 1
called "perf bench epoll ctl" epoll_ctl 100
both "perf bench epoll wait" "" perf bench epoll wait -t 2 -n -r 1
called "perf bench epoll wait" epoll_wait 100
finish
