#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What waits is seen, and given back as soon as anybody needs it: trace
# events, the figures of each class, and memory that runs short.

# hold_everything has a default.
# shellcheck disable=SC2119

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

tracing=/sys/kernel/tracing
debug=/sys/kernel/debug

# traced COMMAND...: with the events on; what they say goes to /tmp/traced.
traced()
{
	[ -d $tracing/events/zsmalloc ] || skip "no trace events" || return
	echo >$tracing/trace
	echo 1 >$tracing/events/zsmalloc/enable
	"$@"
	status=$?
	echo 0 >$tracing/events/zsmalloc/enable
	grep -v '^#' $tracing/trace | grep " pool=zram$dev " >/tmp/traced
	return $status
}

# sum_of EVENT FIELD [FIELD=VALUE]: over the events that have that value.
sum_of()
{
	awk -v event="$1:" -v field="$2" -v having="${3:-}" '
		index($0, event) && (having == "" || index($0 " ", having " ")) {
			for (i = 1; i <= NF; i++)
				if (split($i, a, "=") == 2 && a[1] == field)
					sum += a[2]
		}
		END { print sum + 0 }' /tmp/traced
}

count_of()
{
	grep -c "$1: .*$2" /tmp/traced
}

flush_after_discard()
{
	discard 0 1000 && echo 1 >"$knobs/flush"
}

drains_are_traced_with_what_they_freed()
{
	set_up 64M && hold_everything && write_pages mixed 0 1000 &&
	before=$(pool_pages) && traced flush_after_discard || return
	objects=$(sum_of zsdefer_drain objects)
	whole=$(sum_of zsdefer_drain zspages_whole)
	pages=$(sum_of zsdefer_drain pages)
	[ "$objects" = 1000 ] && [ "$pages" = "$before" ] &&
	[ "$whole" = "$(stat zspages_freed_whole)" ] &&
	[ "$pages" = "$(stat pages_freed)" ] &&
	[ "$(count_of zsdefer_drain 'ns=[1-9]')" -gt 10 ] ||
		fail "$objects objects, $whole zspages, $pages pages traced," \
		     "$before pages had been there"
}

flushes_are_traced_with_their_cause()
{
	set_up 64M && hold_everything && write_pages mixed 0 1000 &&
	traced flush_after_discard || return
	[ "$(count_of zsdefer_flush cause=user)" = 1 ] &&
	[ "$(sum_of zsdefer_flush objects)" = 1000 ] &&
	[ "$(sum_of zsdefer_flush pages)" = "$(stat pages_freed)" ] ||
		fail "$(grep zsdefer_flush /tmp/traced)"
}

# The queue of one object overflows unless a worker keeps up with all of it.
discard_too_much()
{
	discard 0 1000 && set_knobs 100 100 $((10 * page)) 60000 1 &&
	discard 1000 25 && set_knobs 10 10 1M 60000 0 && discard 1025 25
}

fallbacks_are_traced_with_their_cause()
{
	set_up 64M && set_knobs 1 1 1M 60000 1 && write_pages huge 0 1050 &&
	traced discard_too_much || return
	for why in full budget disabled; do
		[ "$(count_of zsdefer_fallback cause=$why)" = \
			"$(stat fallback_$why)" ] &&
			stat_is_above fallback_$why 0 ||
			fail "$(count_of zsdefer_fallback cause=$why) $why," \
			     "not $(stat fallback_$why)" || return 1
	done
}

figures_of_each_class_add_up()
{
	classes=$debug/zsmalloc/zram$dev/deferred_free
	set_up 64M && [ -f "$classes" ] ||
		skip "no figures in debugfs" || return
	set_knobs 20 20 1M 60000 1 && write_pages mixed 0 2000 &&
	discard 0 700 && echo 1 >"$knobs/flush" && hold_everything &&
	discard 700 500 || return 1
	sums=$(awk 'NR > 1 { w += $2; b += $1 * $2; q += $3; d += $4; z += $5
			     n += $6; f += $7; m += $9 }
		END { print NR - 1, w, b, q, d, z, n, f + 0, m + 0 }' "$classes")
	want="$(stat waiting_objects) $(stat waiting_bytes) $(stat queued)"
	want="$want $(stat drained) $(stat zspages_freed_whole) $(stat drains)"
	want="$want $(stat fallback_full) $(stat fallback_disabled)"
	[ "${sums#* }" = "$want" ] && [ "${sums%% *}" -gt 50 ] &&
	[ "$(stat waiting_objects)" = 500 ] ||
		fail "classes, and sums: $sums; stats: $want"
}

