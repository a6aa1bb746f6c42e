# SPDX-License-Identifier: GPL-2.0
#
# stress.sh SECONDS ROUNDS: a stress-ng swap workload half as large again as
# the guest's memory; figures go to /out/stress.txt, a round a line.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. /job/lib.sh

seconds=$1 rounds=$2
swap_on 1G
total=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
vmstat()
{
	sed -n "s/^$1 //p" /proc/vmstat
}

for round in $(seq "$rounds"); do
	echo "@@ stress-ng on $((total * 3 / 2)) MiB with $total MiB of memory, round $round"
	out=$(vmstat pswpout) in=$(vmstat pswpin) oom=$(vmstat oom_kill)
	# stress-ng divides the bytes among its three processes.
	stress-ng --vm 3 --vm-bytes "$((total * 3 / 2))m" --vm-method rand-set \
		--vm-keep --timeout "$seconds" --metrics-brief \
		--oomable --seed 7 >"/tmp/stress" 2>&1
	status=$?
	cat /tmp/stress >>/out/stress-ng.log
	# "... metrc: [pid] vm <bogo ops> <real> <usr> <sys> <ops/s real> ..."
	ops=$(awk '$4 == "vm" && $5 ~ /^[0-9]+$/ { print $5, $6, $7, $8, $9 }' /tmp/stress)
	echo "$status $(($(vmstat pswpout) - out)) $(($(vmstat pswpin) - in))" \
		"$(($(vmstat oom_kill) - oom)) $ops" >>/out/stress.txt
done
[ ! -e "$knobs" ] || cat "$knobs/stats" >/out/stats
[ -s /out/stress.txt ]
