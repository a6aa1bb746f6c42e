# SPDX-License-Identifier: GPL-2.0
#
# bench.sh VARIANT LISTS MIB RUNS DATA...: what a release and the drain after
# it cost, to be run where guest time counts instructions. Nothing is drained
# during the release, so that the two costs are told apart. With LISTS=short
# the page allocator's per-CPU lists hold next to nothing, as they do while
# memory is short, and freed pages go on to the buddy lists. Lines of JSON go
# to bench.jsonl, those of frees that fall back to budget.jsonl and
# full.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

variant=$1 lists=$2 mib=$3 runs=$4
shift 4
if [ "$lists" = short ]; then
	echo 2000 >/proc/sys/vm/percpu_pagelist_high_fraction || exit 1
fi
swap_on 1G
if [ -d "$knobs" ]; then
	knobs_for_all
	[ "$variant" = on ] || echo 0 >"$knobs/enabled"
fi
bench()
{
	zsbench release -r "$runs" -f "$@" >>"$out/bench.jsonl" || exit 1
}
for data in "$@"; do
	# A fresh pool flatters.
	zsbench release -m "$mib" -d "$data" -r 2 -f >/dev/null || exit 1
	echo "@@ $data"
	bench -m "$mib" -d "$data" -h munmap
	bench -m "$mib" -d "$data" -h kill
done
echo "@@ mixed, swapped in"
bench -m "$mib" -d mixed -h touch
echo "@@ mixed, 4 processes interleaved, one released"
zsbench release -m "$mib" -p 4 -r 1 -f -i >/dev/null || exit 1
bench -m "$mib" -p 4 -d mixed -i

# fall_back FILE: what frees cost that can't be queued. No worker may make room
# for some of them, so this has real-time priority.
fall_back()
{
	zsbench release -x -m "$mib" -r "$runs" -f >>"$out/$1.jsonl" || exit 1
}
echo "@@ mixed, with the budget spent"
[ ! -d "$knobs" ] || echo 4096 >"$knobs/budget" || exit 1
fall_back budget
echo "@@ mixed, with the queues full"
[ ! -d "$knobs" ] || {
	echo 256M >"$knobs/budget" && echo 1 >"$knobs/drain_threshold" &&
		echo 1 >"$knobs/class_budget"
} || exit 1
fall_back full
