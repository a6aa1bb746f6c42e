#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Deferred free of zswap's objects: what waits, what does not, and who has it given
# back. The swap behind it is a zram device, so "written out" means to there.
#
#	SECONDS_EACH=10
#
# Needs zsbench (tools/testing/zsdefer) in the path, and 1 GiB of memory.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

params=/sys/module/zswap/parameters
figures=/sys/kernel/debug/zswap
zswap_knobs=/sys/kernel/mm/zswap/deferred_free

param()
{
	echo "$2" >$params/"$1"
}

figure()
{
	cat $figures/"$1"
}

# zswap_set_up [PERCENT]: in front of an empty swap; nothing is drained unless somebody
# asks.
zswap_set_up()
{
	swapoff "/dev/zram$dev" 2>/dev/null
	reset_device && echo 512M >"$blk/disksize" &&
	mkswap "/dev/zram$dev" >/dev/null && swapon "/dev/zram$dev" &&
	param compressor lz4 && param max_pool_percent "${1:-50}" &&
	param accept_threshold_percent 90 && param shrinker_enabled N &&
	param enabled Y && hold_everything 64M && echo 1 >"$knobs/flush" &&
	[ "$(figure pool_total_size)" = 0 ] ||
		fail "$(figure pool_total_size) bytes in the pools" || return 1
	# shellcheck disable=SC2034 # the tests use them
	hits=$(figure pool_limit_hit) written=$(vmstat zswpwb)
}

# some_wait NR: at least the objects of so many pages of 4 KiB.
some_wait()
{
	wanted=$((($1 * 4096 + page - 1) / page))
	[ "$(stat waiting_objects)" -ge $wanted ] ||
		fail "$(stat waiting_objects) wait, not $wanted"
}

knobs_are_there_before_zswap_is_used()
{
	[ "$(cat $params/enabled)" = N ] ||
		skip "zswap is enabled already" || return
	expect_stat pools 0 && accepted budget 1M 1048576 &&
	echo 1 >"$knobs/flush" && refused flush 2 && refused enabled 2 &&
	refused budget 0 && refused drain_delay_ms 0
}

# What is dead is in no list and no figure but of memory.
only_memory_waits()
{
	zswap_set_up && holding 16 && killed "$held" || return 1
	[ "$(figure stored_pages)" = 0 ] ||
		fail "$(figure stored_pages) entries are left" || return 1
	some_wait 4000 && expect_stat pools 1 || return 1
	waiting=$(figure pool_waiting_size) total=$(figure pool_total_size)
	[ "$waiting" -gt 0 ] && [ "$total" -ge "$waiting" ] ||
		fail "$waiting bytes wait of $total" || return 1
	echo 1 >"$knobs/flush" && expect_stat waiting_objects 0 &&
	[ "$(figure pool_total_size)" = 0 ] && [ "$(figure pool_waiting_size)" = 0 ] &&
	expect_stat drained "$(stat queued)"
}

memory_cgroups()
{
	[ -f /sys/fs/cgroup/cgroup.controllers ] ||
		mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
	grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null
}

# holding_in_group MIB: as holding, by a process in a cgroup of its own, $group.
holding_in_group()
{
	group=/sys/fs/cgroup/zsdefer
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control && mkdir "$group" ||
		return 1
	: >"$tmp/held"
	sh -c "echo \$\$ >$group/cgroup.procs; exec zsbench hold -m $1" \
		>"$tmp/held" 2>&1 &
	held=$!
	eventually 60 grep -q ready "$tmp/held" || fail "$(cat "$tmp/held")"
}

cgroups_are_uncharged_at_once()
{
	memory_cgroups || skip "no memory cgroups" || return
	zswap_set_up && holding_in_group 16 || return 1
	charged=$(cat "$group"/memory.zswap.current)
	killed "$held"
	left=$(cat "$group"/memory.zswap.current)
	rmdir "$group" && [ "$charged" -gt 0 ] && [ "$left" = 0 ] ||
		fail "$charged bytes were charged, and $left after the kill" ||
		return 1
	eventually 5 grep -qx 'nr_dying_descendants 0' /sys/fs/cgroup/cgroup.stat ||
		fail "the cgroup does not go" || return 1
	some_wait 4000
}

# max_pool_percent leaves no room for a third process, but where one was; of other
# classes, so that its objects can't have the places of those that wait.
a_kill_makes_room_in_a_full_pool()
{
	a_kill_makes_room true
}

# Where the current one has nothing that waits.
a_kill_makes_room_in_an_older_pool()
{
	a_kill_makes_room param compressor lzo
}

