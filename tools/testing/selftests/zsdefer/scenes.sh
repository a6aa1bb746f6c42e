#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What a distribution does with zram, and what people report to go wrong there:
# on kernels with the deferred free and without, so that they can be compared.
# Each scene wants a result of its own; what it measured it adds to the file
# $SCENES, in lines of: scene, where it comes from, what, figure, unit, and how
# much more than on the unpatched kernel is no harm (a number, N%, or - if it is
# only told).
#
#	SCENES=scenes.tsv
#	ROUNDS=10	how often, more or less
#	ONLY="..."	some scenes
#
# Needs zsbench (tools/testing/zsdefer) in the path, and 2 GiB of memory. The
# device that is backing device or swap for hibernation is $DISK, if there is
# one; what is on it is lost.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

scenes=${SCENES:-/tmp/scenes.tsv} rounds=${ROUNDS:-10} disk=${DISK:-/dev/vda}
control=/sys/class/zram-control

# from SOURCE: where this scene comes from. The kernel's log tells what belongs
# to it.
from()
{
	source=$*
	echo "scene $test" >/dev/kmsg
}

# fact WHAT FIGURE UNIT MORE
fact()
{
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$test" "$source" "$@" >>"$scenes"
	echo "# $1: $2 $3"
}

# add_device: another zram, as $dev and $blk, with its defaults.
add_device()
{
	dev=$(cat $control/hot_add) && blk=/sys/block/zram$dev &&
	knobs=$blk/deferred_free
	export ZSBENCH_ZRAM="zram$dev"
}

# new_device SIZE [ALGORITHM]: instead of the one before.
new_device()
{
	remove_device
	add_device && echo "${2:-lz4}" >"$blk/comp_algorithm" &&
	echo "$1" >"$blk/disksize"
}

new_swap()
{
	new_device "$@" && start_swap
}

start_swap()
{
	mkswap "/dev/zram$dev" >/dev/null && swapon "/dev/zram$dev"
}

# let_all_wait: as much as there is, until somebody asks.
let_all_wait()
{
	[ ! -d "$knobs" ] || set_knobs 1048576 1048576 256M 60000 1
}

flush()
{
	[ ! -d "$knobs" ] || echo 1 >"$knobs/flush"
}

# field FILE N: of a line of numbers.
field()
{
	awk -v n="$2" '{ print $n }' "$blk/$1"
}

# empty: nothing is stored, and nothing is left in the pool.
empty()
{
	flush
	[ "$(field mm_stat 1)" = 0 ] && [ "$(field mm_stat 3)" = 0 ] ||
		fail "mm_stat: $(cat "$blk/mm_stat")"
}

# swap_is_empty: without it, all that is stored is mkswap's page.
swap_is_empty()
{
	swapoff "/dev/zram$dev" && blkdiscard "/dev/zram$dev" && empty
}

# median "NUMBER..."
median()
{
	# shellcheck disable=SC2086 # a number a word
	printf '%s\n' $1 | sort -n | awk '{ a[NR] = $1 }
		END { print a[int((NR + 1) / 2)] }'
}

# took COMMAND...: it succeeds, in $ms.
took()
{
	begin=$(milliseconds)
	"$@" || return 1
	ms=$(($(milliseconds) - begin))
}

hot_remove()
{
	echo "$dev" >$control/hot_remove
}

### Devices come and go

# Whoever opens new devices to look at them is in the way of who sets them up.
a_helper_opens_new_devices()
{
	from "systemd issue 36352, zram-init issue 62"
	helper=/sys/kernel/uevent_helper
	[ -w $helper ] || skip "no uevent helper" || return
	cat >"$tmp/helper" <<-EOF
		#!/bin/sh
		case \$ACTION:\$DEVNAME in
		add:zram* | change:zram*)
			echo "\$ACTION" >>$tmp/events
			exec 3</dev/\$DEVNAME
			sleep 0.05
			;;
		esac
	EOF
	chmod +x "$tmp/helper"
	: >"$tmp/events"
	busy=0 left=$((rounds * 6)) status=0
	remove_device
	echo "$tmp/helper" >$helper
	while [ "$left" -gt 0 ]; do
		left=$((left - 1))
		# At any time while it has it open, or no more.
		add_device && sleep "0.0$((left % 10))"
		echo 16M >"$blk/disksize" 2>/dev/null || busy=$((busy + 1))
		sleep "0.0$((left * 7 % 10))"
		echo 1 >"$blk/reset" 2>/dev/null || busy=$((busy + 1))
		eventually 5 reset_device 2>/dev/null &&
		eventually 5 hot_remove 2>/dev/null || status=1
	done
	echo >$helper
	add_device
	fact "of $((rounds * 6)) devices, busy when they are set up or reset" \
		$busy times $((rounds * 6 / 10 + 1))
	fact "events of a device" \
		$(($(wc -l <"$tmp/events") / (rounds * 6))) events 0
	return $status
}

