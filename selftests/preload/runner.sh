#!/bin/bash
# SPDX-License-Identifier: MIT
#
# epollx-run and the library as they are installed: which programs they reach, what they say of those they do not, and
# that the counters are right.

set -uo pipefail
# shellcheck source=selftests/preload/lib.sh
. "$(dirname "$0")/lib.sh"

probe=$root/build/bin/preload_probe
probe32=$root/build/bin32/preload_probe
epollx='anon_inode:[epollx]'
native='anon_inode:[eventpoll]'

# Installed where another user may read it, unlike the checkout perhaps.
prefix=$work/prefix
mkdir -p "$prefix/bin" "$prefix/lib/x86_64-linux-gnu" "$prefix/lib32"
cp "$run" "$prefix/bin/epollx-run"
cp "$root/build/lib/libepollx-preload.so" "$prefix/lib/x86_64-linux-gnu/"
cp "$root/build/lib32/libepollx-preload.so" "$prefix/lib32/"
cp "$probe" "$prefix/probe"
cp "$probe" "$prefix/probe_setuid"
chmod 4755 "$prefix/probe_setuid"

as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# with_dev COMMAND... : in a /dev of its own; the function dev_has makes what is in it.
with_dev() {
	# shellcheck disable=SC2016 # expanded inside
	unshare -m bash -c 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 600 /dev/hidden c "$1" "$2" &&
		eval "$3" && shift 3 && exec "$@"' with_dev "$((0x$(stat -c %t /dev/epollx)))" "$((0x$(stat -c %T /dev/epollx)))" "$@"
}

# --- what is reached ---

same "the probe alone is on native epoll" "$native" "$("$probe" kind 2>&1)"
same "a program runs on epollx" "$epollx" "$("$run" "$probe" kind 2>&1)"
same "a 32-bit program runs on epollx" "$epollx" "$("$run" "$probe32" kind 2>&1)"
same "an installed epollx-run finds the libraries of its prefix" "$epollx$epollx" \
	"$("$prefix/bin/epollx-run" "$prefix/probe" kind 2>&1)$("$prefix/bin/epollx-run" "$probe32" kind 2>&1)"
same "any user may" "$epollx" "$(as_nobody "$prefix/bin/epollx-run" "$prefix/probe" kind 2>&1)"
same "a script's interpreter is reached" "$epollx" "$(
	printf '#!/bin/sh\nexec %s kind\n' "$probe" >"$work/script"
	chmod +x "$work/script"
	"$run" "$work/script" 2>&1
)"
same "name, arguments and standard input are the program's" "preload_probe <a  b> <> <*> line" \
	"$(echo line | PATH=$root/build/bin:$PATH "$run" preload_probe show 'a  b' '' '*' 2>&1)"
same "they are with --count, too" "preload_probe <a  b> <> <*> line" \
	"$(echo line | PATH=$root/build/bin:$PATH "$run" --count="$work/count" preload_probe show 'a  b' '' '*' 2>&1)"

status_of() {
	"$@" >/dev/null 2>&1
	echo $?
}
same "the program's status is epollx-run's" "0 7 137" \
	"$(status_of "$run" true) $(status_of "$run" sh -c 'exit 7') $(status_of "$run" sh -c 'kill -9 $$')"
same "it is with --count, too" "0 7 137" \
	"$(status_of "$run" --count true) $(status_of "$run" --count sh -c 'exit 7') $(status_of "$run" --count sh -c 'kill -9 $$')"
same "what cannot be run is 126 and 127" "126 127 127" \
	"$(status_of "$run" "$root/README.md") $(status_of "$run" ./no-such) $(status_of "$run" no-such-program)"

# --- what is not, and what is said then ---

