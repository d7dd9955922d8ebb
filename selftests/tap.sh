# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# TAP for tests that are shell scripts. Sourced, not run. ok/not_ok print a result; check runs a command and judges its
# status, refuse wants it to fail with a text, same compares two texts; finish prints the plan.

tap=0
bad=0

ok() {
	tap=$((tap + 1))
	echo "ok $tap $1"
}

not_ok() {
	tap=$((tap + 1))
	bad=$((bad + 1))
	echo "not ok $tap $1"
	shift
	printf '# %s\n' "$@"
}

# check NAME COMMAND...: ok if the command succeeds.
check() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "$* gave $?" "${said//$'\n'/ | }"
	fi
}

# refuse NAME TEXT COMMAND...: ok if the command fails and says TEXT.
refuse() {
	local name=$1 text=$2 said
	shift 2
	if said=$("$@" 2>&1); then
		not_ok "$name" "$* succeeded"
	elif [[ $said == *"$text"* ]]; then
		ok "$name"
	else
		not_ok "$name" "$* did not say '$text'" "${said//$'\n'/ | }"
	fi
}

# same NAME EXPECTED FOUND
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "expected: ${2//$'\n'/ | }" "found:    ${3//$'\n'/ | }"
	fi
}

finish() {
	echo "1..$tap"
	[ "$bad" = 0 ]
	exit
}
