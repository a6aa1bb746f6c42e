# SPDX-License-Identifier: GPL-2.0
# What the jobs in the guest share.

knobs=/sys/block/zram0/deferred_free

# swap_on SIZE: set zram0 up as the only swap.
swap_on()
{
	echo 0 >/proc/sys/vm/page-cluster
	echo lz4 >/sys/block/zram0/comp_algorithm
	echo "$1" >/sys/block/zram0/disksize
	mkswap /dev/zram0 >/dev/null
	swapon /dev/zram0
}

swap_off()
{
	swapoff /dev/zram0
	echo 1 >/sys/block/zram0/reset
}

# stat NAME: one figure of deferred_free/stats.
stat()
{
	sed -n "s/^$1 //p" "$knobs/stats"
}

# Pages of the pool, from mm_stat.
pool_pages()
{
	awk '{ print $3 / 4096 }' /sys/block/zram0/mm_stat
}
