# SPDX-License-Identifier: GPL-2.0
#
# stress.sh SECONDS ROUNDS [STRESSOR...]: stress-ng swap workloads that want
# half as much again as the machine's memory. For each round of each stressor
# (vm by default) a line goes to stress.txt: its name, stress-ng's status, pages
# swapped out and in, OOM kills, bogo operations, seconds of real, user and
# system time, bogo operations a second, and the workers' nanoseconds.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

seconds=$1 rounds=$2
shift 2
[ $# -gt 0 ] || set -- vm
total=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
swap_on "$((total * 3))M"

# options STRESSOR: bigheap grows until it is refused more; those that need
# little themselves run beside others who take all memory.
options()
{
	case $1 in
	vm) echo "--vm 3 --vm-bytes $((total * 3 / 2))m --vm-method rand-set --vm-keep" ;;
	bigheap) echo "--bigheap 2 --bigheap-growth 256k" ;;
	mmap) echo "--mmap 2 --mmap-bytes 16m $(options vm)" ;;
	brk | fork) echo "--$1 2 $(options vm)" ;;
	*) exit 1 ;;
	esac
}

for stressor in "$@"; do
	options=$(options "$stressor") || exit 1
	for round in $(seq "$rounds"); do
		echo "@@ stress-ng $stressor with $total MiB of memory, round $round"
		before="$(vmstat pswpout) $(vmstat pswpin) $(vmstat oom_kill) $(zsbench workers)"
		# shellcheck disable=SC2086 # an option a word
		stress-ng $options --timeout "$seconds" --metrics \
			--oomable --seed 7 >/tmp/stress 2>&1
		status=$?
		cat /tmp/stress >>"$out/stress-ng.log"
		after="$(vmstat pswpout) $(vmstat pswpin) $(vmstat oom_kill) $(zsbench workers)"
		# "... metrc: [pid] vm <bogo ops> <real> <usr> <sys> <ops/s real> ..."
		awk -v what="$stressor" -v status=$status -v before="$before" \
			-v after="$after" '
			$4 == what && $5 ~ /^[0-9]+$/ { ops = $5 " " $6 " " $7 " " $8 " " $9 }
			END {
				split(before, b); split(after, a)
				print what, status, a[1] - b[1], a[2] - b[2],
				      a[3] - b[3], ops, a[4] - b[4]
			}' /tmp/stress >>"$out/stress.txt"
	done
done
[ ! -e "$knobs" ] || cat "$knobs/stats" >"$out/stats"
[ -s "$out/stress.txt" ]
