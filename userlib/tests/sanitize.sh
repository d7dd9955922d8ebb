#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The library's tests as make install builds it, without assertions; with the compiler's sanitizers (addresses and
# undefined behaviour, the same while allocations fail; threads) and under valgrind; and the compiler's analyzer on the
# library's sources. What each said stays in build/sanitize/.
#
#   userlib/tests/sanitize.sh [release|address|starved|thread|valgrind|analyzer...]

set -uo pipefail

cd "$(dirname "$0")/../.." || exit
# shellcheck source=selftests/tap.sh
. selftests/tap.sh

work=build/sanitize
export TSAN_OPTIONS=die_after_fork=0 UBSAN_OPTIONS=print_stacktrace=1

# build KIND FLAGS [CFLAGS]: the tests, built so; what is over is freed, so that a use of it is seen.
build() {
	make -s CC="gcc $2" CFLAGS="${3:--O1 -g -DEPX_BLOCK_TASKS=0}" objects="$work/$1/obj" out="$work/$1" lib-tests >"$work/$1.build" 2>&1
}

# run KIND PROGRAM COMMAND...: ok if it passes and no tool has anything to say.
run() {
	local kind=$1 name log
	name=$(basename "$2")
	log=$work/$kind.$name
	shift 2
	if "$@" >"$log" 2>&1 && ! grep -Eq 'runtime error|Sanitizer|^==[0-9]+==' "$log" && grep -q '^ok 1 ' "$log"; then
		ok "$name [$kind]"
	else
		not_ok "$name [$kind]" "see $log" "$(grep -Em 1 'runtime error|Sanitizer|^==|^not ok' "$log")"
	fi
}

sanitized() {
	local program
	if ! build "$@"; then
		not_ok "builds [$1]" "see $work/$1.build"
		return
	fi
	for program in "$work/$1"/lib/*_test; do
		run "$1" "$program" "$program" --backend scripted,epoll
	done
}

# What a test that has failed leaves behind is no leak of the library's; memory_test asks for those. On the scripted
# backend, with which GLib's loop cannot sleep.
starved() {
	local program
	for program in "$work/address"/lib/*_test; do
		[ "${program##*/}" != glib_test ] || continue
		run starved "$program" env ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=abort_on_error=1 \
			"$program" --starve 50
	done
}

under_valgrind() {
	local program
	for program in build/bin/lib/*_test; do
		run valgrind "$program" env EPX_VALGRIND=1 valgrind -q --error-exitcode=9 --leak-check=full \
			"$program" --backend scripted,epoll
	done
}

# Whether something leaks it cannot tell where lists hold what was allocated; address and valgrind do.
analyzed() {
	local source
	for source in userlib/core/*.c userlib/around/*.c userlib/backend/*.c; do
		check "${source#userlib/} [analyzer]" gcc -std=gnu11 -O1 -fanalyzer -Wno-analyzer-malloc-leak -Wall -Wextra -Werror -Iuapi -Iuserlib/include \
			-Iuserlib -c -o /dev/null "$source"
	done
}

mkdir -p "$work"
address="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
wanted=("$@")
if [ $# -eq 0 ]; then
	wanted=(release address starved thread valgrind analyzer)
fi
for kind in "${wanted[@]}"; do
	case $kind in
	release) sanitized release "" "-O2 -g -DNDEBUG" ;;
	address) sanitized address "$address" ;;
	starved) build address "$address" && starved ;;
	# It cannot see what a fence orders; what is there besides is enough for it.
	thread) sanitized thread "-fsanitize=thread -Wno-tsan" ;;
	valgrind) under_valgrind ;;
	analyzer) analyzed ;;
	*) not_ok "$kind" "is none of release, address, starved, thread, valgrind, analyzer" ;;
	esac
done
finish
