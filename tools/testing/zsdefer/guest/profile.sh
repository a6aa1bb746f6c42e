# SPDX-License-Identifier: GPL-2.0
#
# profile.sh MIB KILLS: record with perf what the whole kernel does, when it is
# not idle, while processes with MIB mebibytes in swap are killed.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

mib=$1 kills=$2
swap_on 2G
warm_up
# An exit takes milliseconds, and is to be seen in some hundred samples.
echo 20000 >/proc/sys/kernel/perf_event_max_sample_rate || exit 1
echo 0 >/proc/sys/kernel/perf_cpu_time_max_percent || exit 1
for i in $(seq "$kills"); do
	ready_to_die "$mib"
	echo "@@ recording kill $i of $kills"
	perf record -q -a -g -e cpu-clock:kI -F 20000 -o "/tmp/perf.$i" -- \
		sh -c "kill -9 $victim
			while kill -0 $victim; do sleep 0.01; done; sleep 0.15" \
		>"$out/perf.log" 2>&1 || exit 1
	wait "$victim"
	perf script -i "/tmp/perf.$i" -F comm,tid,time,ip,sym \
		>>"$out/perf-script.txt" 2>>"$out/perf.log" || exit 1
done
[ -s "$out/perf-script.txt" ]