# a_kill_makes_room COMMAND...: which is run just before the kill.
a_kill_makes_room()
{
	# Mixed data have 0.38 of their size, so each of two takes 0.9 per cent.
	each=$(($(memory_mib) * 24 / 1000))
	zswap_set_up 2 && holding $each && first=$held && holding $each &&
	second=$held && [ "$(figure pool_limit_hit)" = "$hits" ] ||
		fail "two of $each MiB do not fit" || return 1
	"$@" && killed "$first" &&
	some_wait $((each * 200)) && swapped=$(vmstat pswpout) &&
	holding $((each / 3)) huge || return 1
	killed "$second" "$held"
	[ "$(figure pool_limit_hit)" = "$hits" ] && [ "$(vmstat zswpwb)" = "$written" ] &&
	[ "$(vmstat pswpout)" = "$swapped" ] ||
		fail "the limit was hit, or pages were written out"
}

# Once the pool was full, stores are refused until it is well below the limit. It is
# full of what waits before much can be written back.
a_kill_ends_the_time_of_refusals()
{
	zswap_set_up 1 && param accept_threshold_percent 10 || return 1
	zsbench hold -m $(($(memory_mib) * 6 / 100)) >"$tmp/held" 2>&1 &
	held=$!
	eventually 60 limit_was_hit || fail "the limit was not hit" || return 1
	killed "$held"
	before=$(written_past) hits=$(figure pool_limit_hit)
	holding 1
	killed "$held"
	[ "$(written_past)" = "$before" ] && ! limit_was_hit ||
		fail "$(($(written_past) - before)) pages were refused"
}

limit_was_hit()
{
	[ "$(figure pool_limit_hit)" -gt "$hits" ]
}

# written_past: pages that were written to the swap behind, but not out of zswap.
written_past()
{
	echo $(($(vmstat pswpout) - $(vmstat zswpwb)))
}

# It ends when the pool is small enough, and would else look for live pages until the
# dead ones are drained.
who_writes_back_takes_what_waits()
{
	zswap_set_up 1 && param accept_threshold_percent 1 || return 1
	zsbench hold -m $(($(memory_mib) * 6 / 100)) >"$tmp/held" 2>&1 &
	held=$!
	eventually 60 writeback_has_begun || fail "nothing is written back" ||
		return 1
	killed "$held"
	eventually 5 pools_are_below $(($(memory_mib) * 1048576 / 10000)) ||
		fail "$(figure pool_total_size) bytes in the pools"
}

writeback_has_begun()
{
	[ "$(vmstat zswpwb)" -gt "$written" ]
}

pools_are_below()
{
	[ "$(figure pool_total_size)" -le "$1" ]
}

# What only waits can't be written back, so nobody is to be told of it. The count is
# less by what was swapped in from the disk before, which is spent first.
the_shrinker_counts_what_lives()
{
	[ -e "$tracing/$event" ] || skip "no tracing" || return
	# It goes by each cgroup's figures then, and the root's are none.
	! memory_cgroups || skip "there are memory cgroups" || return
	zswap_set_up && holding 64 && param shrinker_enabled Y &&
	eventually 60 shrinker_counts || fail "it counts nothing" || return 1
	killed "$held"

	zswap_set_up && holding 8 && live=$held && holding 32 && killed "$held" &&
	some_wait 8000 && param shrinker_enabled Y || return 1
	lives=$((($(figure pool_total_size) - $(figure pool_waiting_size)) / page))
	shrinker_counts
	killed "$live"
	[ "$counted" -gt 0 ] && [ "$counted" -le "$lives" ] ||
		fail "$counted of $lives pages"
}

tracing=/sys/kernel/tracing event=events/vmscan/mm_shrink_slab_start/enable

# shrinker_counts: anything, as $counted, when all shrinkers are asked.
shrinker_counts()
{
	: >$tracing/trace
	echo 1 >$tracing/$event
	echo 2 >/proc/sys/vm/drop_caches
	echo 0 >$tracing/$event
	counted=$(sed -n '/zswap_shrinker_scan/ {
		s/.*cache items \([0-9]*\).*/\1/p
		q
	}' $tracing/trace)
	[ "${counted:=0}" -gt 0 ]
}

# Who reclaims memory has no live page written out as long as dead ones can make room.
live_pages_are_written_out_after_dead_ones_are_gone()
{
	shrinker_can_be_asked || return "$KSFT_SKIP"
	# The root's, if there are memory cgroups.
	whose=0
	! memory_cgroups || whose=$(command stat -c %i /sys/fs/cgroup)
	zswap_set_up && holding 8 && live=$held && holding 32 && killed "$held" &&
	some_wait 8000 && param shrinker_enabled Y || return 1
	scans=0
	while waiting=$(stat waiting_objects) && [ "$waiting" != 0 ]; do
		scanned && [ $((scans += 1)) -le 8000 ] ||
			fail "$waiting wait after $scans scans" || return 1
		! writeback_has_begun ||
			fail "pages were written out while $waiting waited" ||
			return 1
	done
	# An entry has a second chance.
	[ $scans -gt 1 ] && eventually 10 writeback_after_a_scan ||
		fail "$scans scans, and nothing was written out after them"
	status=$?
	killed "$live"
	return $status
}