swapoff_and_then_reset_or_remove()
{
	from "zram-generator issue 226"
	held='' left=$rounds busy=0
	while [ "$left" -gt 0 ]; do
		left=$((left - 1))
		new_swap 256M && let_all_wait && holding 16 && killed "$held" &&
		swapoff "/dev/zram$dev" || return 1
		if [ $((left % 2)) = 0 ]; then
			echo 1 >"$blk/reset" 2>/dev/null || busy=$((busy + 1))
		else
			hot_remove 2>/dev/null || busy=$((busy + 1))
		fi
	done
	fact "of $rounds, busy" $busy times 0
}

writes_and_discards_of_four_jobs()
{
	from "file systems on zram"
	new_device 256M && let_all_wait || return 1
	write_pages mixed 0 1 || return 1
	for job in 0 1 2 3; do
		(
			for i in $(seq $((rounds * 2))); do
				at=$(((i * 7919 + job * 104729) % 60000))
				write_pages mixed $at 500
				at=$(((at + job * 250) % 60000))
				# Only one at a time can open it for a discard.
				discard $at 500 2>/dev/null ||
					clear_pages $at 500
				[ $job != 3 ] || flush
			done
		) &
	done
	wait
	blkdiscard "/dev/zram$dev" && empty && echo 1 >"$blk/reset"
}

### zram at work

# checked_beside COMMAND...: while it runs again and again, every byte that
# comes back from swap is checked, and processes are killed. $verify is more for
# zsbench.
verify=
checked_beside()
{
	# shellcheck disable=SC2086 # a word each
	zsbench verify -m 48 -p 2 -t $((rounds * 3 / 5 + 1)) $verify \
		>"$tmp/verify" 2>&1 &
	checker=$!
	while kill -0 $checker 2>/dev/null; do
		"$@"
	done
	wait $checker || fail "$(cat "$tmp/verify")"
}

write_back()
{
	echo all >"$blk/idle"
	echo idle >"$blk/writeback"
	echo huge >"$blk/writeback"
} 2>/dev/null

# A page that goes to the disk does so to have its memory back now.
writeback_frees_at_once()
{
	remove_device
	add_device && echo "$disk" >"$blk/backing_dev" &&
	echo 64M >"$blk/disksize" && let_all_wait &&
	write_pages mixed 0 1000 || return 1
	write_back
	[ "$(field bd_stat 1)" -ge 1000 ] &&
	{ [ ! -d "$knobs" ] || expect_stat waiting_objects 0; } &&
	[ "$(field mm_stat 3)" = 0 ] ||
		fail "bd_stat: $(cat "$blk/bd_stat"), mm_stat: $(cat "$blk/mm_stat")"
}

writeback_beside_kills()
{
	from "zram.rst, writeback"
	[ -f "$blk/backing_dev" ] && [ -b "$disk" ] ||
		skip "no writeback, or no disk" || return
	writeback_frees_at_once || return 1
	for compressed in 0 1; do
		remove_device
		add_device && echo "$disk" >"$blk/backing_dev" || return 1
		if [ -f "$blk/compressed_writeback" ]; then
			echo $compressed >"$blk/compressed_writeback"
		elif [ $compressed = 1 ]; then
			continue
		fi
		echo 512M >"$blk/disksize" && start_swap &&
		checked_beside write_back || return 1
		fact "missed frees, compressed_writeback $compressed" \
			"$(missed)" slots -
		fact "written back, compressed_writeback $compressed" \
			"$(field bd_stat 3)" pages -
		swap_is_empty && [ "$(field bd_stat 1)" = 0 ] ||
			fail "bd_stat: $(cat "$blk/bd_stat")" || return 1
	done
	remove_device
	add_device
}

