# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What all scripts share. Source it after "set -euo pipefail".

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export here PATH=$PATH:/usr/sbin:/sbin

: "${BASE:=7.3}"
: "${ZSDEFER_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/zsdefer}"
: "${JOBS:=$(($(nproc) + 1))}"
started=${ZSDEFER_STARTED:-$(date +%s)}
export BASE ZSDEFER_CACHE JOBS ZSDEFER_STARTED=$started

# All that people are told goes to stderr; stdout is for results.
say()
{
	local s=$(($(date +%s) - started))

	printf '[%3d:%02d] %s\n' $((s / 60)) $((s % 60)) "$*" >&2
}

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# A folder that is ours to write: the cache, moved by ZSDEFER_CACHE.
need_cache()
{
	mkdir -p "$ZSDEFER_CACHE" 2>/dev/null && [ -w "$ZSDEFER_CACHE" ] ||
		die "the cache folder $ZSDEFER_CACHE can't be written;" \
		    "set ZSDEFER_CACHE to one that can"
}

# need_packages PACKAGE...: install those that are missing.
need_packages()
{
	local p missing=() sudo=()

	for p in "$@"; do
		dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null |
			grep -q 'install ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && return

	command -v apt-get >/dev/null ||
		die "these Debian packages are needed: ${missing[*]}"
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null ||
			die "become root, or install: ${missing[*]}"
		sudo=(sudo)
	fi
	say "installing ${missing[*]}"
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q update >/dev/null ||
		say "apt-get update failed; trying with the lists at hand"
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install \
		"${missing[@]}" >/dev/null ||
		die "apt-get could not install: ${missing[*]}"
}

# One at a time in the cache: builds of two clones share its trees.
# Scripts that are started by one that has the lock have it, too.
lock_cache()
{
	need_cache
	[ -z "${ZSDEFER_LOCKED:-}" ] || return 0
	exec 9>"$ZSDEFER_CACHE/lock"
	if ! flock -n 9; then
		say "waiting for another run that uses $ZSDEFER_CACHE"
		flock 9
	fi
	export ZSDEFER_LOCKED=1
}

# with_progress WHAT LOG COMMAND...: run it, tell every 20 s that it runs.
# The command gets its own process group's fate: Ctrl-C ends it, too.
with_progress()
{
	local what=$1 log=$2 pid rc=0 n=0

	shift 2
	mkdir -p "$(dirname "$log")"
	say "$what"
	"$@" >"$log" 2>&1 9>&- &
	pid=$!
	# shellcheck disable=SC2064
	trap "kill $pid 2>/dev/null; wait $pid 2>/dev/null; exit 130" INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		n=$((n + 1))
		[ $((n % 20)) -ne 0 ] ||
			say "  ... $what: $(tail -n 1 "$log" | cut -c -60)"
	done
	wait "$pid" || rc=$?
	trap - INT TERM
	if [ $rc -ne 0 ]; then
		grep -E -m 10 'error:|[Ee]rror [0-9]' "$log" >&2 ||
			tail -n 25 "$log" >&2
		die "$what failed; the whole log is $log"
	fi
}

# The version in a kernel tree's Makefile: "7.3 7.3.4", or nothing.
kernel_version()
{
	awk -F ' *= *' '
		$1 == "VERSION" { v = $2 }
		$1 == "PATCHLEVEL" { p = $2 }
		$1 == "SUBLEVEL" { s = $2; exit }
		END { if (v != "" && p != "" && s != "")
			printf "%s.%s %s.%s.%s\n", v, p, v, p, s }
	' "$1/Makefile" 2>/dev/null || true
}
