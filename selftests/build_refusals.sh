#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The module does not build for a kernel that it is not written for, and says so in a sentence. Only the preprocessor is
# needed: the refusals are #error in kmod/compat.h, which sees a kernel made of a version number and no more. Runs
# anywhere, also outside the VM.

set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
fake=$(mktemp -d "${TMPDIR:-/tmp}/epx-fake-XXXXXX")
trap 'rm -rf "$fake"' EXIT
mkdir "$fake/linux"
sed -n 's,^#include <\(linux/.*\)>$,\1,p' "$root/kmod/compat.h" | while read -r header; do
	: >"$fake/$header"
done
tap=0 bad=0

# build NAME VERSION TEXT OPTION...: with TEXT the build must fail and say it; without, it must work.
build() {
	local name=$1 version=$2 text=$3 said status=0
	shift 3
	cat >"$fake/linux/version.h" <<-HEADER
		#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
		#define LINUX_VERSION_CODE KERNEL_VERSION($version)
	HEADER
	said=$(gcc -nostdinc -E -o /dev/null -I "$fake" "$@" "$root/kmod/compat.h" 2>&1) || status=$?
	tap=$((tap + 1))
	if { [ -z "$text" ] && [ "$status" = 0 ]; } || { [ -n "$text" ] && [ "$status" != 0 ] && [[ $said == *"$text"* ]]; }; then
		echo "ok $tap $name"
	else
		bad=$((bad + 1))
		echo "not ok $tap $name"
		echo "# status $status, it said: ${said//$'\n'/ | }"
	fi
}

args=-DCONFIG_DYNAMIC_FTRACE_WITH_ARGS
build accepts_the_oldest_kernel "6, 1, 0" "" $args
build accepts_the_oldest_kernels_updates "6, 1, 255" "" $args
build accepts_the_latest_kernel "6, 12, 255" "" $args
refusal="written for Linux 6.1 and 6.12"
build refuses_an_older_kernel "6, 0, 19" "$refusal" $args
build refuses_the_kernel_after_the_oldest "6, 2, 0" "$refusal" $args
build refuses_the_kernel_before_the_latest "6, 11, 255" "$refusal" $args
build refuses_a_newer_kernel "6, 13, 0" "$refusal" $args
build refuses_preempt_rt "6, 1, 0" "cannot work on PREEMPT_RT" $args -DCONFIG_PREEMPT_RT
build refuses_ftrace_without_arguments "6, 1, 0" "needs CONFIG_DYNAMIC_FTRACE_WITH_ARGS"

# The close hook is what the refusals are about: it must be compiled with them in sight.
tap=$((tap + 1))
if grep -q '#include "compat.h"' "$root/kmod/fput.c"; then
	echo "ok $tap close_hook_is_built_under_the_refusals"
else
	bad=$((bad + 1))
	echo "not ok $tap close_hook_is_built_under_the_refusals"
fi
echo "1..$tap"
[ "$bad" = 0 ]
