#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Ask the kernel's memory model about every place where ordering matters
# without a lock: herd7 on tools/testing/zsdefer/litmus/*.litmus. Each file
# says in its "Result:" line what is to come out. NAME-broken.litmus is
# NAME.litmus with a mistake in it, which has to be found. Prints a line for
# each: ok, not ok, or skip, with the reason.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/newer-debian.sh"

tests=$here/tools/testing/zsdefer/litmus
lock_cache
model=$("$here/scripts/kernel-source.sh")/tools/memory-model
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The system's herd7, or one from a newer Debian: 12 has none.
find_herd()
{
	local run

	if command -v herd7; then
		return
	fi
	run=$(newer_tool herd7 herdtools7 libc6 libgmp10) || return
	echo "$run"
	# It looks for its library where the package has it.
	echo -set-libdir
	echo "$(dirname "$run")/usr/share/herdtools7/herd"
}

if ! find_herd 2>&1 >"$tmp/herd" | tee "$tmp/why" >&2; then
	echo "skip litmus # no herd7: $(sed -n 's/^error: //p' "$tmp/why")"
	exit
fi
mapfile -t herd <"$tmp/herd"

# verdict FILE: nothing if herd7 says of it what it should.
verdict()
{
	local want seen

	want=$(sed -n 's/^ \* Result: //p' "$1")
	(cd "$model" && "${herd[@]}" -conf linux-kernel.cfg "$1") \
		>"$tmp/out" 2>&1 || true
	seen=$(awk '$1 == "Observation" { print $3 }' "$tmp/out")
	if [ -z "$seen" ]; then
		echo "herd7 can't do it: $(grep -v '^$' "$tmp/out" | tail -n 1)"
	elif [ "$seen" != "$want" ]; then
		echo "the bad outcome is seen: ${seen,}; should be: ${want:-?}"
	elif [ "$want" = Never ] && grep -q '^Flag' "$tmp/out"; then
		grep "^Flag" "$tmp/out"
	elif [ "$want" = Never ] && [ ! -f "${1%.litmus}-broken.litmus" ]; then
		echo "it has no twin that can fail"
	fi
}

say "asking herd7"
status=0
for t in "$tests"/*.litmus; do
	name=$(basename "$t" .litmus)
	why=$(verdict "$t")
	if [ -z "$why" ]; then
		echo "ok $name"
	else
		echo "not ok $name # $why"
		status=1
	fi
done
exit $status
