#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make install, below a directory of its own: programs in several languages compile against what is there and nothing
# else, run with the shared and with the static library; the library exports what is documented, and what it has always
# exported; and make uninstall leaves nothing behind.

set -uo pipefail

cd "$(dirname "$0")/../.." || exit
# shellcheck source=selftests/tap.sh
. selftests/tap.sh

root=$PWD/build/install
prefix=/opt/epollx
here=$root$prefix
program=build/install.program
source=userlib/tests/install.c
settings=(DESTDIR="$root" PREFIX="$prefix")
rm -rf "$root"

# What it finds is below the directory, wherever the package thinks that it is.
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$here/lib/pkgconfig

check "make install" make -s install "${settings[@]}"
same "all that is said to be installed, and nothing else" \
	"$(env VERSION="$(pkg-config --modversion epollx)" "${settings[@]}" scripts/install --list | cut -f 3 | sort)" \
	"$(find "$root" ! -type d | sed "s|^$root||" | sort)"
while read -r mode path; do
	same "$path" "$mode" "$(stat -L -c %a "$here/$path" 2>&1)"
done <<'PATHS'
755 bin/epollx-run
644 include/epollx.h
644 include/epollx_async.h
644 include/linux/epollx.h
644 lib/libepollx.a
755 lib/libepollx.so
755 lib/libepollx.so.1
644 lib/modules-load.d/epollx.conf
644 lib/pkgconfig/epollx.pc
644 lib/udev/rules.d/60-epollx.rules
755 lib/x86_64-linux-gnu/libepollx-preload.so
755 lib/i386-linux-gnu/libepollx-preload.so
755 lib32/libepollx-preload.so
644 share/gdb/auto-load/opt/epollx/lib/libepollx.so.1.0-gdb.py
644 share/bash-completion/completions/epollx-run
644 share/man/man1/epollx-run.1
644 share/man/man2/epollx_ioctl.2
644 share/man/man3/epollx_exec.3
644 share/man/man4/epollx.4
644 share/man/man7/libepollx.7
644 share/man/man7/libepollx-async.7
644 share/man/man8/epollx.8
PATHS
same "paths of this machine in what is text" "" "$(grep -rIl "$PWD" "$root")"

# --- programs ---

read -ra cflags <<<"$(pkg-config --cflags epollx)"
read -ra libs <<<"$(pkg-config --libs epollx)"
read -ra static <<<"$(pkg-config --static --libs epollx | sed 's/-lepollx/-l:libepollx.a/')"
same "pkg-config's directory of headers" "-I$here/include" "${cflags[*]}"

# compiles NAME COMPILER...: with no warning, and the program runs.
compiles() {
	local name=$1
	shift
	check "$name" "$@" -Wall -Wextra -Werror "${cflags[@]}" -o "$program" "$source" "${libs[@]}"
	check "$name, run" env LD_LIBRARY_PATH="$here/lib" "$program"
}

compiles "C99" gcc -std=c99 -D_POSIX_C_SOURCE=200809L -Wpedantic
compiles "C11" gcc -std=c11 -D_POSIX_C_SOURCE=200809L -Wpedantic
compiles "C17 with GNU extensions, optimised" gcc -std=gnu17 -O3 -flto
compiles "C++11" g++ -std=c++11 -Wpedantic -x c++
compiles "C++20" g++ -std=c++20 -Wpedantic -x c++
refuse "the shared library is needed at run time" libepollx.so.1 env -u LD_LIBRARY_PATH "$program"
check "static" gcc "${cflags[@]}" -o "$program" "$source" "${static[@]}"
check "static, run" "$program"

for header in "$here"/include/epollx*.h "$here"/include/linux/*.h; do
	name=${header#"$here/include/"}
	check "<$name> by itself, C" gcc -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" \
		-x c -include "$name" -fsyntax-only /dev/null
	check "<$name> by itself, C++" g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" \
		-x c++ -include "$name" -fsyntax-only /dev/null
done

# --- what the library exports ---

library=$here/lib/libepollx.so
functions=$(sed -n 's/^\t\(epx_.*\);/\1/p' userlib/libepollx.map | sort)
same "its name for programs" libepollx.so.1 "$(readelf -d "$library" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')"
same "it exports what its version script says" "$functions" \
	"$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)"
same "all of it has the version" "" "$(nm -D --defined-only "$library" | grep -v -e '@@EPOLLX_1$' -e ' A EPOLLX_1')"
# With a comment of their own; the others are parts of these.
inline=$(awk '/^ \* epx_[a-z_]+\(\) - /{ name = $2 } /^static inline/ && name { sub(/\(\).*/, "", name); print name } /^$/ { name = "" }' \
	userlib/include/*.h)
