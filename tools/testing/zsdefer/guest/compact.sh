# SPDX-License-Identifier: GPL-2.0
#
# compact.sh RUNS MIB: releases while somebody wants memory in one piece again and
# again: it is compacted, and huge pages are asked for. A line of JSON a release goes to
# release.jsonl, and one of how much of that was had, to compact.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

want()
{
	asked=0 had=0
	while [ ! -e /tmp/enough ]; do
		echo 1 >/proc/sys/vm/compact_memory
		# All that is free, but a little, in pages of 2 MiB.
		huge=$(awk '/^MemFree:/ { print int($2 * 0.97 / 2048) }' /proc/meminfo)
		echo "$huge" >/proc/sys/vm/nr_hugepages
		had=$((had + $(cat /proc/sys/vm/nr_hugepages)))
		asked=$((asked + huge))
		echo 0 >/proc/sys/vm/nr_hugepages
	done
	echo "{\"asked\":$asked,\"had\":$had," \
		"\"success\":$(($(vmstat compact_success) - success))," \
		"\"fail\":$(($(vmstat compact_fail) - fail))}" >>"$out/compact.jsonl"
}

swap_on 2G
warm_up
success=$(vmstat compact_success) fail=$(vmstat compact_fail)
want &
echo "@@ $2 MiB released beside compaction, $1 times"
zsbench release -h kill -m "$2" -r "$1" -w "${zs_wait:-60000}" >>"$out/release.jsonl" ||
	exit 1
touch /tmp/enough
wait
