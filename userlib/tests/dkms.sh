#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The module as dkms(8) builds it, from what make install has put somewhere, for both stock kernels; refused for others;
# and signed as epollx(8) says. All trees of dkms are below build/dkms: nothing of this machine's is touched.

set -uo pipefail

cd "$(dirname "$0")/../.." || exit
# shellcheck source=selftests/tap.sh
. selftests/tap.sh

tree=$PWD/build/dkms
rm -rf "$tree"
mkdir -p "$tree/state" "$tree/modules"

check "make install" make -s install DESTDIR="$tree/dest" PREFIX=/usr
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$tree"/dest/usr/src/epollx-*/dkms.conf)

# run COMMAND OPTION...: dkms, of epollx, with trees of its own.
run() {
	local command=$1
	shift
	# Our own Makefile's flags are none of the kernel build's business.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dkms "$command" -m epollx -v "$version" \
		--dkmstree "$tree/state" --sourcetree "$tree/dest/usr/src" --installtree "$tree/modules" "$@"
}

# of KERNEL: options for dkms, into the array kernel.
of() {
	kernel_dir=$(scripts/fetch-kernel "$1")
	release=$(cat "$kernel_dir/release")
	kernel=(-k "$release/x86_64" --kernelsourcedir "$kernel_dir/build")
}

check "dkms add" run add
# As epollx(8) says it for another prefix: it copies.
mkdir -p "$tree/elsewhere/state" "$tree/elsewhere/src"
check "dkms add by path" dkms add "$tree/dest/usr/src/epollx-$version" --dkmstree "$tree/elsewhere/state" --sourcetree "$tree/elsewhere/src"
check "what it has copied" diff -r "$tree/dest/usr/src/epollx-$version" "$tree/elsewhere/src/epollx-$version"
for name in 6.1 6.12; do
	of "$name"
	built=$tree/state/epollx/$version/$release/x86_64/module/epollx.ko
	check "$name: dkms build" run build "${kernel[@]}" --no-depmod
	case $(modinfo -F vermagic "$built" 2>&1) in
	"$release "*) ok "$name: it is for that kernel" ;;
	*) not_ok "$name: it is for that kernel" "$(modinfo "$built" 2>&1)" ;;
	esac
	same "$name: dkms status" "epollx/$version, $release, x86_64: built" "$(run status -k "$release/x86_64")"

	key=$tree/$name
	mkdir -p "$key"
	check "$name: a key" openssl req -new -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=epollx-test/ -outform DER \
		-keyout "$key/mok.key" -out "$key/mok.pub"
	# The headers' scripts are links to where a package of their own would be.
	check "$name: signed" "$(find "$kernel_dir/root/usr/lib" -name sign-file | head -n 1)" sha256 \
		"$key/mok.key" "$key/mok.pub" "$built" "$key/epollx.ko"
	same "$name: by whom" "epollx-test" "$(modinfo -F signer "$key/epollx.ko")"
done

# A kernel of another series, which has the headers of a known one, is left out before anything is compiled.
refuse "6.5 is refused" "BUILD_EXCLUSIVE" run build -k 6.5.0-1-amd64/x86_64 --kernelsourcedir "$kernel_dir/build" --no-depmod
check "dkms remove" run remove --all
same "what is left of it" "" "$(find "$tree/state/epollx" "$tree/modules" -name '*.ko*' 2>/dev/null)"
finish
