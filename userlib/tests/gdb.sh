#!/bin/bash
# SPDX-License-Identifier: MIT
#
# epx-dump of userlib/gdb/epollx.py on a core file: it says what a program's tasks wait for.

set -uo pipefail

cd "$(dirname "$0")/../.." || exit
# shellcheck source=selftests/tap.sh
. selftests/tap.sh

work=build/gdb
program=build/bin/examples/ticker
mkdir -p "$work"
rm -f "$work/core"

# A core of the program where it waits: at its first sleep.
said=$(gdb -q -nx -batch -ex 'set breakpoint pending on' -ex 'catch syscall epoll_wait' -ex 'catch syscall epoll_pwait2' \
	-ex run -ex "generate-core-file $work/core" -ex kill --args env EPOLLX_BACKEND=epoll "$program" 100000 2 2>&1)
if [ ! -s "$work/core" ]; then
	not_ok "a core is written" "${said//$'\n'/ | }"
	finish
fi
said=$(gdb -q -nx -batch -x userlib/gdb/epollx.py -ex epx-dump "$program" "$work/core" 2>&1)

# has NAME TEXT: ok if the dump has a line like it.
has() {
	if grep -Eq "$2" <<<"$said"; then
		ok "$1"
	else
		not_ok "$1" "no '$2' in: ${said//$'\n'/ | }"
	fi
}

has "the task" '^task 1, waiting$'
has "what it is" '^  then$'
has "what that waits for, and until when" '^    timeout: at [0-9]+$'
has "the coroutine, and where it is" '^      ticker at ticker.c:[0-9]+: epx_tick\('
has "the leaf" '^        tick: at [0-9]+$'
has "how many there are" '^1 tasks, 2 timers$'
rm -f "$work/core"
finish
