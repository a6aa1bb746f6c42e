# SPDX-License-Identifier: GPL-2.0
#
# lmk.sh RUNS [OPTION...]: apps are killed one after the other, or as zsbench's options
# say, to make room for a new one; a line of JSON a run goes to lmk.jsonl. Sizes follow
# the machine's memory, of which the apps and the new one want more than there is. That
# the new one is killed itself, by the kernel, is a result, too.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

total=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
swap_on "$((total * 2))M"
echo "@@ low-memory-killer scene, $total MiB of memory: -r $*"
zsbench lmk -p 6 -m $((total / 8)) -R $((total / 16)) -n $((total / 2)) \
	-l $((total / 10)) -w "${zs_wait:-60000}" -r "$@" \
	>>"$out/lmk.jsonl" || tail -n 1 "$out/lmk.jsonl" | grep -q '"oom":true'
