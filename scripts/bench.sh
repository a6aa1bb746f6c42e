#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a release, and the drain after it, cost in instructions: QEMU counts
# them (-icount), so the figures repeat. Three variants: the unpatched kernel,
# the feature, and the feature with enabled=0; each with the page allocator's
# per-CPU lists as they are (long) and with short ones, as under pressure.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

lock_cache
image=$("$here/scripts/image.sh")
trap 'rm -f "$image"' EXIT
mapfile -t builds < <("$here/scripts/kernel-build.sh" pristine on)
[ ${#builds[@]} -eq 2 ] || exit 1
out=${RESULTS:-$here/results/bench-$(date -u +%Y%m%d-%H%M%S)}
for lists in long short; do
	i=0
	for variant in off on disabled; do
		"$here/scripts/vm.sh" -i -m 1024 -n "$variant, $lists lists" \
			"${builds[$i]}" "$image" "$out/$variant-$lists" bench \
			"$variant" "$lists" 64 3 mixed single huge same
		i=1
	done
done
commit=$(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)
python3 "$here/scripts/bench_report.py" "$out" "$commit"