missed()
{
	sed -n '2s/.* //p' "$blk/debug_stat"
}

recompression_of_idle_pages()
{
	from "zram.rst, recompression"
	[ -f "$blk/recomp_algorithm" ] || skip "no recompression" || return
	for limit in 0 1; do
		remove_device
		add_device && echo lzo-rle >"$blk/comp_algorithm" &&
		echo "algo=zstd priority=1" >"$blk/recomp_algorithm" &&
		echo 512M >"$blk/disksize" && let_all_wait &&
		write_pages mixed 0 2000 && write_pages mixed 2000 2000 &&
		write_pages mixed 4000 2000 && write_pages mixed 6000 2000 ||
			return 1
		before=$(pool_pages)
		[ $limit = 0 ] || echo $(((before + 20) * page)) >"$blk/mem_limit"
		sum=$(md5sum <"/dev/zram$dev")
		echo all >"$blk/idle"
		echo "type=idle" >"$blk/recompress" &
		recompressing=$! most=$before
		# mem_used_max does not know of it.
		while kill -0 $recompressing 2>/dev/null; do
			now=$(pool_pages)
			[ "$now" -le "$most" ] || most=$now
		done
		wait $recompressing
		status=$?
		if [ $limit = 0 ]; then
			fact "before" "$before" pages -
			fact "the most in use" "$most" pages 1%
			fact "after" "$(pool_pages)" pages 1%
		else
			failed=$(awk '{ print $2 }' "$blk/io_stat")
			write_pages mixed 8000 200 || :
			fact "writes that fail at mem_limit" \
				$(($(awk '{ print $2 }' "$blk/io_stat") - failed)) \
				pages 0
		fi
		[ $status = 0 ] || fail "recompress failed" || return 1
		[ $limit = 1 ] || [ "$(md5sum <"/dev/zram$dev")" = "$sum" ] ||
			fail "other contents" || return 1
	done
}

# files_on FS MKFS FSCK MORE: rounds of files that come and go.
files_on()
{
	from "zram-generator issue 220"
	fs=$1 mkfs=$2 fsck=$3 more=$4
	grep -qw "$fs" /proc/filesystems && command -v "${mkfs%% *}" >/dev/null ||
		skip "no $fs here" || return
	new_device 512M && $mkfs "/dev/zram$dev" >/dev/null 2>&1 ||
		fail "$mkfs" || return 1
	mkdir -p "$tmp/mnt"
	mount -t "$fs" -o discard "/dev/zram$dev" "$tmp/mnt" ||
		fail "mount $fs" || return 1
	file=$(made mixed mixed_pages 2000)
	for i in $(seq "$rounds"); do
		mkdir "$tmp/mnt/d" || return 1
		for n in 1 2 3 4; do
			cp "$file" "$tmp/mnt/d/$n" || return 1
		done
		sync
		rm -r "$tmp/mnt/d"
		sync
		fstrim "$tmp/mnt" || return 1
		# drain_delay_ms, and a tick.
		sleep 0.15
	done
	fact "in use after $rounds rounds" "$(pool_pages)" pages "$more"
	umount "$tmp/mnt" || return 1
	sleep 0.15
	fact "and once it is unmounted" "$(pool_pages)" pages 32
	$fsck "/dev/zram$dev" >"$tmp/fsck" 2>&1 ||
		fail "$fs: $(tail -n 3 "$tmp/fsck")"
}

files_come_and_go_on_ext4()
{
	# The unpatched kernel's were 52, 67 and 85 pages in as many runs.
	files_on ext4 "mkfs.ext4 -q" "e2fsck -fn" 32
}

files_come_and_go_on_btrfs()
{
	files_on btrfs "mkfs.btrfs -q" "btrfs check" 32
}

files_come_and_go_on_f2fs()
{
	# It discards when it has time, and what is left when it is unmounted: 3894, 4112
	# and 3941 before, of 25 rounds of the unpatched kernel.
	files_on f2fs "mkfs.f2fs -q" "fsck.f2fs" 10%
}

### Others want the memory

