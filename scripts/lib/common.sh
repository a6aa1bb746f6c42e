# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What all scripts share. Source it after "set -euo pipefail".

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export here PATH=$PATH:/usr/sbin:/sbin

: "${BASE:=7.3}"
: "${ZSDEFER_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/zsdefer}"
: "${JOBS:=$(($(nproc) + 1))}"
# Scripts that another one has started leave it the last word.
underling=${ZSDEFER_STARTED:-}
started=${ZSDEFER_STARTED:-$(date +%s)}
export BASE ZSDEFER_CACHE JOBS ZSDEFER_STARTED=$started

# All that people are told goes to stderr; stdout is for results.
say()
{
	local s=$(($(date +%s) - started))

	printf '%s[%3d:%02d] %s\n' "${moving:+$'\r\033[K'}" \
		$((s / 60)) $((s % 60)) "$*" >&2
	moving=''
}

# show COMMAND...: how far a long step is, as COMMAND prints it: on a line that
# moves; in a log, on a line every half minute at most.
moving='' shown=0
show()
{
	local now text s

	now=$(date +%s)
	[ -t 2 ] || [ $((now - shown)) -ge 30 ] || return 0
	text=$("$@" || true)
	if [ -t 2 ]; then
		s=$((now - started))
		printf '\r\033[K[%3d:%02d]   %s' $((s / 60)) $((s % 60)) \
			"${text:0:$((${COLUMNS:-80} - 11))}" >&2
		moving=1
	else
		say "  $text"
		shown=$now
	fi
}

die()
{
	printf '%serror: %s\n' "${moving:+$'\r\033[K'}" "$*" >&2
	exit 1
}

# What runs in the background has a process group of its own, and ends with us.
declare -A children=()

# start COMMAND...: in the background, as $child.
start()
{
	set -m
	"$@" </dev/null 9>&- &
	set +m
	child=$!
	children[$child]=1
}

# finish CHILD: wait for it, and return its status.
finish()
{
	local status=0

	wait "$1" || status=$?
	unset "children[$1]"
	return $status
}

end_children()
{
	local child

	for child in "${!children[@]}"; do
		kill -- "-$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	done
}

interrupted()
{
	trap '' INT TERM HUP
	end_children
	[ -n "$underling" ] ||
		say "interrupted; the same command goes on where this one stopped"
	exit 130
}
trap interrupted INT TERM HUP

# spent STEP SINCE: keep in $ZSDEFER_TIMES what a step took, for times_spent.
spent()
{
	[ -z "${ZSDEFER_TIMES:-}" ] ||
		printf '%s\t%s\n' "$1" $(($(date +%s) - $2)) >>"$ZSDEFER_TIMES"
}

# The steps in their order, those of one name added up: "fetch 0:04, ..."
times_spent()
{
	awk -F '\t' '
		!($1 in s) { name[++n] = $1 }
		{ s[$1] += $2 }
		END {
			for (i = 1; i <= n; i++)
				printf "%s%s %d:%02d", (i > 1 ? ", " : ""),
					name[i], s[name[i]] / 60, s[name[i]] % 60
		}' "$ZSDEFER_TIMES"
}

# A folder that is ours to write: the cache, moved by ZSDEFER_CACHE.
need_cache()
{
	mkdir -p "$ZSDEFER_CACHE" 2>/dev/null && [ -w "$ZSDEFER_CACHE" ] ||
		die "the cache folder $ZSDEFER_CACHE can't be written;" \
		    "set ZSDEFER_CACHE to one that can"
}

