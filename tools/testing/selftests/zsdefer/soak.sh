#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Everything at once. Data go out to swap and are checked when they come back,
# beside processes that are killed; meanwhile knobs are turned, with right
# values and wrong ones, and the bounds looked at; memory runs short, is
# compacted, and is given back by shrinkers; a CPU comes and goes; and other
# devices are added, filled, emptied, reset and removed. What each of these
# does follows from SEED; how they meet does not.
#
#	SOAK_SECONDS=60	how long
#	SEED=1
#
# Needs zsbench (tools/testing/zsdefer) in the path.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${SOAK_SECONDS:-60} seed=${SEED:-1}

# dice WHO: random numbers below a million, without end.
dice()
{
	awk -v seed="$seed$1" 'BEGIN {
		srand(seed)
		while (1)
			print int(rand() * 1000000)
	}' 2>/dev/null
}

goes_on()
{
	[ ! -e "$work/over" ]
}

# wrong WHO WHAT: what must not be.
wrong()
{
	who=$1
	shift
	echo "# $*" >>"$work/$who.wrong"
}

did()
{
	echo "$1" >>"$work/did"
}

### The knobs of the device that is swapped to, and its bounds

# is_number VALUE MIN MAX
is_number()
{
	case $1 in
	'' | *[!0-9]*) return 1 ;;
	esac
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

# valid KNOB VALUE: by the documents.
valid()
{
	case $1 in
	enabled) is_number "$2" 0 1 ;;
	budget) is_number "$2" "$page" "$total" ;;
	class_budget) is_number "$2" "$(cat "$knobs/drain_threshold")" 1048576 ;;
	drain_threshold) is_number "$2" 1 "$(cat "$knobs/class_budget")" ;;
	drain_delay_ms) is_number "$2" 1 60000 ;;
	esac
}

# pick NUMBER VALUE...
pick()
{
	shift $(($1 % ($# - 1) + 1))
	echo "$1"
}

# turn KNOB VALUE: it is taken if it may be, and shown; else nothing changes.
turn()
{
	before=$(cat "$knobs/$1") want=0 got=0
	valid "$1" "$2" || want=1
	echo "$2" 2>/dev/null >"$knobs/$1" || got=1
	shown=$(cat "$knobs/$1")
	[ $want = $got ] ||
		wrong knobs "$1 took or refused '$2' with status $got"
	if [ $got = 0 ]; then
		[ "$shown" = "$2" ] || wrong knobs "$1 is $shown after '$2'"
	else
		[ "$shown" = "$before" ] || wrong knobs "$1 changed to $shown"
	fi
	did knob
}

# Nobody else turns them, so what they show is in force.
look_at_bounds()
{
	budget=$(cat "$knobs/budget") class_budget=$(cat "$knobs/class_budget")
	bytes=$(stat waiting_bytes)
	[ "$bytes" -le "$budget" ] ||
		wrong bounds "$bytes bytes wait, the budget is $budget"
	[ ! -r "$classes" ] || awk -v bound="$class_budget" '
		NR > 1 && $2 > bound {
			print "# " $2 " objects of " $1 " wait, not " bound
		}' "$classes" >>"$work/bounds.wrong"
	[ "$bytes" = 0 ] || did look
}

turn_knobs()
{
	dice 1 | while read -r r && read -r n && goes_on; do
		case $((r % 12)) in
		0 | 1) turn enabled "$(pick "$n" 0 1 1 1 1 2 -1 x)" ;;
		2 | 3) turn budget "$(pick "$n" $((n * 50)) $((n * 7)) \
			$((page - 1)) "$page" 65536 16777216 "$total" \
			$((total + page)) 1x)" ;;
		4 | 5) turn class_budget "$(pick "$n" $((n / 10)) $((n % 300)) \
			0 1 65536 1048576 1048577 1K)" ;;
		6 | 7) turn drain_threshold "$(pick "$n" $((n / 1000)) \
			$((n / 10)) 0 1 64 256 '')" ;;
		8 | 9) turn drain_delay_ms "$(pick "$n" $((n % 100)) 1 8 \
			1000 60000 60001 0 1.5)" ;;
		10) echo 1 >"$knobs/flush" || wrong knobs "flush failed" ;;
		11) sleep 0.$((n % 5)) ;;
		esac
		look_at_bounds
		look_at_bounds
	done
}

### Memory that runs short, and is moved

press()
{
	dice 2 | while read -r r && read -r n && goes_on; do
		case $((r % 6)) in
		0) echo 1 >"$blk/compact" ;;
		1) [ ! -w /proc/sys/vm/compact_memory ] ||
			echo 1 >/proc/sys/vm/compact_memory ;;
		2) echo $((n % 3 + 1)) >/proc/sys/vm/drop_caches ;;
		3) hog $((n % (total >> 20) + 1)) ;;
		4) hog $((total >> 21)) ;;
		5) sleep 0.$((n % 10)) ;;
		esac
		did press
	done
}

# hog MIB: who wants more than there is may be killed, but nobody else.
hog()
{
	sh -c 'echo 1000 >/proc/self/oom_score_adj
		exec dd if=/dev/zero of=/dev/null bs='"$1"'M count=1' 2>/dev/null
}