same "each of it has a page, and so has what the headers define" "$(sort <<<"$functions"$'\n'"$inline")" \
	"$(cd "$here/share/man/man3" && grep -l '^\.so ' epx_*.3 | sed 's/\.3$//' | sort)"
same "names of the static library that may be a program's own" "" \
	"$(nm -g --defined-only "$here/lib/libepollx.a" | awk 'NF == 3 && $3 !~ /^epx_/ { print $3 }')"

# An addition is no break, but nobody should make one unawares: make abi-accept.
abi=build/release/libepollx.abi
check "the library's ABI can be read" make -s "$abi"
check "it is the accepted one (userlib/libepollx.abi)" abidiff --no-show-locs userlib/libepollx.abi "$abi"
sed "s/name='backend'\(.*\)\$/name='nobackend'\1/; s/epx_wake'/epx_awake'/g" userlib/libepollx.abi >"$abi.spoiled"
refuse "a function that is missing would be seen" epx_awake abidiff --no-show-locs "$abi.spoiled" "$abi"

# --- the manual ---

lint() {
	mandoc -T lint -W warning "$1"
	groff -man -Tutf8 -ww -z "$1"
}
for page in "$here"/share/man/man?/*; do
	# Those that only refer to another page have nothing to be judged.
	if [ "$(wc -l <"$page")" -gt 1 ]; then
		same "${page##*/}" "" "$(lint "$page" 2>&1 | head -n 3)"
	fi
done
same "a function's page is its family's" "$(MANWIDTH=80 man -l "$here/share/man/man3/epollx_io.3" 2>&1)" \
	"$(MANWIDTH=80 MANPATH=$here/share/man man 3 epx_recv_exact 2>&1)"

# Each whole program in a page, out of it again.
grep -l '^int main' "$here"/share/man/man?/* >"$program.pages"
while read -r page; do
	awk '/^\.EX/ { on = 1; text = ""; next } /^\.EE/ { if (text ~ /int main/) printf "%s", text; on = 0 } on { text = text $0 "\n" }' \
		"$page" | sed 's/\\-/-/g; s/\\e/\\/g' >"$program.c"
	check "the example in ${page##*/}" gcc -std=gnu11 -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" -o "$program" "$program.c"
done <"$program.pages"

# --- epollx-run, and its completion ---

check "the installed epollx-run" "$here/bin/epollx-run" --help
# On a machine without the module this is what it says when it has found its library.
said=$("$here/bin/epollx-run" --check true 2>&1)
[ -e /dev/epollx ] && said+="no /dev/epollx"
check "it finds its library" [ "${said/no \/dev\/epollx/}" != "$said" ]

completed() {
	bash -c '
		[ ! -e /usr/share/bash-completion/bash_completion ] || . /usr/share/bash-completion/bash_completion
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		_epollx_run
		printf "%s\n" "${COMPREPLY[@]}"' - "$here/share/bash-completion/completions/epollx-run" "$@" 2>&1 | sort -u
}
same "options that are completed are those that there are" \
	"$(sed -n 's/^\t\(--[a-z=*| -]*\)).*/\1/p' userlib/preload/epollx-run | tr -d '* ' | tr '|' '\n' | grep -x -e '--.*' | sort)" \
	"$(completed epollx-run --)"
same "an option" "--or-native" "$(completed epollx-run --o)"
same "a file to count to" "Makefile" "$(completed epollx-run --count = Makef)"
same "a program" "readelf" "$(completed epollx-run --count readel)"
same "what belongs to the program" "Makefile" "$(completed epollx-run --count -- cat Makef)"

# --- the end ---

touch "$here/include/of-another.h"
check "make uninstall" make -s uninstall "${settings[@]}"
same "what it leaves" "$here/include/of-another.h" "$(find "$root" ! -type d)"
same "directories that it leaves" "bin include lib lib32 share share/man src" \
	"$(cd "$here" && find . -mindepth 1 -type d ! -name 'man?' | sed 's|^\./||' | sort | xargs)"
finish
