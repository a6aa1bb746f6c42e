#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything at once, for a long time: kills, swap traffic whose every byte is
# checked, knobs, memory pressure, compaction, CPU hotplug, resets. Ends with
# what was queued and freed, and fails if anything was lost or complained.
#
#	MINUTES=10	how long
#	SEED=...	what is done follows from it; by default the time
#	KERNEL=checked	a flavour: configs/*.config
#	MEM=512 CPUS=2	of the guest
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

: "${MINUTES:=10}" "${SEED:=$(date +%s)}" "${KERNEL:=checked}"
: "${MEM:=512}" "${CPUS:=2}"
for n in "$MINUTES" "$SEED" "$MEM" "$CPUS"; do
	[[ $n =~ ^[1-9][0-9]{0,9}$ ]] ||
		die "MINUTES, SEED, MEM and CPUS are numbers from 1, not $n"
done
[ -f "$here/configs/$KERNEL.config" ] ||
	die "KERNEL=$KERNEL is unknown; there are:" \
	    "$(cd "$here/configs" && echo *.config)"
out=${RESULTS:-$here/results/soak-$(date -u +%Y%m%d-%H%M%S)}
lock_cache
build=$("$here/scripts/kernel/build.sh" "$KERNEL")
image=$("$here/scripts/guest/image.sh" "$build")
trap 'rm -f "$image"' EXIT
say "$MINUTES minutes in the kernel \"$KERNEL\", SEED=$SEED"
status=0
"$here/scripts/guest/vm.sh" -m "$MEM" -c "$CPUS" -t $((MINUTES * 60 + 600)) \
	-n soak "$build" "$image" "$out" selftest \
	SOAK_SECONDS=$((MINUTES * 60)) SEED="$SEED" soak.sh || status=$?
for tap in "$out"/*.tap; do
	[ ! -f "$tap" ] || cat "$tap"
done
say "console and results: $out; again: make soak MINUTES=$MINUTES SEED=$SEED KERNEL=$KERNEL"
exit $status
