# SPDX-License-Identifier: GPL-2.0
#
# release.sh RUNS HOW MIBxPROCS...: release swap-filled memory; one line of
# JSON a run goes to release.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

runs=$1 how=$2
shift 2
swap_on 2G
cat "$knobs"/* 2>/dev/null >"$out/knobs"

warm_up

for what in "$@"; do
	mib=${what%x*} procs=${what#*x}
	for h in $(echo "$how" | tr + ' '); do
		echo "@@ $mib MiB of $procs released by $h, $runs times"
		zsbench release -h "$h" -m "$mib" -p "$procs" -r "$runs" \
			-w "${zs_wait:-60000}" >>"$out/release.jsonl" || exit 1
	done
done
[ ! -e "$knobs" ] || cat "$knobs/stats" >"$out/stats"
if [ "$zram" = zswap ]; then
	zswap_had_all
else
	cat "/sys/block/$zram/mm_stat" >"$out/mm_stat"
fi