### A CPU that comes and goes

plug()
{
	cpu=/sys/devices/system/cpu/cpu1/online
	[ -w $cpu ] || return 0
	dice 3 | while read -r r && goes_on; do
		echo $((r & 1)) >$cpu && did plug
		sleep 0.$((r % 10))
	done
	echo 1 >$cpu
}

### Other devices' lives

churn()
{
	dice 4 | add_and_remove
}

add_and_remove()
{
	while read -r r && goes_on; do
		id=$(cat /sys/class/zram-control/hot_add) || {
			wrong churn "no device could be added"
			break
		}
		other=/sys/block/zram$id
		live "$r" && read -r r && live "$r" && read -r r && live "$r"
		# Readers and writers that come while it goes
		while [ -e "$other" ]; do
			cat "$other/deferred_free/stats"
			echo 1 >"$other/deferred_free/flush"
		done >/dev/null 2>&1 &
		eventually 10 remove_other ||
			wrong churn "zram$id could not be removed"
		wait $!
		did remove
	done
}

remove_other()
{
	echo "$id" >/sys/class/zram-control/hot_remove
}

# live NUMBER: fill it, free some, see that the rest is there, reset.
live()
{
	pages=$(($1 % 400 + 50)) freed=$(($1 % 400 / 2))
	echo $(($1 % 2)) >"$other/deferred_free/enabled" &&
	echo 32M >"$other/disksize" || {
		wrong churn "zram$id could not be set up"
		return 1
	}
	dd if="$source" of="/dev/zram$id" bs="$page" count=$pages \
		conv=notrunc,fsync 2>/dev/null || wrong churn "a write failed"
	blkdiscard -o 0 -l $((freed * page)) "/dev/zram$id"
	[ "$(rest_of "$source")" = "$(rest_of "/dev/zram$id")" ] ||
		wrong churn "wrong data on zram$id"
	[ $(($1 % 3)) = 0 ] || blkdiscard "/dev/zram$id"
	echo 1 >"$other/reset" || wrong churn "zram$id could not be reset"
	did reset
}

rest_of()
{
	dd if="$1" bs="$page" skip="$freed" count=$((pages - freed)) 2>/dev/null |
		md5sum
}

### What came of it

# nothing_wrong WHO: it said nothing.
nothing_wrong()
{
	[ ! -s "$work/$1.wrong" ] || {
		head -n 20 "$work/$1.wrong"
		return 1
	}
}

# done_often WHAT AT-LEAST
done_often()
{
	count=$(grep -c "^$1\$" "$work/did")
	echo "# $1: $count times"
	[ "$count" -ge "$2" ]
}

all_at_once()
{
	set_up 1G && mkswap "/dev/zram$dev" >/dev/null &&
		swapon "/dev/zram$dev" || return 1
	empty=$(pool_pages)
	turn_knobs &
	helpers=$!
	press &
	helpers="$helpers $!"
	plug &
	helpers="$helpers $!"
	churn &
	helpers="$helpers $!"
	zsbench verify -z "zram$dev" -t "$seconds" -m 64 -p 2 -s "$seed" \
		>"$work/verify" 2>&1
	verified=$?
	: >"$work/over"
	# They may be in the middle of something.
	# shellcheck disable=SC2086
	wait $helpers
	sed 's/^/# /' "$work/verify"
	# With swap on, a page of ours that comes back in would be queued after the flush.
	swapoff "/dev/zram$dev" && echo 1 >"$knobs/flush"
}

every_byte_that_came_back_was_right()
{
	[ "$verified" = 0 ]
}

knobs_took_what_they_should()
{
	nothing_wrong knobs && done_often knob $((seconds / 10 + 1))
}

no_bound_was_exceeded()
{
	nothing_wrong bounds && done_often look 1
}

other_devices_kept_their_data()
{
	nothing_wrong churn && done_often reset 3 && done_often remove 1
}

memory_was_wanted()
{
	done_often press 3
}

all_that_was_queued_has_been_freed()
{
	queued=$(stat queued)
	echo "# $queued queued, $(stat drained) drained, $(stat waiting_objects) wait"
	[ "$queued" -gt 0 ] && expect_stat drained "$queued" &&
		expect_stat waiting_objects 0 && expect_stat waiting_bytes 0
}

nothing_is_left_in_the_pool()
{
	echo "# $(pool_pages) pages, $empty when it was empty"
	[ "$(pool_pages)" = "$empty" ]
}

need_feature
work=$tmp
[ "$(wc -l </proc/swaps)" = 1 ] || skip_all "other swap is in use"
command -v zsbench >/dev/null || skip_all "no zsbench"
total=$(($(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) * 1024))
classes=/sys/kernel/debug/zsmalloc/zram$dev/deferred_free
source=$(made mixed mixed_pages 2000)
: >"$work/did"
remember_defaults
echo "# $seconds seconds, SEED=$seed"
run_tests \
	all_at_once \
	every_byte_that_came_back_was_right \
	knobs_took_what_they_should \
	no_bound_was_exceeded \
	other_devices_kept_their_data \
	memory_was_wanted \
	all_that_was_queued_has_been_freed \
	nothing_is_left_in_the_pool \
	kernel_is_quiet
