#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Devices, CPUs and the whole system come and go while objects wait, are
# drained, or are just being queued: nothing is lost, and nothing hangs.

# hold_everything has a default.
# shellcheck disable=SC2119

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

wq=/sys/devices/virtual/workqueue/zsdefer
busy=

cpus_may_come_and_go()
{
	cpu=/sys/devices/system/cpu/cpu1/online
	[ -w $cpu ] || skip "no CPU to take away" || return
	set_up 64M && set_knobs 1000 16 32M 1 1 || return 1
	for _ in $(seq 10); do
		write_pages mixed 0 300 && echo 0 >$cpu && discard 0 150 &&
		echo 1 >$cpu && discard 150 150 || return 1
	done
	eventually 5 stat_is waiting_objects 0 && [ "$(stat queued)" = 3000 ] &&
	expect_stat drained 3000 && [ "$(pool_pages)" = 0 ] ||
		fail "$(stat drained) drained of $(stat queued)," \
		     "$(pool_pages) pages left"
}

# can_suspend: to idle, and back by itself a second later.
can_suspend()
{
	grep -qw freeze /sys/power/state 2>/dev/null &&
	echo devices >/sys/power/pm_test 2>/dev/null ||
		skip "no suspend that comes back by itself" || return
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
}

sleep_and_wake()
{
	echo freeze >/sys/power/state
}

objects_wait_through_a_suspend()
{
	can_suspend || return
	set_up 64M && hold_everything && write_pages mixed 0 500 &&
	discard 0 500 && sleep_and_wake && expect_stat waiting_objects 500 &&
	echo 1 >"$knobs/flush" && expect_stat drained 500 &&
	[ "$(pool_pages)" = 0 ] || fail "$(pool_pages) pages left"
}

the_delay_ends_after_a_suspend()
{
	can_suspend || return
	set_up 64M && set_knobs 1000 1000 32M 300 1 && write_pages mixed 0 500 &&
	discard 0 500 && sleep_and_wake && eventually 5 stat_is waiting_objects 0 &&
	expect_stat drained 500
}

a_suspend_meets_drains()
{
	can_suspend || return
	set_up 64M && set_knobs 1000 16 32M 1 1 || return 1
	keep_busy free_and_fill
	eventually 20 stat_is_above drained 0 && sleep_and_wake && sleep_and_wake
	status=$?
	be_idle && [ $status = 0 ] && echo 1 >"$knobs/flush" &&
	expect_stat waiting_objects 0 && expect_stat drained "$(stat queued)"
}

# repeat N COMMAND...: so often, or until it fails.
repeat()
{
	left=$1
	shift
	while [ "$left" -gt 0 ]; do
		"$@" || return
		left=$((left - 1))
	done
}

# keep_busy COMMAND...: in the background, again and again, until be_idle.
keep_busy()
{
	rm -f "$tmp/idle"
	until_idle "$@" &
	busy="$busy $!"
}

until_idle()
{
	until [ -e "$tmp/idle" ]; do
		"$@" || return
	done
}

# be_idle: fails if any of what was kept busy did.
be_idle()
{
	: >"$tmp/idle"
	idle=0
	for pid in $busy; do
		wait "$pid" || idle=1
	done
	busy=
	[ $idle = 0 ] || fail "what went on beside it failed"
}

free_and_fill()
{
	write_pages mixed 0 200 && discard 0 200
}

the_workqueue_can_be_placed_and_bounded()
{
	[ -d $wq ] || skip "the feature's workqueue is not in sysfs" || return
	cpus=$(nproc)
	most=$(cat $wq/max_active)
	[ "$most" -ge $((cpus > 1 ? 2 : 1)) ] &&
	[ "$most" -ge $(((cpus + 3) / 4)) ] &&
	[ "$most" -le $(((cpus + 3) / 4 + 16)) ] ||
		fail "max_active is $most with $cpus CPUs" || return 1
	mask=$(cat $wq/cpumask) nice=$(cat $wq/nice)
	echo 1 >$wq/cpumask && echo 10 >$wq/nice && echo 1 >$wq/max_active &&
	set_up 64M && set_knobs 1000 16 32M 1 1 && write_pages mixed 0 500 &&
	discard 0 500 && eventually 5 stat_is waiting_objects 0
	status=$?
	[ "$(cat $wq/nice)" = 10 ] || status=1
	echo "$mask" >$wq/cpumask && echo "$nice" >$wq/nice &&
		echo "$most" >$wq/max_active && return $status
}

