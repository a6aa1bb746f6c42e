#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The knobs of the deferred free, its bounds, and the life cycle of a zram
# device, on a device that is written to and discarded from directly.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

all_knobs_exist_with_their_modes()
{
	for want in enabled:644 budget:644 class_budget:644 \
		drain_threshold:644 drain_delay_ms:644 flush:200 stats:444; do
		file=$knobs/${want%:*}
		mode=$(command stat -c %a "$file") || return 1
		[ "$mode" = "${want#*:}" ] || fail "$file has mode $mode" || return 1
	done
	nr=$(find "$knobs" -type f | wc -l)
	[ "$nr" = 7 ] || fail "$nr files"
}

stats_has_every_figure()
{
	for name in waiting_objects waiting_bytes queued drained \
		zspages_freed_whole fallback_full fallback_budget \
		fallback_disabled drains longest_wait_ms \
		pages_freed queue_memory_bytes; do
		stat $name | grep -q '^[0-9][0-9]*$' || fail "no $name" || return 1
	done
	bad=$(grep -cv '^[a-z_]* [0-9]*$' "$knobs/stats")
	[ "$bad" = 0 ] || fail "$bad lines are not 'name value'"
}

values_round_trip_before_disksize_is_set()
{
	reset_device && values_round_trip
}

values_round_trip()
{
	accepted enabled 0 0 && accepted enabled 1 1 &&
	accepted drain_threshold 1 1 &&
	accepted class_budget 1 1 &&
	accepted class_budget 1048576 1048576 &&
	accepted drain_threshold 777 777 &&
	accepted class_budget 777 777 &&
	accepted budget "$page" "$page" && accepted budget 64K 65536 &&
	accepted budget 3m 3145728 && accepted budget 8M 8388608 &&
	accepted drain_delay_ms 1 1 && accepted drain_delay_ms 60000 60000
}

values_round_trip_after_disksize_is_set()
{
	set_up 64M && values_round_trip
}

values_outlive_a_reset()
{
	set_up 64M && accepted class_budget 4321 4321 && reset_device &&
	[ "$(cat "$knobs/class_budget")" = 4321 ] &&
	echo 64M >"$blk/disksize" && [ "$(cat "$knobs/class_budget")" = 4321 ]
}

bad_values_are_refused_and_change_nothing()
{
	set_up 64M && set_knobs 1000 500 1M 100 1 || return 1
	for knob in enabled budget class_budget drain_threshold drain_delay_ms \
		flush; do
		for bad in '
' ' ' -1 +1 x 1x '1 2' ' 1' '1 ' 0x1 1.0 1e3 -0 \
			18446744073709551616 99999999999999999999999 \
			'1
2'; do
			refused $knob "$bad" || return 1
		done
	done
	refused enabled 2 && refused enabled 1K &&
	refused budget 0 && refused budget $((page - 1)) &&
	refused budget 16777216G && refused budget 999999G &&
	refused budget 1T && refused budget 1KK && refused budget K &&
	refused class_budget 0 && refused class_budget 1048577 &&
	refused class_budget 1K && refused class_budget 4294967297 &&
	refused drain_threshold 0 && refused drain_threshold 1K &&
	refused drain_delay_ms 0 && refused drain_delay_ms 60001 &&
	refused flush 0 && refused flush 2
}

a_threshold_above_the_class_budget_is_refused()
{
	set_up 64M && set_knobs 1000 1000 1M 100 1 &&
	refused drain_threshold 1001 && refused class_budget 999
}

an_unprivileged_user_can_not_write()
{
	su -s /bin/sh nobody -c true 2>/dev/null ||
		skip "no user nobody to become" || return
	for knob in enabled budget class_budget drain_threshold drain_delay_ms \
		flush; do
		if su -s /bin/sh nobody -c "echo 1 >$knobs/$knob" 2>/dev/null; then
			fail "nobody wrote $knob"
			return 1
		fi
	done
	su -s /bin/sh nobody -c "cat $knobs/stats" >/dev/null
}

objects_wait_and_a_flush_frees_them()
{
	set_up 64M && hold_everything && write_pages huge 0 100 &&
	full=$(pool_pages) && discard 0 100 &&
	expect_stat waiting_objects 100 &&
	expect_stat waiting_bytes $((100 * page)) &&
	[ "$(pool_pages)" = "$full" ] && echo 1 >"$knobs/flush" &&
	expect_stat waiting_objects 0 && expect_stat waiting_bytes 0 &&
	expect_stat queued 100 && expect_stat drained 100 &&
	expect_stat zspages_freed_whole 100 &&
	[ "$(pool_pages)" = 0 ] || fail "$(pool_pages) pages left"
}

