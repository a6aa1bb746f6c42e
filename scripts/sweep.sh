#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What budget, threshold and delay do to a release, and to the drains after
# it: every combination of some values of each, in one guest.
#
#	RUNS=3		runs of each combination
#	SIZE=64		MiB that are released
#	CPUS=2		of the guest
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

: "${RUNS:=3}" "${SIZE:=64}" "${CPUS:=2}"
for n in "$RUNS" "$SIZE" "$CPUS"; do
	[[ $n =~ ^[1-9][0-9]{0,3}$ ]] ||
		die "RUNS, SIZE and CPUS are numbers from 1 to 9999, not $n"
done
out=${RESULTS:-$here/results/sweep-$(date -u +%Y%m%d-%H%M%S)}
lock_cache
image=$("$here/scripts/guest/image.sh")
trap 'rm -f "$image"' EXIT
build=$("$here/scripts/kernel/build.sh" on)
"$here/scripts/guest/vm.sh" -m 2048 -c "$CPUS" -t 3000 -n sweep "$build" "$image" \
	"$out" sweep "$SIZE" "$RUNS"
python3 "$here/scripts/report/sweep_report.py" "$out"