# Without it, drains could wait for memory that they would free.
a_rescuer_stands_by()
{
	cat /proc/[0-9]*/comm 2>/dev/null | grep -qx 'kworker/R-zsdef.*'
}

# Every CPU has more to do than it can; objects are freed all the same.
busy_cpus_do_not_starve_the_workers()
{
	set_up 64M && set_knobs 1000 64 32M 8 1 && write_pages mixed 0 1000 ||
		return 1
	pids=
	for _ in $(seq $((2 * $(nproc)))); do
		while :; do :; done &
		pids="$pids $!"
	done
	discard 0 1000 && eventually 20 stat_is waiting_objects 0
	status=$?
	# shellcheck disable=SC2086
	kill $pids
	# shellcheck disable=SC2086
	wait $pids 2>/dev/null
	[ $status = 0 ] && expect_stat drained "$(stat queued)" ||
		fail "$(stat waiting_objects) wait still"
}

# starved COMMAND...: 500 pages are freed, and wait, as the only CPU that workers
# may use is somebody else's. COMMAND does not depend on them.
starved()
{
	write_pages huge 0 500 && take_last_cpu 60 && discard 0 500 && sleep 0.1 &&
	expect_stat waiting_objects 500 && "$@" && kill -0 "$hog"
	status=$?
	killed "$hog"
	[ $status = 0 ] || fail "$*"
}

flush_now()
{
	echo 1 >"$knobs/flush" && expect_stat waiting_objects 0
}

shrink_now()
{
	echo 2 >/proc/sys/vm/drop_caches && expect_stat waiting_objects 0
}

# No more than are there already, those that wait included.
write_at_limit()
{
	echo $(($(pool_pages) * page)) >"$blk/mem_limit" &&
	write_pages huge 1000 400 && echo 0 >"$blk/mem_limit" &&
	[ "$(stat waiting_objects)" -lt 500 ] && flush_now
}

turn_off()
{
	echo 0 >"$knobs/enabled" && expect_stat waiting_objects 0 &&
	echo 1 >"$knobs/enabled"
}

# A write to a knob, a shrinker, a writer at the limit, a reset: each frees what
# waits itself.
nobody_waits_for_a_worker_without_a_cpu()
{
	# The scheduler lends even the starved some time, if it is not told.
	lent=/sys/kernel/debug/sched/fair_server/cpu$(($(nproc) - 1))/runtime
	[ -d $wq ] && [ -w "$lent" ] && [ "$(nproc)" -gt 1 ] &&
	command -v zsbench >/dev/null ||
		skip "it takes two CPUs, zsbench, and $lent" || return
	runtime=$(cat "$lent")
	mask=$(cat $wq/cpumask) nice=$(cat $wq/nice) most=$(cat $wq/max_active)
	set_up 64M && set_knobs 1000 256 32M 8 1 &&
	printf '%x' $((1 << $(nproc) - 1)) >$wq/cpumask && echo 19 >$wq/nice &&
	echo 1 >$wq/max_active && echo 0 >"$lent" &&
	starved flush_now && starved shrink_now && starved write_at_limit &&
	starved turn_off && starved reset_device
	status=$?
	echo "$runtime" >"$lent"
	echo "$mask" >$wq/cpumask
	echo "$nice" >$wq/nice
	echo "$most" >$wq/max_active
	return $status
}

use_all_knobs()
{
	cat "$knobs/stats" && cat "$knobs/budget" && echo 1 >"$knobs/flush"
	echo 2000 >"$knobs/class_budget"
	echo 1000 >"$knobs/class_budget"
	echo 0 >"$knobs/enabled"
	echo 1 >"$knobs/enabled"
}

