# SPDX-License-Identifier: GPL-2.0
#
# stress.sh MIB WORKLOAD...: swap workloads of stress-ng's that want more memory
# than there is. Each is a fixed amount of work, so that time is what differs.
# Were the time fixed, the work would differ in steps: a pass over memory that
# does not fit misses every page of it, as what was used longest ago is out, so
# each pass swaps in all of a process's memory (three processes that shared 454
# MiB: 38.7 thousand pages; 813,459 in 21 passes), and whether a pass has begun
# when time is up is chance.
#
#	vm	a process writes MIB mebibytes, and passes over them thrice more
#	mmap	it maps them, writes them, and unmaps them
#	exit	it writes them, and is killed when a quarter is in swap
#
# A line for each goes to stress.txt: its name, stress-ng's status, seconds of
# real time, seconds of system time of the whole machine until no freed memory
# waits, pages swapped out and in, OOM kills, and the workers' nanoseconds.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

mib=$1
shift
swap_on "$((mib * 3))M"

# stress OPTION...: an operation of rand-set writes eight pages. Advice would be
# random, too.
stress()
{
	stress-ng --vm 1 --vm-bytes "${mib}m" --vm-method rand-set \
		--vm-madvise normal --oomable --seed 7 --metrics "$@" \
		>>"$out/stress-ng.log" 2>&1
}

# More operations than it takes to write all have it read back in between.
work_vm()
{
	stress --vm-keep --vm-ops "$((mib * 32 + 2))"
}

work_mmap()
{
	stress --vm-ops "$((mib * 32))"
}

work_exit()
{
	goal=$(($(vmstat pswpout) + mib * 64))
	stress --vm-keep &
	while [ "$(vmstat pswpout)" -lt $goal ]; do
		# The OOM killer may have been there first.
		kill -0 $! 2>/dev/null || return
		sleep 0.01
	done
	killall -q -9 stress-ng stress-ng-vm
	wait $!
	while pidof stress-ng stress-ng-vm >/dev/null; do sleep 0.01; done
}

# Hundredths of a second that all CPUs spent in the kernel.
system_time()
{
	awk '/^cpu / { print $4 + $7 + $8 }' /proc/stat
}

counts()
{
	echo "$(vmstat pswpout) $(vmstat pswpin) $(vmstat oom_kill) $(zsbench workers)"
}

settle()
{
	if [ -d "$knobs" ]; then
		while [ "$(stat waiting_objects)" != 0 ]; do sleep 0.01; done
	fi
	sleep 0.1
}

for workload in "$@"; do
	echo "@@ stress-ng $workload, $mib MiB"
	before="$(system_time) $(counts)"
	began=$(cut -d ' ' -f 1 /proc/uptime)
	"work_$workload"
	status=$?
	ended=$(cut -d ' ' -f 1 /proc/uptime)
	settle
	echo "$workload $status $began $ended $before $(system_time) $(counts)" |
		awk '{ print $1, $2, $4 - $3, ($10 - $5) / 100, $11 - $6, $12 - $7,
			     $13 - $8, $14 - $9 }' >>"$out/stress.txt"
done
[ ! -e "$knobs" ] || cat "$knobs/stats" >"$out/stats"
[ -s "$out/stress.txt" ]