# need_space MIB WHERE: a disk that fills up in the middle helps nobody.
need_space()
{
	local free

	free=$(df -Pm "$2" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$1" ] ||
		die "the disk of $2 has $free MiB left, and $1 are needed;" \
		    "free some, or set ZSDEFER_CACHE to a folder elsewhere"
}

# What results are of: this revision, and this machine.
revision()
{
	git -C "$here" describe --always --dirty 2>/dev/null || echo unknown
}

host()
{
	echo "$(uname -srm), $(nproc) CPUs,$(sed -n 's/^model name[^:]*://p' /proc/cpuinfo | head -n 1)"
}

# What builds a kernel, and what is in a guest (SMALL= as image.sh has it) and runs
# it.
build_packages()
{
	echo build-essential bc bison flex libelf-dev ccache cpio kmod patch \
		python3 xz-utils
}

guest_packages()
{
	echo qemu-system-x86 busybox-static build-essential cpio
	[ -n "${SMALL:-}" ] || echo stress-ng linux-perf e2fsprogs
}

report_packages()
{
	echo python3 python3-scipy python3-jinja2 gnuplot-nox
}

# need_packages PACKAGE...: install those that are missing.
need_packages()
{
	local p missing=() as_root=(env DEBIAN_FRONTEND=noninteractive)

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
		sudo -v || die "sudo gives no rights; become root, or install:" \
			"${missing[*]}"
		as_root=(sudo "${as_root[@]}")
	fi
	need_cache
	step=packages how_far=apt_percent with_progress \
		"installing ${missing[*]}" "$ZSDEFER_CACHE/packages.log" \
		apt_install "${missing[@]}"
}

# In one go with others' need_packages, and with whoever else uses apt now. An
# update that fails is no harm if the lists at hand are enough.
apt_install()
{
	(
		flock 8
		"${as_root[@]}" apt-get -q update || true
		"${as_root[@]}" apt-get -q -y --no-install-recommends \
			-o DPkg::Lock::Timeout=300 -o APT::Status-Fd=1 \
			install "$@"
	) 8>"$ZSDEFER_CACHE/packages.lock"
}

# What the system's apt knows may be old, or nothing. Who has no rights, or no network,
# goes on with that.
update_lists()
{
	local as_root=()

	if [ "$(id -u)" -ne 0 ]; then
		sudo -n true 2>/dev/null || return 0
		as_root=(sudo)
	fi
	say "asking what Debian has"
	flock "$ZSDEFER_CACHE/packages.lock" "${as_root[@]}" apt-get -q update \
		>"$ZSDEFER_CACHE/update.log" 2>&1 || true
}

apt_percent()
{
	sed -n 's/^..status:[^:]*:\([0-9]*\)\..*/\1 %/p' "$1" | tail -n 1
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
		# In one piece nothing could interrupt it.
		until flock -w 1 9; do :; done
	fi
	export ZSDEFER_LOCKED=1
}

# with_progress WHAT LOG COMMAND...: run it with its output in LOG, and show how
# far it is: what "$how_far LOG" prints, the last line if there is none. The time
# is kept as $step's. $or_else is what to do if it fails.
with_progress()
{
	local what=$1 log=$2 pid rc=0 n=0 began

	shift 2
	began=$(date +%s)
	mkdir -p "$(dirname "$log")"
	say "$what"
	shown=$began
	start "$@" >"$log" 2>&1
	pid=$child
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		n=$((n + 1))
		[ $((n % 4)) -ne 0 ] || show "${how_far:-last_line}" "$log"
	done
	finish "$pid" || rc=$?
	[ -z "${step:-}" ] || spent "$step" "$began"
	[ $rc -ne 0 ] || {
		[ -z "$moving" ] || printf '\r\033[K' >&2
		moving=''
		return 0
	}
	if grep -q 'No space left on device' "$log"; then
		die "$what: no space is left on the disk of $ZSDEFER_CACHE; free" \
		    "some, or set ZSDEFER_CACHE to a folder elsewhere, and run" \
		    "the same again"
	fi
	grep -E -m 10 '^E: |error:|[Ee]rror [0-9]' "$log" >&2 ||
		tail -n 25 "$log" >&2
	die "$what failed${or_else:+; $or_else}; the whole log is $log"
}

last_line()
{
	tail -n 1 "$1" | cut -c -60
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
