# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What measures both kernels in turns, "make run" and "make try": source it after
# lib/common.sh. Makes a folder $tmp, which goes with the script, as do files that are
# named in $rubbish.

: "${MEM:=2048}"
: "${CPUS:=2}"

for n in "$RUNS" "$MEM" "$CPUS"; do
	[[ $n =~ ^[1-9][0-9]{0,5}$ ]] ||
		die "RUNS, MEM and CPUS are numbers from 1, not $n"
done
for size in $SIZES; do
	[[ $size =~ ^[1-9][0-9]*x[1-9][0-9]*$ ]] ||
		die "SIZES has $size, which is not MIBxPROCESSES"
done

lock_cache
tmp=$(mktemp -d)
rubbish=()
trap 'end_children; rm -rf "$tmp" "${rubbish[@]}"' EXIT
export ZSDEFER_TIMES=$tmp/times
: >"$ZSDEFER_TIMES"

# beside FILE COMMAND...: run it beside what comes next, its output in FILE; what
# it says comes as in a log. "finish" waits for it.
beside()
{
	local to=$1

	shift
	start "$@" >"$to" 2> >(cat >&2)
}

# Packages, download and unpacking beside each other.
# shellcheck disable=SC2154 # lib.sh sets $here, and start() $child
fetch_beside()
{
	local fetching

	need_packages debian-archive-keyring xz-utils
	beside "$tmp/source" "$here/scripts/kernel/source.sh"
	fetching=$child
	need_packages "$@"
	finish "$fetching" || exit 1
}

# begin_results GUESTS: a folder $out, which gets its name only when it is whole.
begin_results()
{
	results=${RESULTS:-$here/results/$(date -u +%Y%m%d-%H%M%S)}
	out=$results.part
	rm -rf "$out"
	mkdir -p "$out"
	guests=0 all=$1
}

last_word()
{
	sed -n 's/^\[[^]]*\] *//p' "$1" | tail -n 1
}

# guests N WHAT COMMAND...: N guests that run at the same time.
guests()
{
	local n=$1 what=$2

	shift 2
	guests=$((guests + n))
	step=guests how_far=last_word with_progress \
		"guest $guests of $all: $what" "$tmp/guest.log" "$@"
}

# at_once COMMAND1 COMMAND2: guests that count are no slower for each other's
# company.
at_once()
{
	local status=0

	$1 &
	$2 || status=$?
	wait $! || status=$?
	return $status
}

# end_results ABOUT...: the report of what guests left, and lines about it.
end_results()
{
	{
		echo "commit $(revision)"
		printf '%s\n' "$@"
		echo "qemu $(qemu-system-x86_64 -version | head -n 1)"
		# shellcheck disable=SC2154 # who measures knows it
		echo "accelerator $accel"
		echo "host $(host)"
	} >"$out/machine"
	/usr/bin/python3 "$here/scripts/report/run_report.py" "$out"
	rm -rf "$results"
	mv "$out" "$results"
	# README's tables of it.
	[ -z "${DOC:-}" ] ||
		python3 "$here/scripts/report/cited.py" "$results/results.json"
	say "$(times_spent)"
	say "raw samples: $results/results.json, the table: $results/report.md"
	echo "$results/index.html"
}
