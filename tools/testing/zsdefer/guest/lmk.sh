# SPDX-License-Identifier: GPL-2.0
#
# lmk.sh RUNS: apps are killed one after the other to make room for a new one;
# a line of JSON a run goes to lmk.jsonl. Sizes follow the machine's memory, of
# which the apps and the new one want more than there is. That the new one is
# killed itself, by the kernel, is a result, too.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

total=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
swap_on "$((total * 2))M"
echo "@@ low-memory-killer scene, $1 times, $total MiB of memory"
zsbench lmk -r "$1" -p 6 -m $((total / 8)) -R $((total / 16)) \
	-n $((total / 2)) -l $((total / 10)) -w "${zs_wait:-60000}" \
	>>"$out/lmk.jsonl" || tail -n 1 "$out/lmk.jsonl" | grep -q '"oom":true'