refuse "a static program is refused" "linked statically" "$run" "${probe}_static" kind
refuse "a script with a static interpreter is refused" "${probe}_static, which runs" "$run" "$(
	printf '#!%s kind\n' "${probe}_static" >"$work/static-script"
	chmod +x "$work/static-script"
	echo "$work/static-script"
)"
refuse "a program in Go is refused" "written in Go" "$run" "${probe}_go" kind
refuse "a setuid program is refused" "setuid" as_nobody "$prefix/bin/epollx-run" "$prefix/probe_setuid" kind
same "its owner is not refused" "$epollx" "$("$prefix/bin/epollx-run" "$prefix/probe_setuid" kind 2>&1)"
cp "$probe" "$prefix/probe_capable"
setcap cap_net_bind_service=ep "$prefix/probe_capable"
refuse "a program with file capabilities is refused" "file capabilities" \
	as_nobody "$prefix/bin/epollx-run" "$prefix/probe_capable" kind
same "and would not be reached" "$native" \
	"$(as_nobody env "LD_PRELOAD=$prefix/\$LIB/libepollx-preload.so" "$prefix/probe_capable" kind 2>&1)"
same "to root they are nothing" "$epollx" "$("$prefix/bin/epollx-run" "$prefix/probe_capable" kind 2>&1)"
refuse "behind a filter without ioctl an instance is what the filter says" "not permitted" "$run" "$probe" filtered
same "with --or-native it is native epoll" "$native" "$("$run" --count="$work/count" --or-native "$probe" filtered 2>/dev/null)"
same "and counted so" "0 1" "$(counted "$work/count" epoll_create1 epollx) $(counted "$work/count" epoll_create1 native)"
same "a refusal is 125" 125 "$(status_of "$run" "${probe}_static" kind)"
same "with --or-native it runs on native epoll" "$native" "$("$run" --or-native "${probe}_static" kind 2>"$work/said")"
check "and is told so" grep -q 'it runs on native epoll' "$work/said"
same "--check says without running" "0 125" \
	"$(status_of "$run" --check "$probe" kind) $(status_of "$run" --check --or-native "${probe}_static" kind)"
check "--help says how" sh -c "'$run' --help | grep -q -e --or-native"
refuse "an unknown option is refused" "--no-such" "$run" --no-such true
same "a library that lies in a path with a space is not tried" 125 "$(
	mkdir "$work/a b"
	cp -r "$prefix/bin" "$prefix/lib" "$work/a b/"
	status_of "$work/a b/bin/epollx-run" true
)"

refuse "no device is told" "the module epollx is not loaded" with_dev : "$run" "$probe" kind
same "no device and --or-native is native epoll" "$native" "$(with_dev : "$run" --or-native "$probe" kind 2>/dev/null)"
refuse "another file in the device's place is told" "is no device" with_dev 'touch /dev/epollx' "$run" "$probe" kind
refuse "a device of another user is told" "cannot be opened" \
	with_dev 'mv /dev/hidden /dev/epollx' setpriv --reuid 65534 --clear-groups "$prefix/bin/epollx-run" "$prefix/probe" kind

# The same without epollx-run before: what the library answers.
refuse "without a device an instance is ENODEV" "No such device" \
	with_dev : env "LD_PRELOAD=$preload" "$probe" kind
refuse "a file in the device's place is ENODEV" "No such device" \
	with_dev 'touch /dev/epollx' env "LD_PRELOAD=$preload" "$probe" kind
refuse "another character device is ENODEV" "No such device" \
	with_dev 'cp -a /dev/null /dev/epollx' env "LD_PRELOAD=$preload" "$probe" kind
refuse "a device that may not be opened is EACCES" "Permission denied" \
	with_dev 'mv /dev/hidden /dev/epollx' setpriv --reuid 65534 --clear-groups \
	env "LD_PRELOAD=$prefix/\$LIB/libepollx-preload.so" "$prefix/probe" kind
same "EPX_OR_NATIVE makes it native epoll" "$native" \
	"$(with_dev : env "LD_PRELOAD=$preload" EPX_OR_NATIVE=1 "$probe" kind 2>&1)"
same "EPX_OR_NATIVE changes nothing where there is a device" "$epollx" \
	"$(env "LD_PRELOAD=$preload" EPX_OR_NATIVE=1 "$probe" kind 2>&1)"

# --- counters ---

