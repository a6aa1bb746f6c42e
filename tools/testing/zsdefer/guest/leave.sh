# SPDX-License-Identifier: GPL-2.0
#
# leave.sh RUNS: processes that leave together, as many as there are CPUs and
# more, and one that leaves much behind; a line of JSON a run goes to
# leave.jsonl. Then what the queues themselves take: with nothing stored,
# and with everything that was stored waiting.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

runs=$1
swap_on 1G
[ ! -d "$knobs" ] || echo "idle $(stat queue_memory_bytes)" >"$out/memory"

leave()
{
	zsbench release -r "$runs" "$@" >>"$out/leave.jsonl" || exit 1
}
warm_up
for data in mixed single; do
	for procs in 1 2 4 8; do
		echo "@@ 64 MiB of $procs processes, $data"
		leave -m 64 -d "$data" -p "$procs"
	done
done
echo "@@ 256 MiB, mixed"
leave -m 256

if [ -d "$knobs" ]; then
	knobs_for_all
	ready_to_die 64
	kill -9 "$victim"
	wait "$victim" 2>/dev/null
	echo "waiting $(stat queue_memory_bytes) $(stat waiting_objects)" \
		>>"$out/memory"
fi
