#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The kernel's own test of epoll's wake-ups (tools/testing/selftests/filesystems/epoll), case by case, on native epoll and
# on epollx at the same time, so that both have the same machine under them. A case that spins in two threads gets it
# for one side after the other: with four that spin on two CPUs it comes to no end.
#
# Some cases measure time, or spin in more threads than there are CPUs, and fail natively on a slow machine. So a case is
# not expected to pass but to do as it does natively: it passes if something has happened on both sides. Where it did not,
# both sides are run again, RETRIES times at most. Two answers are no result of epollx's, and say so: that only native
# epoll fails, and that neither side comes to an end in time (skipped).

set -uo pipefail
# shellcheck source=selftests/preload/lib.sh
. "$(dirname "$0")/lib.sh"

test=$root/build/bin/epoll_wakeup
retries=4
groups=8 limit=60
# Seconds for those that spin in several threads, and get the machine to themselves; the others sleep most of their time.
# Two threads of epoll59 that have a CPU each need three seconds of an emulated machine, and all time where they have to
# share one; in the ten threads of epoll60 it does not come to an end, and one that is not emulated does soon.
declare -A limit_spinning=([epoll59]=7 [epoll60]=6)
one_after_the_other=epoll59
counts=$work/counts
truncate -s 4096 "$counts"

# What has happened to each case on each side, in order: "pass fail none".
declare -A native=() epollx=()

# once SECONDS CASE... : in a PID namespace, since a case that is cut short leaves threads that spin for ever.
once() {
	local seconds=$1
	shift
	exec timeout -s KILL "$seconds" unshare --pid --fork --kill-child "$test" "${@/#/-t}"
}

# start NAME SECONDS CASE...: both sides, in the background; what they say goes to $work/NAME.SIDE.
start() {
	local name=$1
	shift
	once "$@" &>"$work/$name.native" &
	[ "$name" != "$one_after_the_other" ] || end
	LD_PRELOAD=$preload EPX_COUNT_FILE=$counts once "$@" &>"$work/$name.epollx" &
}

# The end of all that was started, without the shell's remarks about what it had to kill.
end() {
	wait 2>/dev/null
}

# outcome FILE CASE, into result
outcome() {
	local line
	result=none
	while IFS= read -r line; do
		case $line in
		"ok "*" global.$2") result=pass ;;
		"not ok "*" global.$2") result=fail ;;
		esac
	done <"$1"
}

# note NAME CASE...: what start has written.
note() {
	local name=$1 case result
	shift
	for case; do
		outcome "$work/$name.native" "$case" && native[$case]+="$result "
		outcome "$work/$name.epollx" "$case" && epollx[$case]+="$result "
	done
}

# both CASE OUTCOME: it has happened on both sides.
both() {
	[[ ${native[$1]} == *$2* && ${epollx[$1]} == *$2* ]]
}

is_settled() {
	both "$1" pass || both "$1" fail || both "$1" none ||
		[[ ${native[$1]} != *pass* && ${epollx[$1]} == *pass* ]]
}

cases=()
while read -r line; do
	case=${line##* }
	[[ $case != epoll[0-9]* ]] || cases+=("$case")
done < <("$test" -l 2>&1)
same "the kernel's test has its 64 cases" 64 "${#cases[@]}"

parts=()
for i in "${!cases[@]}"; do
	[[ -v limit_spinning[${cases[i]}] ]] || parts[i % groups]+="${cases[i]} "
done
for i in "${!parts[@]}"; do
	read -r -a part <<<"${parts[i]}"
	start "part$i" "$limit" "${part[@]}"
done
end
for i in "${!parts[@]}"; do
	read -r -a part <<<"${parts[i]}"
	note "part$i" "${part[@]}"
done
for case in "${!limit_spinning[@]}"; do
	start "$case" "${limit_spinning[$case]}" "$case"
	end
	note "$case" "$case"
done

for case in "${cases[@]}"; do
	for ((i = 0; i < retries; i++)); do
		! is_settled "$case" || break
		start "$case" "${limit_spinning[$case]:-12}" "$case"
		end
		note "$case" "$case"
	done
	seen="native: ${native[$case]% }; epollx: ${epollx[$case]% }"
	if both "$case" pass; then
		ok "$case"
	elif both "$case" fail; then
		ok "$case (fails on both)"
	elif both "$case" none; then
		ok "$case # SKIP no end in time on either side"
	elif is_settled "$case"; then
		ok "$case (only native epoll fails)"
	else
		not_ok "$case" "$seen"
	fi
	[ "$seen" = "native: pass; epollx: pass" ] || echo "# $case: $seen"
done

# The proof that the one side was epollx: every function was called there, and all instances were its own.
mapfile -t numbers < <(od -An -v -t u8 -w8 -N 96 "$counts")
calls=(epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2)
for i in "${!calls[@]}"; do
	check "${calls[i]} was called on epollx" test "$((numbers[i]))" -gt 0
done
same "no instance was native" "0 0" "$((numbers[6])) $((numbers[7]))"
finish