want_memory()
{
	asked=$((asked + 1))
	echo 1 >/proc/sys/vm/compact_memory
	echo 100 >/proc/sys/vm/nr_hugepages
	huge=$((huge + $(cat /proc/sys/vm/nr_hugepages) / 100))
	echo 0 >/proc/sys/vm/nr_hugepages
	if [ -n "$cma" ]; then
		echo 4096 >"$cma/alloc" && cmas=$((cmas + 1)) &&
		echo 4096 >"$cma/free"
	fi
	for block in $blocks; do
		echo offline >"$block/state" && offline=$((offline + 1)) &&
		echo online_movable >"$block/state" && break
	done
	[ ! -f "$blk/compact" ] || echo 1 >"$blk/compact"
} 2>/dev/null

memory_is_wanted_in_one_piece()
{
	from "huge pages, CMA, memory hot-unplug"
	cma=$(find /sys/kernel/debug/cma -name alloc 2>/dev/null | head -n 1)
	cma=${cma%/alloc}
	blocks=$(grep -xl Movable /sys/devices/system/memory/memory*/valid_zones |
		sed 's,/valid_zones$,,')
	asked=0 huge=0 cmas=0 offline=0
	new_swap 512M && checked_beside want_memory || return 1
	fact "of 100, 100 huge pages are not had" \
		$((100 - huge * 100 / asked)) times 10
	fact "of 100, 16 MiB of CMA are not had" \
		$((100 - cmas * 100 / asked)) times 10
	fact "of 100, a memory block does not go offline" \
		$((100 - offline * 100 / asked)) times 10
	swap_is_empty
}

huge_pages_are_swapped_out_whole()
{
	from "transhuge.rst, mTHP"
	size=/sys/kernel/mm/transparent_hugepage/hugepages-64kB
	[ -d $size ] || skip "no huge pages of 64 KiB" || return
	echo always >$size/enabled
	verify=-H
	new_swap 512M && checked_beside sleep 0.1
	status=$?
	verify=
	echo never >$size/enabled
	fact "huge pages swapped out whole" "$(cat $size/stats/swpout)" pages -
	[ $status = 0 ] && [ "$(cat $size/stats/swpout)" -gt 0 ] &&
	swap_is_empty
}

same_pages_are_merged()
{
	from "ksm.rst"
	ksm=/sys/kernel/mm/ksm
	[ -d $ksm ] || skip "no KSM" || return
	new_swap 512M || return 1
	echo 1000 >$ksm/pages_to_scan
	echo 1 >$ksm/run
	stress-ng --vm 2 --vm-bytes 64M --vm-madvise mergeable --verify \
		-t "$((rounds / 3 + 2))" >"$tmp/ksm" 2>&1 &
	merging=$!
	checked_beside sleep 0.1 && wait $merging
	status=$?
	echo 2 >$ksm/run
	[ $status = 0 ] || fail "$(tail -n 3 "$tmp/ksm")" || return 1
	swap_is_empty
}

# To a disk and back without going off: the image is written and read.
hibernation_with_full_queues()
{
	from "laptops"
	grep -qw test_resume /sys/power/disk 2>/dev/null && [ -b "$disk" ] ||
		skip "no hibernation, or no disk" || return
	new_swap 256M && let_all_wait && mkswap "$disk" >/dev/null &&
	swapon "$disk" || return 1
	number=$(cat "/sys/class/block/${disk#/dev/}/dev")
	echo test_resume >/sys/power/disk
	echo "$number" >/sys/power/resume 2>/dev/null
	echo 0 >/sys/power/image_size
	slept=0 failed=0
	checked_beside hibernate
	status=$?
	swapoff "$disk"
	[ $status = 0 ] && [ $slept -gt 0 ] && [ $failed = 0 ] ||
		fail "$slept times there and back, $failed failed" || return 1
	swap_is_empty
}

hibernate()
{
	sleep 0.5
	if echo disk >/sys/power/state; then
		slept=$((slept + 1))
	else
		failed=$((failed + 1))
	fi
}