# table FILE: kind epollx native, of the kinds in order.
table() {
	awk '$2 ~ /^epoll_/ { printf "%s %s %s\n", $2, $3, $4 }' "$1"
}
times() {
	printf '%s\n' "epoll_create $1 0" "epoll_create1 $((2 * $1)) 0" "epoll_ctl $((2 * $1)) $1" \
		"epoll_wait $((3 * $1)) $1" "epoll_pwait $((4 * $1)) $1" "epoll_pwait2 $((5 * $1)) $1"
}
check "a program's calls are counted" "$run" --count="$work/count" "$probe" work
same "each kind, and those that were made again" "$(times 1)" "$(table "$work/count")"
check "a tree's calls are counted" "$run" --count="$work/count" "$probe" tree "$probe"
same "killed, executed and quietly leaving processes too" "$(times 4)" "$(table "$work/count")"
check "a tree of both word sizes is counted" "$run" --count="$work/count" "$probe32" tree "$probe"
same "into the same counters" "$(times 4)" "$(table "$work/count")"
check "a tree that becomes another user is counted" "$prefix/bin/epollx-run" --count="$work/count" \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$prefix/probe" work
same "also what that one executes" "$(times 1)" "$(table "$work/count")"
"$run" --count "$probe" work 2>"$work/count"
same "without a file they go to standard error" "$(times 1)" "$(table "$work/count")"
with_dev : "$run" --count="$work/count" --or-native "$probe" work 2>/dev/null
same "native epoll is not counted as epollx" "" "$(table "$work/count" | awk '$2 != 0')"
for file in "$work/none" /dev/null; do
	check "a count file that cannot be mapped ($file) does no harm" env "LD_PRELOAD=$preload" "EPX_COUNT_FILE=$file" "$probe" work
done

# The reader of the pipe goes on when the program has opened it; then it is in its wait, or on the way.
mkfifo "$work/fifo"
"$run" --count="$work/count" "$probe" block "$work/fifo" &
runner=$!
: <"$work/fifo"
kill -TERM "$runner"
wait "$runner"
same "a TERM for epollx-run ends the program" 143 $?
same "and the counters are written" "epoll_create1 1 0" "$(table "$work/count" | grep create1)"
check "nothing is left in the directory for temporary files" \
	test -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'epollx-run.*')"

# --- before the library's constructor ---

for bits in lib lib32; do
	early=$root/build/$bits/preload_early.so
	program=$probe
	[ $bits = lib ] || program=$probe32
	order=$(LD_DEBUG=files LD_PRELOAD="$preload:$early" "$program" show 2>&1 </dev/null |
		grep -o 'calling init: .*\(early\|epollx-preload\).so')
	same "$bits: the other library's constructor is the first" "preload_early.so libepollx-preload.so" \
		"$(echo "$order" | sed 's,.*/,,' | xargs)"
	# The runner itself is of 64 bits, and says so of the other library.
	check "$bits: threads in it use epoll" sh -c '"$@" </dev/null 2>/dev/null' early \
		env "LD_PRELOAD=$early" "$run" --count="$work/count" "$program" show
	same "$bits: and each of their calls is counted" "epoll_create1 400 0 epoll_ctl 400 0 epoll_wait 400 0" \
		"$(table "$work/count" | grep -E 'create1|ctl|_wait' | xargs)"
done

# --- what the library is made of ---

for bits in lib lib32; do
	defined=$(nm -D --defined-only "$root/build/$bits/libepollx-preload.so" | awk '{ print $3 }' | xargs)
	same "$bits: it defines the functions and nothing else" \
		"$([ $bits = lib ] || echo '__epoll_pwait2_time64 ')epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait" "$defined"
	used=$(nm -D --undefined-only "$root/build/$bits/libepollx-preload.so" | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }')
	allowed='__errno_location|pthread_setcanceltype|syscall|secure_getenv|fstat(64)?|mmap(64)?|munmap'
	same "$bits: it uses nothing of libc that allocates or locks" "" "$(echo "$used" | grep -v -x -E "$allowed")"
	check "$bits: it binds its symbols when it is loaded" sh -c "readelf -d '$root/build/$bits/libepollx-preload.so' | grep -q BIND_NOW"
done

finish
