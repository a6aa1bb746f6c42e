# SPDX-License-Identifier: GPL-2.0
#
# profile.sh MIB KILLS: record with perf what the whole system does while
# processes with MIB mebibytes in swap are killed.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

mib=$1 kills=$2
swap_on 2G
zsbench release -m 128 -r 1 -w "${zs_wait:-60000}" >/dev/null || exit 1
for i in $(seq "$kills"); do
	ready_to_die "$mib"
	echo "@@ recording kill $i of $kills"
	perf record -q -a -g -e cpu-clock -F 5000 -o "/tmp/perf.$i" -- \
		sh -c "kill -9 $victim; while kill -0 $victim; do :; done; sleep 0.3" \
		>"$out/perf.log" 2>&1 || exit 1
	wait "$victim"
	perf script -i "/tmp/perf.$i" -F comm,tid,time,ip,sym \
		>>"$out/perf-script.txt" 2>>"$out/perf.log" || exit 1
done
perf report -i /tmp/perf.1 --no-children -g none -s comm,sym --stdio \
	2>/dev/null | grep -v '^$' >"$out/perf-report.txt"
[ -s "$out/perf-script.txt" ]
