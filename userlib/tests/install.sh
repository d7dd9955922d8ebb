#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make install, below a directory of its own: programs in several languages compile against what is there and nothing
# else, run with the shared and with the static library, and make uninstall leaves nothing behind.

set -uo pipefail

cd "$(dirname "$0")/../.." || exit
# shellcheck source=selftests/tap.sh
. selftests/tap.sh

root=$PWD/build/install
program=build/install.program
source=userlib/tests/install.c
rm -rf "$root"

check "make install" make -s install DESTDIR="$root" PREFIX=/usr

# The paths of the .pc file, as they will be where the package goes.
pc() {
	sed -n "s/^$1: //p" "$root/usr/lib/pkgconfig/libepollx.pc" |
		sed "s|\${includedir}|$root/usr/include|; s|\${libdir}|$root/usr/lib|"
}
read -ra cflags <<<"$(pc Cflags)"
read -ra libs <<<"$(pc Libs)"
read -ra private <<<"$(pc Libs.private)"

# compiles NAME COMPILER...: with no warning, and the program runs.
compiles() {
	local name=$1
	shift
	check "$name" "$@" -Wall -Wextra -Werror "${cflags[@]}" -o "$program" "$source" "${libs[@]}"
	check "$name, run" env LD_LIBRARY_PATH="$root/usr/lib" "$program"
}

compiles "C99" gcc -std=c99 -D_POSIX_C_SOURCE=200809L -Wpedantic
compiles "C11" gcc -std=c11 -D_POSIX_C_SOURCE=200809L -Wpedantic
compiles "C17 with GNU extensions, optimised" gcc -std=gnu17 -O3 -flto
compiles "C++11" g++ -std=c++11 -x c++
compiles "C++20" g++ -std=c++20 -x c++
check "static" gcc "${cflags[@]}" -o "$program" "$source" "$root/usr/lib/libepollx.a" "${private[@]}"
check "static, run" "$program"

for header in "$root"/usr/include/epollx*.h; do
	name=$(basename "$header")
	check "$name by itself, C" gcc -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror "${cflags[@]}" -x c -fsyntax-only "$header"
	check "$name by itself, C++" g++ -std=c++11 -Wall -Wextra -Werror -Wno-pragma-once-outside-header "${cflags[@]}" \
		-x c++ -fsyntax-only "$header"
done

library=$root/usr/lib/libepollx.so
same "its name for programs" libepollx.so.1 "$(readelf -d "$library" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')"
same "what it exports" "$(sed -n 's/^\t\(epx_.*\);/\1/p' userlib/libepollx.map | sort)" \
	"$(nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort)"

if command -v groff >/dev/null; then
	for page in "$root"/usr/share/man/man[347]/*; do
		# Those that only refer to another page have nothing to be judged.
		if [ "$(wc -l <"$page")" -gt 1 ]; then
			same "$(basename "$page")" "" "$(groff -man -Tutf8 -ww -z "$page" 2>&1 | head -n 3)"
		fi
	done
fi

check "make uninstall" make -s uninstall DESTDIR="$root" PREFIX=/usr
same "what it leaves" "" "$(find "$root" ! -type d)"
finish