two_cgroups_are_killed()
{
	from "systemd, containers"
	group=/sys/fs/cgroup
	[ -f $group/cgroup.controllers ] ||
		mount -t cgroup2 cgroup2 $group 2>/dev/null ||
		skip "no cgroups" || return
	echo +memory >$group/cgroup.subtree_control || return 1
	new_swap 512M && let_all_wait || return 1
	left=$rounds
	while [ "$left" -gt 0 ]; do
		left=$((left - 2))
		for g in a b; do
			mkdir $group/$g && echo 64M >$group/$g/memory.max &&
			echo 128M >$group/$g/memory.swap.max || return 1
			: >"$tmp/held.$g"
			sh -c "echo \$\$ >$group/$g/cgroup.procs &&
				exec zsbench hold -m 48" >"$tmp/held.$g" &
		done
		for g in a b; do
			eventually 60 grep -q ready "$tmp/held.$g" || return 1
		done
		for g in a b; do
			[ "$(cat $group/$g/memory.swap.current)" -gt 1000000 ] ||
				fail "nothing in swap" || return 1
			echo 1 >$group/$g/cgroup.kill
		done
		wait
		for g in a b; do
			charged=$(cat $group/$g/memory.swap.current)
			[ "$charged" = 0 ] && rmdir $group/$g ||
				fail "swap.current $charged" || return 1
		done
	done
	swap_is_empty
}

killers_look_at_what_is_available()
{
	from "earlyoom, lmkd"
	total=$(memory_mib)
	new_swap $((total * 2))M || return 1
	zsbench lmk -a -r $((rounds / 3 + 1)) -p 6 \
		-m $((total / 8)) -R $((total / 16)) -n $((total / 2)) \
		-l $((total / 10)) >"$tmp/lmk" 2>&1
	[ "$(grep -c '"kills":' "$tmp/lmk")" = $((rounds / 3 + 1)) ] ||
		fail "$(tail -n 1 "$tmp/lmk")" || return 1
	fact "victims of $((rounds / 3 + 1)) rounds" \
		"$(sum kills "$tmp/lmk")" processes 1
	fact "killed by the kernel" \
		"$(sum oom_kills "$tmp/lmk")" processes 0
	swap_is_empty
}

# sum NAME FILE: of a number in lines of JSON.
sum()
{
	sed -n "s/.*\"$1\": *\(-*[0-9]*\).*/\1/p" "$2" |
		awk '{ s += $1 } END { print s + 0 }'
}

one_node_is_full()
{
	from "NUMA machines"
	group=/sys/fs/cgroup
	[ -d /sys/devices/system/node/node1 ] && [ -d $group ] ||
		skip "one node" || return
	[ -f $group/cgroup.controllers ] ||
		mount -t cgroup2 cgroup2 $group 2>/dev/null
	echo +cpuset >$group/cgroup.subtree_control || skip "no cpusets" || return
	new_swap 64M && let_all_wait && mkdir $group/n &&
	echo 1 >$group/n/cpuset.mems || return 1
	times='' scans=''
	for _ in $(seq "$rounds"); do
		holding 32 && killed "$held" || return 1
		# Twice what the node has: it is killed.
		before=$(vmstat oom_kill) scanned=$(vmstat pgscan_anon)
		took full_node || fail "who fills it got all that" || return 1
		[ "$(vmstat oom_kill)" -gt "$before" ] ||
			fail "nobody was killed" || return 1
		times="$times $ms"
		scans="$scans $(($(vmstat pgscan_anon) - scanned))"
	done
	fact "until who fills the node is killed" "$(median "$times")" ms -
	fact "reclaim looks at until then" "$(median "$scans")" pages -
	rmdir $group/n
	swap_is_empty
}

full_node()
{
	of_node=$(awk '/MemTotal/ { print int($4 / 1024) }' \
		/sys/devices/system/node/node1/meminfo)
	sh -c "echo \$\$ >$group/n/cgroup.procs
		exec dd if=/dev/zero of=/dev/null bs=$((of_node * 2))M count=1" \
		2>/dev/null
	[ $? -ge 128 ]
}

# A worker that gets no CPU: nice, and where a real-time task is.
a_worker_is_starved()
{
	from "real-time tasks"
	wq=/sys/devices/virtual/workqueue/zsdefer
	[ "$(nproc)" -gt 1 ] || skip "one CPU" || return
	last=$(($(nproc) - 1))
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	if [ -d $wq ]; then
		printf '%x' $((1 << last)) >$wq/cpumask
		echo 19 >$wq/nice
		echo 1 >$wq/max_active
	fi
	status=0
	mask=$(taskset -p $$ | sed 's/.* //')
	taskset -p 1 $$ >/dev/null
	starve || status=1
	taskset -p "$mask" $$ >/dev/null
	if [ -d $wq ]; then
		cat /sys/devices/virtual/workqueue/cpumask >$wq/cpumask
		echo 0 >$wq/nice
	fi
	echo 950000 >/proc/sys/kernel/sched_rt_runtime_us
	return $status
}

