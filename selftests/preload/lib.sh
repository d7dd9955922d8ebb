# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For the tests of the preload library and of epollx-run, which run in the VM with the module loaded:
#
#   scripts/vm -- selftests/preload/NAME.sh
#
# Sourced, not run; with tap.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../tap.sh
. "$root/selftests/tap.sh"
run=$root/userlib/preload/epollx-run
# shellcheck disable=SC2016,SC2034 # for the dynamic linker; for who sources this
preload=$root/build/'$LIB/libepollx-preload.so'
export run preload
: "${EPX_KERNEL:?run this in the VM, by scripts/vm}"

work=$(mktemp -d "${TMPDIR:-/tmp}/preload.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# counted FILE KIND COLUMN: from what epollx-run --count=FILE has written; COLUMN is epollx or native.
counted() {
	awk -v kind="$2" -v column="$3" '$2 == kind { print column == "epollx" ? $3 : $4 }' "$1"
}

# all_counted FILE COLUMN
all_counted() {
	awk -v column="$2" '$2 ~ /^epoll_/ { sum += column == "epollx" ? $3 : $4 } END { print sum + 0 }' "$1"
}