turning_it_off_drains_and_frees_synchronously()
{
	set_up 64M && hold_everything && write_pages huge 0 100 &&
	discard 0 50 && expect_stat waiting_objects 50 &&
	echo 0 >"$knobs/enabled" && expect_stat waiting_objects 0 &&
	discard 50 50 && expect_stat fallback_disabled 50 &&
	expect_stat queued 50 && [ "$(pool_pages)" = 0 ]
}

turning_it_on_defers_what_was_stored_before()
{
	set_up 64M && set_knobs 1 1 $((page * 2)) 60000 0 &&
	write_pages huge 0 500 && hold_everything && discard 0 500 &&
	expect_stat waiting_objects 500
}

the_threshold_starts_a_drain()
{
	set_up 64M && set_knobs 100 10 32M 60000 1 && write_pages huge 0 20 &&
	discard 0 9 && sleep 0.5 && expect_stat waiting_objects 9 &&
	discard 9 1 && eventually 5 stat_is waiting_objects 0 &&
	discard 10 10 && eventually 5 stat_is waiting_objects 0 &&
	expect_stat drained 20
}

nothing_waits_longer_than_the_delay()
{
	set_up 64M && set_knobs 100 100 32M 100 1 && write_pages huge 0 20 &&
	discard 0 20 && eventually 5 stat_is waiting_objects 0 &&
	longest=$(stat longest_wait_ms) && [ "$longest" -ge 90 ] &&
	[ "$longest" -le 1000 ] || fail "longest_wait_ms $(stat longest_wait_ms)"
}

a_shorter_delay_takes_effect_at_once()
{
	set_up 64M && set_knobs 100 100 32M 60000 1 && write_pages huge 0 40 &&
	discard 0 20 && echo 50 >"$knobs/drain_delay_ms" &&
	expect_stat waiting_objects 0 &&
	discard 20 20 && eventually 5 stat_is waiting_objects 0
}

budget_is_kept_exactly()
{
	set_up 64M && hold_everything $((40 * page)) &&
	write_pages huge 0 50 && discard 0 39 &&
	expect_stat waiting_objects 39 && expect_stat fallback_budget 0 &&
	discard 39 1 && expect_stat waiting_objects 40 &&
	expect_stat fallback_budget 0 && discard 40 1 &&
	expect_stat waiting_objects 40 && expect_stat fallback_budget 1 &&
	discard 41 9 && expect_stat fallback_budget 10 &&
	expect_stat waiting_bytes $((40 * page)) && [ "$(pool_pages)" = 40 ]
}

# Two free at once: whoever comes first, it is spent, and not exceeded.
budget_is_kept_exactly_by_two_at_once()
{
	set_up 256M && hold_everything $((400 * page)) &&
	write_pages huge 0 4000 || return 1
	clear_pages 0 2000 &
	clear_pages 2000 2000 && wait $! || return 1
	expect_stat waiting_objects 400 && expect_stat fallback_budget 3600 &&
	expect_stat waiting_bytes $((400 * page)) && [ "$(pool_pages)" = 400 ]
}

a_lowered_budget_is_kept_from_then_on()
{
	set_up 256M && hold_everything 16M || return 1
	: >/tmp/load
	while [ -e /tmp/load ]; do
		write_pages huge 0 1500 && discard 0 1500
	done &
	load=$!
	most=0 filled=0
	for _ in $(seq 20); do
		eventually 10 stat_is_above waiting_bytes $((700 * page)) &&
			filled=$((filled + 1))
		echo $((500 * page)) >"$knobs/budget" || break
		bytes=$(stat waiting_bytes)
		[ "$bytes" -le "$most" ] || most=$bytes
		echo 16M >"$knobs/budget" || break
	done
	rm /tmp/load
	wait $load
	[ "$most" -le $((500 * page)) ] && [ $filled -gt 10 ] ||
		fail "$most bytes waited after it was lowered to $((500 * page)); "\
		     "filled $filled times"
}

lowering_the_budget_drains()
{
	set_up 64M && hold_everything && write_pages huge 0 100 &&
	discard 0 100 && echo $((50 * page)) >"$knobs/budget" &&
	[ "$(stat waiting_bytes)" -le $((50 * page)) ]
}

