# SPDX-License-Identifier: GPL-2.0
#
# crowd.sh PROCS SECONDS: so many processes swap out pages that all compress alike, and
# are killed, again and again. Who waits for which lock meanwhile goes to locks.txt, as
# "perf lock" says, and what the processes did to release.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

swap_on 2G
warm_up
crowd=
for _ in $(seq "$1"); do
	zsbench release -h kill -m 16 -d single -r 10000 -w 1 >>"$out/release.jsonl" &
	crowd="$crowd $!"
done
# Until they do not all do the same.
sleep 5
echo "@@ locks while $1 processes of one class swap out and are killed, for $2 s"
perf lock record -q -a -o /tmp/perf.lock -- sleep "$2" >"$out/perf.log" 2>&1 || exit 1
# shellcheck disable=SC2086 # a process a word
kill $crowd || exit 1
# perf has its tables on stderr.
perf lock contention -i /tmp/perf.lock -F contended,wait_total,wait_max,avg_wait \
	>"$out/locks.txt" 2>&1 && grep -q contended "$out/locks.txt"