# starve: with the worker about to begin, or with it in the middle.
starve()
{
	for who in flush reset "reset, begun" limit reclaim; do
		new_device 256M && write_pages mixed 0 2000 || return 1
		[ ! -d "$knobs" ] || set_knobs 1048576 256 256M 10 1
		[ "$who" != "reset, begun" ] || discard 0 2000
		take_last_cpu 20 || return 1
		[ "$who" = "reset, begun" ] || discard 0 2000
		sleep 0.1
		[ ! -d "$knobs" ] || [ "$who" = "reset, begun" ] ||
			[ "$(stat waiting_objects)" -gt 0 ] ||
			fail "nothing waits for the worker" || return 1
		case $who in
		flush) took flush ;;
		reset*) took reset_device ;;
		limit)
			echo $((1000 * page)) >"$blk/mem_limit"
			took write_pages mixed 4000 1000
			;;
		reclaim) took sh -c 'echo 2 >/proc/sys/vm/drop_caches' ;;
		esac || fail "$who failed" || return 1
		kill -0 "$hog" || fail "$who took as long as the worker" || return 1
		killed "$hog"
		fact "$who" "$ms" ms -
	done
}

# Only where there is as little memory: zram of twice of it.
a_tiny_board()
{
	from "routers, old phones"
	total=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
	[ "$total" -lt 200000 ] || skip "too much memory" || return
	new_swap $((total * 2))K || return 1
	all=0 left=$rounds
	while [ "$left" -gt 0 ]; do
		left=$((left - 1))
		holding 64 && took killed "$held" || return 1
		all=$((all + ms))
		# More than there is room for without swap.
		dd if=/dev/urandom of=/dev/null bs=$((total / 2))K count=2 \
			2>/dev/null || fail "dd failed" || return 1
	done
	fact "until a process of 64 MiB is gone" $((all / rounds)) ms -
	fact "killed for want of memory" "$(vmstat oom_kill)" processes 0
	fact "failed writes" "$(field io_stat 2)" writes 0
	swap_is_empty
}

### As others look

reading_changes_nothing()
{
	from "zramctl, lsblk, monitoring"
	new_device 64M && let_all_wait && write_pages mixed 0 500 &&
	discard 0 250 || return 1
	before=$(state)
	find "$blk/" -type f -perm -400 ! -path '*/trace/*' |
		while read -r file; do
			cat "$file" >/dev/null 2>&1 && echo "${file#"$blk"}"
		done | grep -v '^/deferred_free/' | sort >"$tmp/read"
	fact "files under the disk that can be read, and not ours" \
		"$(wc -l <"$tmp/read")" files 0
	for tool in zramctl lsblk; do
		! command -v $tool >/dev/null || $tool >/dev/null ||
			fail "$tool" || return 1
	done
	[ "$(state)" = "$before" ] || fail "was $before, is $(state)"
}

state()
{
	cat "$blk/mm_stat"
	[ ! -d "$knobs" ] || stat waiting_objects
}

zram_goes_away()
{
	from "zram-tools"
	remove_device
	grep -q '^zram ' /proc/modules || {
		add_device
		skip "no module"
		return
	}
	rmmod zram && ! grep -q '^zram ' /proc/modules
}

[ "$(id -u)" = 0 ] || skip_all "not root"
[ -d $control ] || modprobe -q zram 2>/dev/null
[ -d $control ] || skip_all "no zram"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; remove_device' EXIT
add_device || skip_all "no device"
: >"$scenes"
# shellcheck disable=SC2086 # a scene a word
run_tests ${ONLY:-a_helper_opens_new_devices \
	swapoff_and_then_reset_or_remove \
	writes_and_discards_of_four_jobs \
	writeback_beside_kills \
	recompression_of_idle_pages \
	files_come_and_go_on_ext4 \
	files_come_and_go_on_btrfs \
	files_come_and_go_on_f2fs \
	memory_is_wanted_in_one_piece \
	huge_pages_are_swapped_out_whole \
	same_pages_are_merged \
	hibernation_with_full_queues \
	two_cgroups_are_killed \
	killers_look_at_what_is_available \
	one_node_is_full \
	a_worker_is_starved \
	reading_changes_nothing \
	zram_goes_away \
	kernel_is_quiet}