lowering_the_class_budget_drains()
{
	set_up 64M && set_knobs 1000 90 32M 60000 1 &&
	write_pages huge 0 100 && discard 0 80 &&
	expect_stat waiting_objects 80 && echo 90 >"$knobs/class_budget" &&
	[ "$(stat waiting_objects)" -le 90 ]
}

# Faster than a worker can follow: what does not fit is freed at once.
a_full_queue_frees_synchronously()
{
	set_up 256M && set_knobs 16 16 32M 60000 1 && write_pages huge 0 4000 &&
	discard 0 4000 && echo 1 >"$knobs/flush" &&
	full=$(stat fallback_full) && queued=$(stat queued) &&
	[ $((full + queued)) = 4000 ] && [ "$full" -gt 0 ] &&
	expect_stat drained "$queued" && [ "$(pool_pages)" = 0 ] ||
		fail "full $full, queued $queued, $(pool_pages) pages left"
}

# The same frees leave the same pool, whether they were deferred or not.
a_drain_leaves_what_synchronous_frees_leave()
{
	pools=
	for enabled in 0 1; do
		set_up 64M && hold_everything &&
		echo $enabled >"$knobs/enabled" &&
		write_pages mixed 0 2000 && discard 0 700 && discard 1000 300 ||
			return 1
		for i in $(seq 1300 3 1999); do
			discard "$i" 1 || return 1
		done
		echo 1 >"$knobs/flush"
		expect_stat waiting_objects 0 || return 1
		pools="$pools $(pool_pages)"
	done
	[ "$(stat queued)" = 1234 ] || fail "queued $(stat queued)" || return 1
	# shellcheck disable=SC2086
	set -- $pools
	[ "$1" = "$2" ] && [ "$1" -gt 0 ] || fail "pool pages:$pools"
}

# Objects of a zspage freed in part are linked, and can be allocated again.
survivors_stay_readable_and_their_neighbours_reusable()
{
	set_up 64M && hold_everything && write_pages mixed 0 300 &&
	before=$(md5sum </dev/zram"$dev") || return 1
	for round in 1 2 3; do
		for i in $(seq $((round - 1)) 3 299); do
			discard "$i" 1 || return 1
		done
		echo 1 >"$knobs/flush"
		[ "$(stat drained)" -ge $((100 * round)) ] ||
			fail "round $round drained $(stat drained)" || return 1
		write_pages mixed 0 300 || return 1
		[ "$(md5sum </dev/zram"$dev")" = "$before" ] ||
			fail "wrong data in round $round" || return 1
	done
}

# Most of a zspage is freed first, and later the rest of many in one batch:
# then a batch frees more pages than it has objects.
zspages_that_die_in_pieces_go_back_whole()
{
	set_up 64M && hold_everything && write_pages single 0 2000 || return 1
	for i in $(seq 0 20 1980); do
		discard $((i + 1)) 19 || return 1
	done
	echo 1 >"$knobs/flush"
	pieces=$(stat zspages_freed_whole)
	discard 0 2000 && echo 1 >"$knobs/flush"
	expect_stat drained 2000 || return 1
	[ $(($(stat zspages_freed_whole) - pieces)) -ge 64 ] ||
		fail "only $(stat zspages_freed_whole) zspages, $pieces in pieces" ||
		return 1
	[ "$(pool_pages)" = 0 ] || fail "$(pool_pages) pages left"
}

mem_limit_counts_waiting_memory_as_free()
{
	set_up 64M && hold_everything && write_pages huge 0 100 &&
	discard 0 100 && echo $((110 * page)) >"$blk/mem_limit" &&
	write_pages huge 0 100 || fail "a write failed at the limit" || return 1
	[ "$(pool_pages)" = 100 ] || fail "$(pool_pages) pages"
}

# Whether anything might be deferred or not, and none waits.
a_write_beyond_mem_limit_fails()
{
	for enabled in 1 0; do
		set_up 64M && hold_everything && echo $enabled >"$knobs/enabled" &&
		echo $((100 * page)) >"$blk/mem_limit" && write_pages huge 0 90 ||
			return 1
		! write_pages huge 90 100 ||
			fail "200 pages in 100, enabled $enabled" || return 1
		[ "$(pool_pages)" -le 100 ] || fail "$(pool_pages) pages" || return 1
	done
	echo 1 >"$knobs/enabled"
}