the_shrinker_gives_back_what_waits()
{
	set_up 64M && hold_everything && write_pages huge 0 1000 &&
	discard 0 1000 && expect_stat waiting_objects 1000 &&
	traced sh -c 'echo 2 >/proc/sys/vm/drop_caches' || return
	expect_stat waiting_objects 0 && [ "$(pool_pages)" = 0 ] &&
	[ "$(sum_of zsdefer_flush pages cause=shrink)" = 1000 ] ||
		fail "$(grep zsdefer_flush /tmp/traced)"
}

# kib_grew BEFORE MIB: KReclaimable has grown by so much, give or take what is
# not told yet, and what the rest of the kernel does meanwhile.
kib_grew()
{
	grown=$((($(reclaimable) - $1) / 1024))
	[ "$grown" -ge $(($2 - 3)) ] && [ "$grown" -le $(($2 + 2)) ] ||
		fail "KReclaimable grew by $grown MiB, not $2"
}

reclaimable()
{
	awk '/^KReclaimable/ { print $2 }' /proc/meminfo
}

what_waits_is_available()
{
	nr=$((40 * 1048576 / page))
	set_up 64M && hold_everything 64M && write_pages huge 0 $nr || return 1
	before=$(reclaimable)
	discard 0 $nr && kib_grew "$before" 40 &&
	echo 1 >"$knobs/flush" && kib_grew "$before" 0
}

# Somebody is killed here, since we ask for it, but what waits goes first.
running_out_of_memory_gives_back_what_waits()
{
	[ -w /proc/sysrq-trigger ] || return "$KSFT_SKIP"
	set_up 64M && hold_everything && write_pages huge 0 1000 &&
	discard 0 1000 && expect_stat waiting_objects 1000 || return 1
	sleep 600 &
	victim=$!
	echo 1000 >/proc/$victim/oom_score_adj
	before=$(vmstat oom_kill)
	traced kill_by_sysrq || return
	[ "$(vmstat oom_kill)" -gt "$before" ] ||
		fail "the OOM killer did not run" || return 1
	expect_stat waiting_objects 0 && [ "$(pool_pages)" = 0 ] &&
	[ "$(sum_of zsdefer_flush pages cause=oom)" = 1000 ] ||
		fail "$(grep zsdefer_flush /tmp/traced)"
}

kill_by_sysrq()
{
	echo f >/proc/sysrq-trigger
	wait "$victim" 2>/dev/null
	return 0
}

# More than is free, but not more than is free or waits.
nobody_is_killed_for_memory_that_only_waits()
{
	nr=$((300 * 1048576 / page))
	set_up 1G && set_knobs 1048576 1048576 512M 60000 1 &&
	write_pages huge 0 $nr && discard 0 $nr &&
	expect_stat waiting_objects $nr || return 1
	free=$(awk '/^MemFree/ { print int($2 / 1024) }' /proc/meminfo)
	dd if=/dev/zero of=/dev/null bs=$((free + 180))M count=1 2>/tmp/dd ||
		fail "who needed $((free + 180)) MiB, with $free free, got:" \
		     "$(tail -n 1 /tmp/dd)" || return 1
	[ "$(stat waiting_objects)" -lt $nr ] || fail "nothing was given back"
}

# From another class: what waits in its own, a class takes before it grows.
an_allocation_that_fails_takes_back_and_tries_again()
{
	set_up 64M && hold_everything && write_pages huge 0 100 &&
	discard 0 100 && expect_stat waiting_objects 100 || return
	# A first try that must not reclaim, and slabs that try again with less, take
	# some failures before there is one that matters; a write may fail of none (a
	# return without its status would be 0 in a loop's condition).
	n=1
	while failing fail_page_alloc zs_malloc $n \
			traced write_pages mixed $((n * 100)) 100 || return $?
		[ "$(stat waiting_objects)" = 100 ] && [ $n -lt 8 ]
	do
		n=$((n + 1))
	done
	[ "$(stat waiting_objects)" -lt 100 ] &&
	[ "$(sum_of zsdefer_flush pages cause=alloc)" -gt 0 ] ||
		fail "$(stat waiting_objects) wait; $(grep zsdefer_flush /tmp/traced)"
}

