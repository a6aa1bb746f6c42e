# SPDX-License-Identifier: GPL-2.0
#
# cost.sh LISTS MIB RUNS: what a release, and the drain after it, cost, to be
# run where guest time counts instructions; for any of the designs. Real-time
# priority keeps workers out of the release, so that the two costs are told
# apart; the flush that follows waits for them. LISTS as for bench.sh. Lines of
# JSON go to cost.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

lists=$1 mib=$2 runs=$3
if [ "$lists" = short ]; then
	echo 2000 >/proc/sys/vm/percpu_pagelist_high_fraction || exit 1
fi
# This gives others a share of the CPU all the same.
for share in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do
	echo 0 >"$share" || exit 1
done
swap_on 1G
# Incompressible data want more than the default, a sixteenth of memory. Other
# designs have room for 128 MiB of any data.
[ ! -d "$knobs" ] || echo 128M >"$knobs/budget" || exit 1

# cost OPTION...: a fresh pool flatters, so the first two runs are not counted.
cost()
{
	zsbench release -x -f -m "$mib" -r 2 "$@" >/dev/null || exit 1
	zsbench release -x -f -m "$mib" -r "$runs" "$@" >>"$out/cost.jsonl" ||
		exit 1
}
for data in mixed single huge; do
	echo "@@ $data"
	cost -d "$data"
done
echo "@@ mixed, 4 processes interleaved, one released"
cost -d mixed -p 4 -i
