# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of epollx-run: its options, then a program and its arguments as that program completes them.

_epollx_run() {
	local cur=${COMP_WORDS[COMP_CWORD]} word i options='--count --count= --or-native --check --help --'

	# COMP_WORDS has --count=FILE in three: the option, "=", the file.
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--)
			i=$((i + 1))
			break
			;;
		--count) [ "${COMP_WORDS[i + 1]:-}" != = ] || i=$((i + 2)) ;;
		-*) ;;
		*) break ;;
		esac
	done
	COMPREPLY=()
	if [ "$i" -lt "$COMP_CWORD" ]; then
		if declare -F _command_offset >/dev/null; then
			_command_offset "$i"
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
	elif [ "$i" -gt "$COMP_CWORD" ]; then
		[ "$cur" != = ] || cur=
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [[ $cur == -* && ${COMP_WORDS[COMP_CWORD - 1]} != -- ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null
	else
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	fi
}

complete -F _epollx_run epollx-run
