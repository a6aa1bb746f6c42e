# SPDX-License-Identifier: GPL-2.0
#
# latency.sh RUNS MIB: what swapping in and out costs somebody else while the
# memory of a killed process with MIB mebibytes in swap is being freed; a line of
# JSON a run goes to latency.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

swap_on 1G
zsbench release -m 64 -r 1 -w "${zs_wait:-60000}" >/dev/null || exit 1
echo "@@ swap latency beside a kill, $1 times"
zsbench latency -m "$2" -r "$1" -w "${zs_wait:-60000}" >>"$out/latency.jsonl"
