#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a release, and the drain after it, cost in instructions: QEMU counts
# them (-icount), so the figures repeat. Five variants: the unpatched kernel; the
# option n, without the optional patches (off) and with them (optional); the
# option y with enabled=0 (disabled) and 1 (on). Each has the page allocator's
# per-CPU lists as they are (long) and short ones, as under pressure.
#
# Then, in real time on two CPUs, processes that leave together: ratios of one
# run, as times wander. What memory a pool takes whose contents change. And what
# workers do while pages are swapped in one by one.
#
#	BASELINE=...	a revision of this repository to compare with: its own
#			bench runs first, on the same machine
#	RUNS=3 SIZE=64	runs of each figure, MiB that are released in each
#	NATIVE=1	in nanoseconds of this machine's CPU instead: see native.sh
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

case ${NATIVE:-} in
'') ;;
1 | profile) exec "$here/scripts/guest/native.sh" ;;
*) die "NATIVE is 1 or profile, not $NATIVE" ;;
esac
: "${RUNS:=3}" "${SIZE:=64}"
for n in "$RUNS" "$SIZE"; do
	[[ $n =~ ^[1-9][0-9]{0,2}$ ]] ||
		die "RUNS and SIZE are numbers from 1 to 999, not $n"
done
out=${RESULTS:-$here/results/bench-$(date -u +%Y%m%d-%H%M%S)}
commit=$(revision)
if [ -n "${BASELINE:-}" ]; then
	rev=$(git -C "$here" rev-parse --verify --quiet "$BASELINE^{commit}") ||
		die "BASELINE=$BASELINE is no revision of $here"
fi
lock_cache
tmp=$(mktemp -d)
image=''
trap 'end_children; rm -rf "$tmp" "$image"' EXIT
if [ -n "${BASELINE:-}" ]; then
	say "first the bench of $BASELINE"
	git clone -q "$here" "$tmp/baseline"
	git -C "$tmp/baseline" checkout -q --detach "$rev"
	base=$(git -C "$tmp/baseline" describe --always)
	BASELINE='' RESULTS="$out/baseline/$base" "$tmp/baseline/scripts/bench.sh"
fi

image=$("$here/scripts/guest/image.sh")
declare -A build
variants="unpatched off optional on"
# shellcheck disable=SC2086 # a flavour a word
start "$here/scripts/kernel/build.sh" $variants >"$tmp/builds"
finish "$child" || exit 1
for variant in $variants; do
	build[$variant]=$(sed -n "/-$variant\$/p" "$tmp/builds")
done
build[disabled]=${build[on]}
# Where instructions are counted, company does no harm.
for variant in $variants disabled; do
	guests=()
	for lists in long short; do
		start "$here/scripts/guest/vm.sh" -i -m 1024 -n "$variant, $lists lists" \
			"${build[$variant]}" "$image" "$out/$variant-$lists" \
			bench "$variant" "$lists" "$SIZE" "$RUNS" \
			mixed single huge same
		guests+=("$child")
	done
	for child in "${guests[@]}"; do
		finish "$child" || die "a guest did not end well; see $out"
	done
done
for variant in unpatched on; do
	"$here/scripts/guest/vm.sh" -m 2048 -c 2 -n "$variant, 2 CPUs" \
		"${build[$variant]}" "$image" "$out/$variant-leave" \
		leave $((RUNS + 2))
done
# both NAME JOB...: a guest of each kernel, at once, which leave OUT/KERNEL-NAME.
both()
{
	guests=()
	for variant in unpatched on; do
		start "$here/scripts/guest/vm.sh" -m 1024 -n "$variant, $1" \
			"${build[$variant]}" "$image" "$out/$variant-$1" "${@:2}"
		guests+=("$child")
	done
	for child in "${guests[@]}"; do
		finish "$child" || die "a guest did not end well; see $out"
	done
}

# What a pool takes whose contents change, class by class.
both churn churn 20 1 2 3
# What workers do while 200 pages a second are swapped in.
both steady steady 8 200
for variant in $variants; do
	cp "${build[$variant]}/size" "$out/size-$variant"
done
python3 "$here/scripts/report/bench_report.py" "$out" "$commit" \
	${BASELINE:+"$out/baseline/figures.tsv"}
