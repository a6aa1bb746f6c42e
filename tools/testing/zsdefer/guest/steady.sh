# SPDX-License-Identifier: GPL-2.0
#
# steady.sh MIB RATE: memory that is swapped in, RATE pages a second, and how often
# workers wake up meanwhile. A line of JSON goes to steady.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

mib=$1 rate=$2

# How often all workers went to sleep, which they do each time that they are done.
workers_slept()
{
	cat /proc/[0-9]*/status 2>/dev/null | awk '
		/^Name:/ { worker = $2 ~ /^kworker\// }
		/^voluntary_ctxt_switches:/ && worker { n += $2 }
		END { print n }'
}

swap_on 256M
warm_up
slept=$(workers_slept) ns=$(zsbench workers)
run=$(zsbench release -h touch -m "$mib" -g "$rate" -r 1) || exit 1
echo "${run%\}},\"wakeups\":$(($(workers_slept) - slept)),\"workers_ns\":$((\
	$(zsbench workers) - ns))}" >>"$out/steady.jsonl"
