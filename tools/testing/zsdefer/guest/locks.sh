# SPDX-License-Identifier: GPL-2.0
#
# locks.sh MIB PROCS DATA...: who waits for which lock while PROCS processes with
# MIB mebibytes in swap between them are killed at once. What "perf lock" says
# goes to DATA.txt; but a spinlock tells it only of those who queue up behind one
# that waits already, which takes three CPUs. So the same is sampled, too, and
# the stacks go to DATA-script.txt. With the trace events of the deferred free,
# their counts go to events.txt.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

mib=$1 procs=$2
shift 2
swap_on 2G
warm_up

# Only the kills are to be seen: filling would drown them.
cat >/tmp/kills <<KILLS
kill -9 \$(cat /tmp/pids)
sleep 0.5
KILLS
fill()
{
	: >/tmp/pids
	for _ in $(seq "$procs"); do
		ready_to_die $((mib / procs)) "$1"
		echo "$victim" >>/tmp/pids
	done
}
for data in "$@"; do
	echo "@@ lock contention of $procs processes killed at once, $data"
	fill "$data"
	perf lock record -q -a -g -o /tmp/perf.lock -- sh /tmp/kills \
		>"$out/perf.log" 2>&1 || exit 1
	# perf has its tables on stderr.
	perf lock contention -i /tmp/perf.lock \
		-F contended,wait_total,wait_max,avg_wait \
		>"$out/$data.txt" 2>&1 || exit 1
	grep -q contended "$out/$data.txt" || exit 1

	fill "$data"
	perf record -q -a -g -e cpu-clock -F 10000 -o /tmp/perf.spin -- \
		sh /tmp/kills >>"$out/perf.log" 2>&1 || exit 1
	perf script -i /tmp/perf.spin -F comm,tid,time,ip,sym \
		>"$out/$data-script.txt" 2>>"$out/perf.log" || exit 1
done

[ -d "$knobs" ] || exit 0
echo "@@ trace events of $procs processes killed at once"
fill "$1"
perf stat -a -e 'zsmalloc:*' -o "$out/events.txt" -- sh /tmp/kills \
	>>"$out/perf.log" 2>&1