# Nothing dead is charged to a cgroup, so that does not help one that is at its limit.
a_cgroup_s_live_pages_are_written_out_all_the_same()
{
	shrinker_can_be_asked || return "$KSFT_SKIP"
	memory_cgroups || skip "no memory cgroups" || return
	zswap_set_up && holding_in_group 4 && live=$held && holding 64 &&
	killed "$held" && some_wait 16000 && param shrinker_enabled Y || return 1
	whose=$(command stat -c %i "$group")
	eventually 10 writeback_after_a_scan && some_wait 1
	status=$?
	killed "$live"
	rmdir "$group"
	return $status
}

shrinker_can_be_asked()
{
	scan=$(ls /sys/kernel/debug/shrinker/mm-zswap-*/scan 2>/dev/null)
	[ -e "$scan" ] || {
		echo "# shrinkers can't be asked one by one"
		return 1
	}
}

scanned()
{
	echo "$whose 0 128" >"$scan"
}

writeback_after_a_scan()
{
	scanned && writeback_has_begun
}

a_store_that_gets_no_memory_takes_back_and_tries_again()
{
	zswap_set_up && holding 8 huge && killed "$held" && some_wait 2000 &&
	rejected=$(figure reject_alloc_fail) || return 1
	failing fail_page_alloc zs_malloc 1 holding 8 || return
	killed "$held"
	[ "$(figure reject_alloc_fail)" = "$rejected" ] ||
		fail "$(($(figure reject_alloc_fail) - rejected)) stores were refused"
}

an_old_compressor_s_pool_goes_with_its_last_entry()
{
	zswap_set_up && holding 8 && first=$held && param compressor lzo &&
	holding 8 && expect_stat pools 2 || return 1
	killed "$first"
	# Its part of what waits is drained by then; the other pool's entries live.
	eventually 10 stat_is pools 1 || expect_stat pools 1 || return 1
	expect_stat waiting_objects 0 && killed "$held" && some_wait 2000 &&
	param compressor lz4 && eventually 10 stat_is pools 1
}

swapoff_meets_full_queues()
{
	zswap_set_up && holding 16 && other=$held && holding 16 &&
	killed "$held" && swapoff "/dev/zram$dev" && some_wait 4000 || return 1
	killed "$other"
	echo 1 >"$knobs/flush"
	[ "$(figure pool_total_size)" = 0 ]
}

zram_behind_it_counts_its_own()
{
	zswap_set_up && echo 1 >"$blk/deferred_free/enabled" && holding 16 &&
	killed "$held" && some_wait 4000 &&
	[ "$(sed -n 's/^queued //p' "$blk/deferred_free/stats")" = 0 ]
}

what_waits_is_drained_after_zswap_is_turned_off()
{
	zswap_set_up && set_knobs 65536 256 64M 8 1 && holding 16 &&
	param enabled N && killed "$held" && eventually 5 stat_is waiting_objects 0
	status=$?
	param enabled Y
	return $status
}

turned_off_it_frees_at_once()
{
	zswap_set_up && echo 0 >"$knobs/enabled" && queued=$(stat queued) &&
	holding 16 && killed "$held" && expect_stat queued "$queued" &&
	[ "$(figure pool_total_size)" = 0 ]
}

contents_hold_while_pages_are_written_back_and_processes_killed()
{
	zswap_set_up 1 && param shrinker_enabled Y && set_knobs 1000 64 8M 8 1 ||
		return 1
	zsbench verify -m $(($(memory_mib) / 10)) -p 2 -t "${SECONDS_EACH:-10}" \
		>"$tmp/verify" 2>&1 ||
		fail "$(cat "$tmp/verify")" || return 1
	writeback_has_begun || fail "nothing was written back" || return 1
	swapoff "/dev/zram$dev" && echo 1 >"$knobs/flush" &&
	[ "$(figure pool_total_size)" = 0 ] && expect_stat drained "$(stat queued)"
}

need_feature
[ -d $params ] || skip_all "no zswap"
[ -d $zswap_knobs ] || skip_all "zswap's frees are not deferred"
command -v zsbench >/dev/null || skip_all "no zsbench"
knobs=$zswap_knobs
run_tests \
	knobs_are_there_before_zswap_is_used \
	only_memory_waits \
	cgroups_are_uncharged_at_once \
	a_kill_makes_room_in_a_full_pool \
	a_kill_makes_room_in_an_older_pool \
	a_kill_ends_the_time_of_refusals \
	who_writes_back_takes_what_waits \
	the_shrinker_counts_what_lives \
	live_pages_are_written_out_after_dead_ones_are_gone \
	a_cgroup_s_live_pages_are_written_out_all_the_same \
	a_store_that_gets_no_memory_takes_back_and_tries_again \
	an_old_compressor_s_pool_goes_with_its_last_entry \
	swapoff_meets_full_queues \
	zram_behind_it_counts_its_own \
	what_waits_is_drained_after_zswap_is_turned_off \
	turned_off_it_frees_at_once \
	contents_hold_while_pages_are_written_back_and_processes_killed \
	kernel_is_quiet