compaction_drains_first()
{
	set_up 64M && hold_everything && write_pages mixed 0 500 &&
	discard 0 400 && expect_stat waiting_objects 400 &&
	echo 1 >"$blk/compact" && expect_stat waiting_objects 0
}

a_reset_with_full_queues_frees_all()
{
	set_up 64M && hold_everything && write_pages mixed 0 1000 &&
	discard 0 900 && expect_stat waiting_objects 900 && reset_device &&
	expect_stat waiting_objects 0 && expect_stat queued 0 &&
	[ "$(cat "$blk/initstate")" = 0 ]
}

a_reset_during_drains_frees_all()
{
	for i in $(seq 5); do
		set_up 64M && set_knobs 1000 2 32M 1 1 &&
		write_pages mixed 0 500 && discard 0 500 && reset_device ||
			return 1
	done
}

hot_remove_with_full_queues_frees_all()
{
	set_up 64M && hold_everything && write_pages mixed 0 1000 &&
	discard 0 900 && expect_stat waiting_objects 900 &&
	echo "$dev" >/sys/class/zram-control/hot_remove && [ ! -d "$blk" ] &&
	dev=$(cat /sys/class/zram-control/hot_add) && blk=/sys/block/zram$dev &&
	knobs=$blk/deferred_free && [ -d "$knobs" ]
}

# Who sets the knobs when a device appears must not come before them.
the_knobs_are_there_when_a_device_appears()
{
	helper=/sys/kernel/uevent_helper
	[ -w $helper ] || skip "no uevent helper" || return
	old=$(cat $helper)
	cat >"$tmp/helper" <<-EOF
		#!/bin/sh
		echo "\$ACTION:\$DEVNAME:\$(ls \
			/sys\$DEVPATH/deferred_free | wc -l)" >>$tmp/uevents
	EOF
	chmod +x "$tmp/helper"
	: >"$tmp/uevents"
	echo "$dev" >/sys/class/zram-control/hot_remove &&
	echo "$tmp/helper" >$helper &&
	dev=$(cat /sys/class/zram-control/hot_add) && blk=/sys/block/zram$dev &&
	knobs=$blk/deferred_free &&
	eventually 5 grep -q "^add:zram$dev:7$" "$tmp/uevents"
	status=$?
	echo "$old" >$helper
	[ $status = 0 ] || fail "there was only: $(cat "$tmp/uevents")"
}

two_writers_of_a_knob_leave_one_value()
{
	set_up 64M || return 1
	for v in 1000 2000; do
		for i in $(seq 50); do echo $v; done |
			while read -r n; do echo "$n" >"$knobs/class_budget"; done &
	done
	wait
	grep -qx '[12]000' "$knobs/class_budget"
}

an_idle_device_costs_little()
{
	set_up 64M && [ "$(stat queue_memory_bytes)" -le 65536 ] ||
		fail "queue_memory_bytes $(stat queue_memory_bytes)"
}

need_feature
remember_defaults
run_tests \
	all_knobs_exist_with_their_modes \
	stats_has_every_figure \
	values_round_trip_before_disksize_is_set \
	values_round_trip_after_disksize_is_set \
	values_outlive_a_reset \
	bad_values_are_refused_and_change_nothing \
	a_threshold_above_the_class_budget_is_refused \
	an_unprivileged_user_can_not_write \
	objects_wait_and_a_flush_frees_them \
	turning_it_off_drains_and_frees_synchronously \
	turning_it_on_defers_what_was_stored_before \
	the_threshold_starts_a_drain \
	nothing_waits_longer_than_the_delay \
	a_shorter_delay_takes_effect_at_once \
	budget_is_kept_exactly \
	budget_is_kept_exactly_by_two_at_once \
	a_lowered_budget_is_kept_from_then_on \
	lowering_the_budget_drains \
	lowering_the_class_budget_drains \
	a_full_queue_frees_synchronously \
	a_drain_leaves_what_synchronous_frees_leave \
	survivors_stay_readable_and_their_neighbours_reusable \
	zspages_that_die_in_pieces_go_back_whole \
	mem_limit_counts_waiting_memory_as_free \
	a_write_beyond_mem_limit_fails \
	compaction_drains_first \
	a_reset_with_full_queues_frees_all \
	a_reset_during_drains_frees_all \
	hot_remove_with_full_queues_frees_all \
	the_knobs_are_there_when_a_device_appears \
	two_writers_of_a_knob_leave_one_value \
	an_idle_device_costs_little \
	kernel_is_quiet
