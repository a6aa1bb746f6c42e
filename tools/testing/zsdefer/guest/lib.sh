# SPDX-License-Identifier: GPL-2.0
# What the jobs share: in the guest, where they are in /job and leave what they
# find in /out, and on other machines, where "make eval-target" says otherwise.
#
#	zs_out		where results go
#	zs_zram		the device, zram0; or zswap, in front of a ram disk
#	zs_cgroup	1: all that follows is in a memory cgroup of its own
#	zs_alg		its compression algorithm, lz4
#	zs_defer	0: with the deferred free turned off
#	zs_max_active	how many workers may run at a time
#	zs_warm		the pool has been in use already
#	zs_wait		ms to wait for a release's memory at most

# shellcheck disable=SC2034 # the jobs use it
out=${zs_out:-/out}
zram=${zs_zram:-zram0}
disk=$zram knobs=/sys/block/$zram/deferred_free
[ "$zram" != zswap ] || disk=ram0 knobs=/sys/kernel/mm/zswap/deferred_free

export ZSBENCH_ZRAM="$zram"

# swap_on SIZE: set the device up as the first swap to use, unless it is.
swap_on()
{
	! grep -q "^/dev/$disk " /proc/swaps || return 0
	[ -z "${zs_cgroup:-}" ] || enter_cgroup
	[ -z "${zs_defer:-}" ] || echo "$zs_defer" >"$knobs/enabled" || exit 1
	[ -z "${zs_max_active:-}" ] || echo "$zs_max_active" \
		>/sys/devices/virtual/workqueue/zsdefer/max_active || exit 1
	echo 0 >/proc/sys/vm/page-cluster
	if [ "$zram" = zswap ]; then
		zswap_on || exit 1
	else
		echo "${zs_alg:-lz4}" >"/sys/block/$zram/comp_algorithm" &&
		echo "$1" >"/sys/block/$zram/disksize" || exit 1
	fi
	mkswap "/dev/$disk" >/dev/null
	zsbench swapon -z "$disk" || exit 1
}

# zswap_on: the ram disk behind it takes no memory as long as all is in zswap.
zswap_on()
{
	params=/sys/module/zswap/parameters
	echo "${zs_alg:-lz4}" >$params/compressor &&
	echo 90 >$params/max_pool_percent && echo N >$params/shrinker_enabled &&
	echo Y >$params/enabled
}

# zswap_had_all: nothing went to the disk, or was refused.
zswap_had_all()
{
	[ "$(vmstat zswpout)" -gt 0 ] && [ "$(vmstat pswpout)" = 0 ] &&
	[ "$(vmstat zswpwb)" = 0 ] &&
	! grep -v '^0$' /sys/kernel/debug/zswap/reject_* \
		/sys/kernel/debug/zswap/pool_limit_hit
}

enter_cgroup()
{
	mkdir -p /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control &&
	mkdir /sys/fs/cgroup/own && echo $$ >/sys/fs/cgroup/own/cgroup.procs ||
		exit 1
}

# warm_up: a fresh pool flatters, so it is filled and emptied once before
# anything is measured.
warm_up()
{
	[ -z "${zs_warm:-}" ] || return 0
	zsbench release -m 64 -r 1 -w "${zs_wait:-60000}" >/dev/null || exit 1
}

swap_off()
{
	swapoff "/dev/$zram"
	echo 1 >"/sys/block/$zram/reset"
}

# knobs_for_all: let everything wait, and nothing be drained but by a flush.
knobs_for_all()
{
	echo 65536 >"$knobs/class_budget" &&
	echo 65536 >"$knobs/drain_threshold" &&
	echo 256M >"$knobs/budget" &&
	echo 60000 >"$knobs/drain_delay_ms" || exit 1
}

# stat NAME: one figure of deferred_free/stats.
stat()
{
	sed -n "s/^$1 //p" "$knobs/stats"
}

# vmstat NAME: one figure of /proc/vmstat.
vmstat()
{
	sed -n "s/^$1 //p" /proc/vmstat
}

# ready_to_die MIB [DATA]: a process with that in swap, whose pid is $victim.
ready_to_die()
{
	: >/tmp/held
	zsbench hold -m "$1" -d "${2:-mixed}" >/tmp/held &
	# shellcheck disable=SC2034 # the jobs use it
	victim=$!
	while ! grep -q ready /tmp/held; do sleep 0.1; done
}