writes_that_fail_lose_nothing()
{
	set_up 64M && hold_everything && write_pages mixed 0 300 || return 1
	before=$(md5sum </dev/zram"$dev")
	discard 300 300
	failing fail_page_alloc zs_malloc 100000 write_pages huge 300 100
	[ $? != "$KSFT_SKIP" ] || return "$KSFT_SKIP"
	discard 300 100 && echo 1 >"$knobs/flush" &&
	[ "$(md5sum </dev/zram"$dev")" = "$before" ] ||
		fail "wrong data" || return 1
	discard 0 300 && echo 1 >"$knobs/flush" &&
	expect_stat drained "$(stat queued)" && [ "$(pool_pages)" = 0 ] ||
		fail "$(pool_pages) pages left"
}

# Handles come from slabs: a write that gets none fails, and that is all.
writes_without_handles_lose_nothing()
{
	set_up 64M && hold_everything && write_pages mixed 0 300 || return 1
	before=$(md5sum </dev/zram"$dev")
	failing failslab zs_malloc 100000 write_pages huge 300 300
	[ $? != "$KSFT_SKIP" ] || return "$KSFT_SKIP"
	discard 300 300 && echo 1 >"$knobs/flush" &&
	[ "$(md5sum </dev/zram"$dev")" = "$before" ] ||
		fail "wrong data" || return 1
	discard 0 300 && echo 1 >"$knobs/flush" &&
	expect_stat drained "$(stat queued)" && [ "$(pool_pages)" = 0 ] ||
		fail "$(pool_pages) pages left"
}

without_memory_for_an_engine_frees_are_synchronous()
{
	# It is of some pages, which do not come from a slab.
	reset_device &&
	failing fail_page_alloc zsdefer_create 100000 set_up 64M || return
	write_pages mixed 0 500 && discard 0 500 &&
	expect_stat queued 0 && expect_stat queue_memory_bytes 0 &&
	[ "$(pool_pages)" = 0 ] || fail "$(pool_pages) pages left"
}

# count_work: from now on, of which work_queued tells how much there was.
count_work()
{
	[ -d $tracing/events/workqueue ] || skip "no trace events" || return
	echo >$tracing/trace
	echo 1 >$tracing/events/workqueue/workqueue_queue_work/enable
}

work_queued()
{
	grep -c zsdefer $tracing/trace
}

stop_counting()
{
	echo 0 >$tracing/events/workqueue/workqueue_queue_work/enable
}

# Nothing that waits, and no timer: what is queued once is all there is.
an_idle_device_arms_no_timer()
{
	set_up 64M && set_knobs 1000 1000 1M 10 1 && write_pages huge 0 10 &&
	discard 0 10 && eventually 5 stat_is waiting_objects 0 || return 1
	count_work || return
	sleep 1
	idle=$(work_queued)
	discard 0 10 && write_pages huge 0 10 && discard 0 10 && sleep 0.2
	busy=$(work_queued)
	stop_counting
	[ "$idle" = 0 ] && [ "$busy" -gt 0 ] ||
		fail "work was queued $idle times when idle, $busy when not"
}

# As pages are that are swapped in.
pages_freed_now_and_then_share_ten_wakeups_a_second()
{
	set_up 64M && write_pages mixed 0 1000 || return 1
	count_work || return
	start=$(milliseconds) n=0
	while [ $(($(milliseconds) - start)) -lt 2000 ]; do
		discard $n 1 || return 1
		n=$((n + 1))
	done
	may=$((($(milliseconds) - start) / 100))
	was=$(work_queued)
	stop_counting
	[ $n -ge $((2 * may)) ] ||
		skip "only $n pages could be freed, too slow to tell" || return
	[ "$was" -gt 0 ] && [ "$was" -le $may ] ||
		fail "work was queued $was times for $n pages, not $may"
}

need_feature
remember_defaults
run_tests \
	drains_are_traced_with_what_they_freed \
	flushes_are_traced_with_their_cause \
	fallbacks_are_traced_with_their_cause \
	figures_of_each_class_add_up \
	the_shrinker_gives_back_what_waits \
	what_waits_is_available \
	running_out_of_memory_gives_back_what_waits \
	nobody_is_killed_for_memory_that_only_waits \
	an_allocation_that_fails_takes_back_and_tries_again \
	writes_that_fail_lose_nothing \
	writes_without_handles_lose_nothing \
	without_memory_for_an_engine_frees_are_synchronous \
	an_idle_device_arms_no_timer \
	pages_freed_now_and_then_share_ten_wakeups_a_second \
	kernel_is_quiet
