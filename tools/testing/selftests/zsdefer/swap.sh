#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Swap on a zram device whose frees are deferred: what comes back is what
# went out, whatever dies meanwhile. Needs zsbench (tools/testing/zsdefer) in
# the path.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${SECONDS_EACH:-8}

swap_up()
{
	swapoff "/dev/zram$dev" 2>/dev/null
	set_up 1G && mkswap "/dev/zram$dev" >/dev/null &&
		swapon "/dev/zram$dev"
}

swap_down()
{
	swapoff "/dev/zram$dev"
}

verify()
{
	zsbench verify -z "zram$dev" -m 96 -p 2 "$@" >/tmp/verify 2>&1
	status=$?
	sed 's/^/# /' /tmp/verify
	return $status
}

# start_holder MIB: a process with so much in swap, its pid in $holder
start_holder()
{
	: >/tmp/holder
	zsbench hold -m "$1" >/tmp/holder 2>&1 &
	holder=$!
	eventually 60 grep -q ready /tmp/holder
}

kill_holder()
{
	kill -9 "$holder"
	wait "$holder" 2>/dev/null
	return 0
}

everything_is_freed()
{
	echo 1 >"$knobs/flush"
	expect_stat waiting_objects 0 && expect_stat waiting_bytes 0 &&
	expect_stat drained "$(stat queued)"
}

a_kill_is_deferred_and_drained_by_itself()
{
	swap_up && start_holder 32 && before=$(pool_pages) &&
	kill_holder && [ "$(stat queued)" -gt 7000 ] &&
	eventually 5 stat_is waiting_objects 0 &&
	[ "$(pool_pages)" -lt $((before / 20)) ] ||
		fail "$(stat queued) queued, $(stat waiting_objects) waiting," \
		     "$(pool_pages) of $before pages left"
	swap_down
}

swapped_data_survives_kills()
{
	swap_up && verify -t "$seconds" -d mixed && everything_is_freed &&
	[ "$(stat queued)" -gt 1000 ] && swap_down
}

swapped_data_of_one_class_survives_kills()
{
	swap_up && verify -t "$seconds" -d single && everything_is_freed &&
	swap_down
}

incompressible_data_survives_kills()
{
	swap_up && verify -t "$seconds" -d huge && everything_is_freed &&
	swap_down
}

data_survives_compaction_beside_deferred_frees()
{
	swap_up && echo 1 >"$knobs/drain_delay_ms" || return 1
	while :; do
		echo 1 >"$blk/compact"
		[ ! -w /proc/sys/vm/compact_memory ] ||
			echo 1 >/proc/sys/vm/compact_memory
		sleep 0.02
	done &
	compactor=$!
	verify -t "$seconds" -d mixed
	status=$?
	kill $compactor
	wait $compactor 2>/dev/null
	[ $status = 0 ] && everything_is_freed && swap_down
}

data_survives_knobs_turned_under_load()
{
	swap_up || return 1
	while :; do
		for v in 0 1; do
			echo $v >"$knobs/enabled"
			sleep 0.03
		done
		set_knobs 64 8 256K 5 1
		sleep 0.03
		set_knobs 65536 4096 16M 50 1
		sleep 0.03
		echo 1 >"$knobs/flush"
	done &
	turner=$!
	verify -t "$seconds" -d mixed
	status=$?
	kill $turner
	wait $turner 2>/dev/null
	[ $status = 0 ] && [ "$(stat fallback_disabled)" -gt 0 ] &&
	[ "$(stat drained)" -gt 0 ] && everything_is_freed && swap_down
}

bounds_hold_under_load()
{
	budget=262144 most=0 samples=0
	swap_up && set_knobs 512 64 $budget 1000 1 || return 1
	verify -t "$seconds" -d mixed &
	verifier=$!
	while kill -0 $verifier 2>/dev/null; do
		bytes=$(stat waiting_bytes)
		[ "${bytes:-0}" -le "$most" ] || most=$bytes
		samples=$((samples + 1))
	done
	wait $verifier || return 1
	echo "# at most $most of $budget bytes waited, in $samples samples"
	[ "$most" -le $budget ] && [ "$most" -gt 0 ] && [ $samples -gt 20 ] &&
	[ "$(stat fallback_budget)" -gt 0 ] && everything_is_freed && swap_down
}

# Room that some classes do not use is not lost to the others.
a_kill_spends_the_whole_budget()
{
	budget=$((16 << 20))
	swap_up && set_knobs 65536 65536 $budget 60000 1 && start_holder 64 &&
	kill_holder && bytes=$(stat waiting_bytes) || return 1
	echo "# $bytes of $budget bytes wait, $(stat fallback_budget) fell back"
	[ "$bytes" -le $budget ] && [ "$bytes" -gt $((budget - page)) ] &&
	[ "$(stat fallback_budget)" -gt 0 ] && everything_is_freed && swap_down
}

swapoff_with_full_queues_brings_back_the_rest()
{
	swap_up && hold_everything 32M && empty=$(pool_pages) &&
	start_holder 32 || return 1
	dead=$holder
	start_holder 16 || return 1
	kill -9 "$dead"
	wait "$dead" 2>/dev/null
	[ "$(stat waiting_objects)" -gt $((28 * 1048576 / page)) ] && swap_down &&
	kill -0 "$holder" && kill_holder && everything_is_freed &&
	[ "$(pool_pages)" = "$empty" ] && reset_device ||
		fail "$(stat waiting_objects) wait, $(pool_pages) pages left," \
		     "not $empty"
}

need_feature
[ "$(wc -l </proc/swaps)" = 1 ] || skip_all "other swap is in use"
command -v zsbench >/dev/null || skip_all "no zsbench"
remember_defaults
run_tests \
	a_kill_is_deferred_and_drained_by_itself \
	swapped_data_survives_kills \
	swapped_data_of_one_class_survives_kills \
	incompressible_data_survives_kills \
	data_survives_compaction_beside_deferred_frees \
	data_survives_knobs_turned_under_load \
	bounds_hold_under_load \
	a_kill_spends_the_whole_budget \
	swapoff_with_full_queues_brings_back_the_rest \
	kernel_is_quiet
