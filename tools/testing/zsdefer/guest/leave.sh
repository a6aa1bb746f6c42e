# SPDX-License-Identifier: GPL-2.0
#
# leave.sh RUNS: processes that leave together, as many as there are CPUs and
# more, and one that leaves much behind; a line of JSON a run goes to
# /out/leave.jsonl. Then what the queues themselves take: with nothing stored,
# and with everything that was stored waiting.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. /job/lib.sh

runs=$1
swap_on 1G
[ ! -d "$knobs" ] || echo "idle $(stat queue_memory_bytes)" >/out/memory

leave()
{
	zsbench release -r "$runs" "$@" >>/out/leave.jsonl || exit 1
}
# A fresh pool flatters.
zsbench release -m 128 -r 1 >/dev/null || exit 1
for data in mixed single; do
	for procs in 1 2 4 8; do
		echo "@@ 64 MiB of $procs processes, $data"
		leave -m 64 -d "$data" -p "$procs"
	done
done
echo "@@ 256 MiB, mixed"
leave -m 256

if [ -d "$knobs" ]; then
	echo 65536 >"$knobs/class_budget" &&
	echo 65536 >"$knobs/drain_threshold" &&
	echo 256M >"$knobs/budget" &&
	echo 60000 >"$knobs/drain_delay_ms" || exit 1
	zsbench hold -m 64 >/tmp/held &
	while ! grep -q ready /tmp/held; do sleep 0.1; done
	kill -9 $!
	wait $! 2>/dev/null
	echo "waiting $(stat queue_memory_bytes) $(stat waiting_objects)" \
		>>/out/memory
fi
