# SPDX-License-Identifier: GPL-2.0
#
# What the tests of the deferred free share: a zram device of their own, and
# its knobs. Every test is a function that returns 0 for pass, having said
# on a line that starts with "# " what it saw if it fails.

# shellcheck source=/dev/null
. "$(dirname "$0")/../kselftest/ktap_helpers.sh"

page=$(getconf PAGESIZE 2>/dev/null ||
	awk '/^KernelPageSize/ { print $2 * 1024; exit }' /proc/self/smaps)

fail()
{
	echo "# $*"
	return 1
}

# skip WHY || return: of a test that makes no sense here.
skip()
{
	echo "# $*"
	return "$KSFT_SKIP"
}

need_feature()
{
	[ "$(id -u)" = 0 ] || skip_all "not root"
	[ -d /sys/class/zram-control ] || modprobe -q zram 2>/dev/null
	[ -d /sys/class/zram-control ] || skip_all "no zram"
	dev=$(cat /sys/class/zram-control/hot_add) || skip_all "no device"
	blk=/sys/block/zram$dev
	knobs=$blk/deferred_free
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"; remove_device' EXIT
	[ -d "$knobs" ] || skip_all "no deferred_free in $blk"
}

skip_all()
{
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

remove_device()
{
	swapoff "/dev/zram$dev" 2>/dev/null
	[ ! -d "$blk" ] || echo "$dev" >/sys/class/zram-control/hot_remove
}

# shellcheck disable=SC2154 # remember_defaults sets default_*
# set_up SIZE: the device, empty, with its knobs as they come.
set_up()
{
	reset_device || return 1
	set_knobs "$default_class_budget" "$default_drain_threshold" \
		"$default_budget" "$default_drain_delay_ms" 1 || return 1
	echo "$1" >"$blk/disksize"
}

reset_device()
{
	echo 1 >"$blk/reset"
}

# set_knobs CLASS_BUDGET THRESHOLD BUDGET DELAY ENABLED: in an order that no
# former value forbids.
set_knobs()
{
	echo 1 >"$knobs/drain_threshold" &&
	echo "$1" >"$knobs/class_budget" &&
	echo "$2" >"$knobs/drain_threshold" &&
	echo "$3" >"$knobs/budget" &&
	echo "$4" >"$knobs/drain_delay_ms" &&
	echo "$5" >"$knobs/enabled"
}

# Nothing is drained unless somebody asks.
hold_everything()
{
	set_knobs 65536 65536 "${1:-32M}" 60000 1
}

remember_defaults()
{
	for knob in class_budget drain_threshold budget drain_delay_ms; do
		eval "default_$knob=\$(cat \$knobs/$knob)"
	done
}

stat()
{
	sed -n "s/^$1 //p" "$knobs/stats"
}

pool_pages()
{
	awk -v page="$page" '{ print $3 / page }' "$blk/mm_stat"
}

# write_pages HOW FIRST NR: incompressible pages, ones that compress to all
# kinds of sizes, the same each time, or ones that all compress alike.
write_pages()
{
	case $1 in
	huge) file=/dev/urandom ;;
	mixed) file=$(made mixed mixed_pages 2000) ;;
	single) file=$(made single mixed_pages 2000 1200) ;;
	esac
	dd if="$file" of="/dev/zram$dev" bs="$page" seek="$2" count="$3" \
		iflag=fullblock conv=notrunc,fsync 2>/dev/null
}

# made NAME COMMAND...: a file with what the command says, made only once.
made()
{
	made=$tmp/$1
	shift
	[ -f "$made" ] || {
		part=$(mktemp "$tmp/part.XXXXXX")
		"$@" >"$part"
		mv "$part" "$made"
	}
	echo "$made"
}

# mixed_pages NR [RANDOM]: pages of text whose part that does not compress
# well differs from page to page, or is RANDOM bytes of 4096 in all of them.
mixed_pages()
{
	awk -v n="$1" -v page="$page" -v all="${2:-0}" 'BEGIN {
		srand(1)
		blank = sprintf("%" page "s", "")
		for (i = 0; i < n; i++) {
			random = all ? all : 300 + (i * 37) % 2300
			random = int(random * page / 4096)
			s = ""
			while (length(s) < random)
				s = s sprintf("%06x", int(rand() * 16777216))
			printf "%s", substr(s, 1, random) substr(blank, 1, page - random)
		}
	}'
}

# discard FIRST NR: free the slots, as an exiting process does.
discard()
{
	blkdiscard -o "$(($1 * page))" -l "$(($2 * page))" "/dev/zram$dev"
}

