# SPDX-License-Identifier: GPL-2.0
#
# Unload the modules with full queues, and load them again; KTAP.
n=0

report()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; fi
}

{
	echo "TAP version 13"
	echo "1..7"
	d=/sys/block/zram0
	echo 0 >$d/deferred_free/enabled
	grep -qx 0 $d/deferred_free/enabled
	report $? "the knobs are there"
	echo 65536 >$d/deferred_free/class_budget
	echo 60000 >$d/deferred_free/drain_delay_ms
	echo 2048 >$d/deferred_free/drain_threshold
	echo 1 >$d/deferred_free/enabled
	echo 64M >$d/disksize
	dd if=/dev/urandom of=/dev/zram0 bs=4096 count=1000 2>/dev/null
	blkdiscard -o 0 -l $((1000 * 4096)) /dev/zram0
	grep -qx 'waiting_objects 1000' $d/deferred_free/stats
	report $? "objects wait"
	rmmod zram
	report $? "zram unloads with full queues"
	rmmod zsmalloc
	report $? "zsmalloc unloads"
	rmmod zsdefer
	report $? "zsdefer unloads"
	for m in zsdefer zsmalloc zram; do insmod /modules/$m.ko || break; done
	[ -d $d/deferred_free ]
	report $? "they load again"
	! dmesg | grep -E 'WARNING|BUG|is not empty|Objects remaining'
	report $? "without a word from the kernel"
} >/out/unload.tap 2>&1
cat /out/unload.tap
! grep -q '^not ok' /out/unload.tap