a_reset_meets_readers_and_writers_of_knobs()
{
	set_up 64M && set_knobs 1000 16 32M 1 1 || return 1
	keep_busy use_all_knobs >/dev/null
	repeat 10 live_and_reset
	status=$?
	be_idle && [ $status = 0 ] && set_up 64M &&
	expect_stat waiting_objects 0
}

live_and_reset()
{
	free_and_fill && reset_device && echo 64M >"$blk/disksize"
}

removals_meet_readers_and_writers_of_knobs()
{
	for _ in $(seq 5); do
		set_up 64M && set_knobs 1000 16 32M 1 1 || return 1
		# It ends when the files do.
		while [ -e "$knobs/stats" ]; do use_all_knobs; done \
			>/dev/null 2>&1 &
		write_pages mixed 0 300 && discard 0 300
		eventually 10 remove_it || fail "it could not be removed" || return 1
		wait $!
		dev=$(cat /sys/class/zram-control/hot_add) || return 1
		blk=/sys/block/zram$dev knobs=$blk/deferred_free
	done
}

remove_it()
{
	echo "$dev" >/sys/class/zram-control/hot_remove
}

# A directory in sysfs that is not given up stays allocated, and found by its
# number, so that kmemleak does not miss it.
devices_that_come_and_go_leave_nothing()
{
	nodes >/dev/null || skip "no exact figures of slabs" || return
	# The first ones may leave what the next ones use again.
	repeat 5 come_and_go && before=$(nodes) && repeat 40 come_and_go || return 1
	eventually 10 nodes_are_no_more_than $((before + 20)) ||
		fail "$(nodes) nodes in sysfs, not $before"
}

# Without debugging, slabs count objects that are free.
nodes()
{
	[ "$(cat /sys/kernel/slab/kernfs_node_cache/store_user 2>/dev/null)" = 1 ] &&
	awk '$1 == "kernfs_node_cache" { print $2; n++ } END { exit !n }' \
		/proc/slabinfo
}

nodes_are_no_more_than()
{
	[ "$(nodes)" -le "$1" ]
}

come_and_go()
{
	one=$(cat /sys/class/zram-control/hot_add) &&
	echo "$one" >/sys/class/zram-control/hot_remove
}

turning_it_off_meets_frees()
{
	set_up 64M && set_knobs 1000 16 32M 1 1 || return 1
	keep_busy free_and_fill
	repeat 30 turn_off
	status=$?
	be_idle && [ $status = 0 ] && echo 1 >"$knobs/flush" &&
	expect_stat waiting_objects 0 && expect_stat drained "$(stat queued)"
}

# Flushes from several sides do not wait for each other for ever.
flushes_meet_each_other()
{
	set_up 64M && hold_everything || return 1
	for how in "echo 1 >$knobs/flush" "echo 1 >$blk/compact" \
		"echo 2 >/proc/sys/vm/drop_caches" "cat $knobs/stats"; do
		keep_busy sh -c "$how" >/dev/null
	done
	repeat 20 free_and_fill
	status=$?
	be_idle && [ $status = 0 ] && echo 1 >"$knobs/flush" &&
	expect_stat drained "$(stat queued)" && [ "$(pool_pages)" = 0 ]
}

need_feature
remember_defaults
run_tests \
	cpus_may_come_and_go \
	objects_wait_through_a_suspend \
	the_delay_ends_after_a_suspend \
	a_suspend_meets_drains \
	the_workqueue_can_be_placed_and_bounded \
	a_rescuer_stands_by \
	busy_cpus_do_not_starve_the_workers \
	nobody_waits_for_a_worker_without_a_cpu \
	a_reset_meets_readers_and_writers_of_knobs \
	removals_meet_readers_and_writers_of_knobs \
	devices_that_come_and_go_leave_nothing \
	turning_it_off_meets_frees \
	flushes_meet_each_other \
	kernel_is_quiet
