# SPDX-License-Identifier: GPL-2.0
#
# sweep.sh MIB RUNS BUDGETS THRESHOLDS DELAYS: release MIB mebibytes with every
# combination of the knobs' values, joined by "+". For each run a line goes to
# sweep.txt: budget, threshold, delay, objects that fell back, objects that were
# drained, the nanoseconds of all drains, and what zsbench says.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

mib=$1 runs=$2 budgets=$3 thresholds=$4 delays=$5
trace=/sys/kernel/tracing

drains()
{
	awk '/zsdefer_drain:/ {
		for (i = 1; i <= NF; i++)
			if (split($i, a, "=") == 2)
				sum[a[1]] += a[2]
	} END { print sum["objects"] + 0, sum["ns"] + 0 }' \
		$trace/trace
}

fell_back()
{
	echo $(($(stat fallback_full) + $(stat fallback_budget)))
}

echo 20000 >$trace/buffer_size_kb
echo 1 >$trace/events/zsmalloc/zsdefer_drain/enable || exit 1
for budget in $(echo "$budgets" | tr + ' '); do
	echo "@@ budget $budget"
	for threshold in $(echo "$thresholds" | tr + ' '); do
		for delay in $(echo "$delays" | tr + ' '); do
			# stats start anew with the device
			swap_on 1G
			echo 1 >"$knobs/drain_threshold" &&
			echo 65536 >"$knobs/class_budget" &&
			echo "$threshold" >"$knobs/drain_threshold" &&
			echo "$budget" >"$knobs/budget" &&
			echo "$delay" >"$knobs/drain_delay_ms" &&
			echo 1 >"$knobs/enabled" || exit 1
			zsbench release -m "$mib" -r 1 >/dev/null || exit 1
			for _ in $(seq "$runs"); do
				before=$(fell_back)
				echo >$trace/trace
				line=$(zsbench release -m "$mib" -r 1) || exit 1
				echo 1 >"$knobs/flush"
				echo "$budget $threshold $delay" \
					$(($(fell_back) - before)) "$(drains)" \
					"$line" >>"$out/sweep.txt"
			done
			swap_off
		done
	done
done
[ -s "$out/sweep.txt" ]