# clear_pages FIRST NR: free the slots by writing zeroes, which several
# processes may do at once.
clear_pages()
{
	dd if=/dev/zero of="/dev/zram$dev" bs="$page" seek="$1" count="$2" \
		conv=notrunc,fsync 2>/dev/null
}

# eventually SECONDS COMMAND...: until it succeeds.
eventually()
{
	tries=$(($1 * 20))
	shift
	while [ "$tries" -gt 0 ]; do
		"$@" && return 0
		sleep 0.05
		tries=$((tries - 1))
	done
	"$@"
}

expect_stat()
{
	value=$(stat "$1")
	[ "$value" = "$2" ] || fail "$1 is $value, not $2"
}

stat_is()
{
	[ "$(stat "$1")" = "$2" ]
}

stat_is_above()
{
	[ "$(stat "$1")" -gt "$2" ]
}

# refused FILE VALUE: the write fails, and the value stays.
refused()
{
	before=$(cat "$knobs/$1" 2>/dev/null)
	if printf '%s' "$2" >"$knobs/$1" 2>/dev/null; then
		fail "$1 accepted '$2'"
		return 1
	fi
	[ "$(cat "$knobs/$1" 2>/dev/null)" = "$before" ] ||
		fail "$1 changed though it refused '$2'"
}

# accepted FILE VALUE SHOWN
accepted()
{
	echo "$2" >"$knobs/$1" || {
		fail "$1 refused '$2'"
		return 1
	}
	[ "$(cat "$knobs/$1")" = "$3" ] ||
		fail "$1 shows $(cat "$knobs/$1") after '$2'"
}

# failing HOW FUNCTION TIMES COMMAND...: allocations below FUNCTION fail.
failing()
{
	how=/sys/kernel/debug/$1 function=$2 times=$3
	shift 3
	[ -d "$how" ] || skip "no fault injection" || return
	range=$(sort /proc/kallsyms | awk -v f="$function" '
		found { print start, $1; exit }
		$3 == f { start = $1; found = 1 }')
	echo "0x${range% *}" >"$how/require-start" &&
	echo "0x${range#* }" >"$how/require-end" &&
	echo 32 >"$how/stacktrace-depth" && echo 0 >"$how/verbose" &&
	echo N >"$how/ignore-gfp-wait" && echo 100 >"$how/probability" &&
	echo 1 >"$how/interval" && echo "$times" >"$how/times" || return 1
	[ ! -f "$how/min-order" ] || echo 0 >"$how/min-order"
	[ ! -f "$how/ignore-gfp-highmem" ] || echo N >"$how/ignore-gfp-highmem"
	"$@"
	status=$?
	echo 0 >"$how/probability"
	left=$(cat "$how/times")
	[ "$left" != "$times" ] ||
		fail "nothing failed below $function" || return 1
	return $status
}

milliseconds()
{
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}0"
}

# vmstat NAME: a figure of /proc/vmstat.
vmstat()
{
	sed -n "s/^$1 //p" /proc/vmstat
}

memory_mib()
{
	awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo
}

# shellcheck disable=SC2034 # the tests use them
# holding MIB [DATA]: one more process that has it in swap, as $held.
holding()
{
	: >"$tmp/held"
	zsbench hold -m "$1" -d "${2:-mixed}" >"$tmp/held" 2>&1 &
	held=$!
	eventually 60 grep -q ready "$tmp/held" || fail "$(cat "$tmp/held")"
}

killed()
{
	kill -9 "$@"
	wait "$@" 2>/dev/null
	return 0
}

# shellcheck disable=SC2034
# take_last_cpu SECONDS: nobody else has it as long as $hog lives.
take_last_cpu()
{
	: >"$tmp/hog"
	zsbench hog -t "$1" >"$tmp/hog" &
	hog=$!
	eventually 30 grep -q ready "$tmp/hog" || fail "nobody takes the last CPU"
}

kernel_is_quiet()
{
	! dmesg | awk -f "$(dirname "$0")/complaints.awk" | sed 's/^/# /' | grep .
}

# run_tests FUNCTION...: each is a test, named after what it promises.
run_tests()
{
	ktap_print_header
	ktap_set_plan $#
	for test in "$@"; do
		$test
		case $? in
		0) ktap_test_pass "$test" ;;
		"$KSFT_SKIP") ktap_test_skip "$test" ;;
		*) ktap_test_fail "$test" ;;
		esac
	done
	ktap_finished
}
