# SPDX-License-Identifier: GPL-2.0
#
# debian.sh: in a Debian that has booted by itself, and whose own services set
# swap up, if /job/wants-swap says so, kill who has memory there, and tell the console
# what came of it. And how often a device is busy that udevd has just heard of, when it
# is set up or reset.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

exec >/dev/ttyS0 2>&1

dies_in_swap()
{
	tries=120
	until grep -q "^/dev/$zram " /proc/swaps || [ $tries = 0 ]; do
		tries=$((tries - 1))
		sleep 1
	done
	cat /proc/swaps
	ready_to_die 128
	kill -9 "$victim"
	sleep 1
	echo "@@ drain_delay_ms $(cat "$knobs/drain_delay_ms")"
	sed 's/^/@@ /' "$knobs/stats"
}

# come_and_go N: devices are set up, reset and removed, at any time after udevd has
# heard of them.
come_and_go()
{
	busy=0 i=0
	modprobe zram
	udevadm settle
	while [ $i -lt "$1" ]; do
		i=$((i + 1))
		new=$(cat /sys/class/zram-control/hot_add)
		sleep "0.0$((i % 10))"
		echo 16M >"/sys/block/zram$new/disksize" || busy=$((busy + 1))
		sleep "0.0$((i * 7 % 10))"
		echo 1 >"/sys/block/zram$new/reset" || busy=$((busy + 1))
		udevadm settle
		echo 1 >"/sys/block/zram$new/reset"
		echo "$new" >/sys/class/zram-control/hot_remove || break
	done 2>/dev/null
	echo "@@ busy $busy of $i devices"
}

[ ! -e /job/wants-swap ] || dies_in_swap
come_and_go 60
dmesg -l warn,err,crit
poweroff -f
