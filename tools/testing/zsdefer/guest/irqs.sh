# SPDX-License-Identifier: GPL-2.0
#
# irqs.sh MIB RUNS: the longest time with interrupts off while memory is swapped out,
# released, drained and swapped in, to be run where guest time counts instructions. A
# line of JSON a run and kind goes to irqs.jsonl, and where the longest was to KIND.txt.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

tracing=/sys/kernel/tracing
swap_on 512M
[ ! -d "$knobs" ] || knobs_for_all
echo 0 >$tracing/tracing_on
echo irqsoff >$tracing/current_tracer || exit 1

# longest KIND COMMAND...: while that runs.
longest()
{
	kind=$1
	shift
	echo 0 >$tracing/tracing_max_latency && echo 1 >$tracing/tracing_on || exit 1
	"$@" >/dev/null || exit 1
	echo 0 >$tracing/tracing_on
	echo "{\"kind\":\"$kind\",\"us\":$(cat $tracing/tracing_max_latency)}" \
		>>"$out/irqs.jsonl"
	cat $tracing/trace >"$out/$kind.txt"
}

killed()
{
	kill -9 "$victim"
	wait "$victim" 2>/dev/null
	return 0
}

drained()
{
	echo 1 >"$knobs/flush"
}

for _ in $(seq "$2"); do
	ready_to_die "$1"
	longest kill killed
	[ ! -d "$knobs" ] || longest drain drained
	longest swap zsbench release -m "$1" -h touch -r 1 -f -w 100
done
