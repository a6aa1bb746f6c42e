# SPDX-License-Identifier: GPL-2.0
#
# timeline.sh RUNS MIB: how memory comes back after a kill, sampled every half
# millisecond. Lines of JSON go to timeline.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

swap_on 2G
warm_up
echo "@@ $2 MiB killed, $1 times, memory watched"
zsbench release -h kill -m "$2" -r "$1" -S -w "${zs_wait:-60000}" \
	>>"$out/timeline.jsonl"
