#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests that fit a quarter of an hour once everything is built, or those
# that TESTS= names; TESTS=all is all of them. Ends with what each group and each
# kernel took, and a line of counts.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

most="input apply litmus object zram swap pressure upstream checked faults run try"
slow="kunit mutants checked-more kcsan rt zswap arm64 i386 distro distro-more builds
	designs eval native series dkms 6.12"
: "${TESTS:=$most}"
[ "$TESTS" != all ] || TESTS="$most $slow"
passed=0 failed=0 skipped=0 failures=() again=''

result()
{
	local how=$1 what=$2

	case $how in
	ok) passed=$((passed + 1)) ;;
	skip) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)) how='not ok' failures+=("$what") ;;
	esac
	printf '%s %s\n' "$how" "$what"
}

# check WHAT COMMAND...: passes if the command does.
check()
{
	local what=$1

	shift
	if "$@" >"$tmp/log" 2>&1; then
		result ok "$what"
	else
		result failed "$what"
		sed 's/^/    /' "$tmp/log" | tail -n 25
	fi
}

# refuses WORDS COMMAND...: it must fail, and say so in these words.
refuses()
{
	local words=$1 status=0

	shift
	"$@" >"$tmp/refused" 2>&1 || status=$?
	cat "$tmp/refused"
	[ $status -ne 0 ] && grep -q "^error: .*$words" "$tmp/refused"
}

source_tree()
{
	"$here/scripts/kernel-source.sh"
}

# A tree that costs no space: hard links, which apply does not write through.
clone_tree()
{
	[ -d "$tmp/linux" ] || cp -al "$(source_tree)" "$tmp/linux"
}

same_as_unpatched()
{
	diff -rq "$(source_tree)" "$tmp/linux"
}

apply() { "$here/scripts/apply.sh" "$@"; }

### What people give us

test_input()
{
	mkdir -p "$tmp/not-a-kernel" "$tmp/readonly"
	check "an unknown BASE is refused" refuses 'BASE=5.99 is unknown' \
		env BASE=5.99 "$here/scripts/kernel-source.sh"
	check "a KSRC that is no kernel is refused" refuses 'not a kernel' \
		env KSRC="$tmp/not-a-kernel" "$here/scripts/kernel-source.sh"
	check "a KSRC that does not exist is refused" refuses 'does not exist' \
		env KSRC=/nonexistent "$here/scripts/kernel-source.sh"
	echo nonsense >"$tmp/tarball"
	check "a KSRC that is no tarball is refused" refuses 'neither a tree' \
		env KSRC="$tmp/tarball" "$here/scripts/kernel-source.sh"
	check "a cache that can't be written is refused" \
		refuses "can't be written" \
		env ZSDEFER_CACHE=/proc/cache "$here/scripts/kernel-source.sh"
	check "SIZES without a process count is refused" refuses 'MIBxPROC' \
		env SIZES=64 "$here/scripts/run.sh"
	check "SIZES of no processes is refused" refuses 'MIBxPROC' \
		env SIZES=64x0 "$here/scripts/run.sh"
	for v in RUNS MEM CPUS; do
		check "$v that is no number is refused" refuses 'are numbers' \
			env $v=2x "$here/scripts/run.sh"
		check "$v of nothing is refused" refuses 'are numbers' \
			env $v=0 "$here/scripts/run.sh"
	done
	check "a RUNS of try that is no number is refused" refuses 'are numbers' \
		env RUNS=0 "$here/scripts/try.sh"
	check "try of a kernel that modules can't be built for is refused" \
		refuses 'no way to build modules' \
		env BASE=7.3 "$here/scripts/stock.sh" on
	check "try of a KSRC is refused" refuses 'unset KSRC' \
		env KSRC=/nonexistent "$here/scripts/stock.sh" on
	check "a SIZE of bench that is no number is refused" \
		refuses 'are numbers' env SIZE=64M "$here/scripts/bench.sh"
	check "a NATIVE that is neither 1 nor profile is refused" \
		refuses 'NATIVE is' env NATIVE=0 "$here/scripts/bench.sh"
	check "a BOOTS that is no number is refused" \
		refuses 'are numbers' env NATIVE=1 BOOTS=0 "$here/scripts/bench.sh"
	check "a BASELINE that is no revision is refused" \
		refuses 'is no revision' env BASELINE=x "$here/scripts/bench.sh"
	check "a part that eval does not have is refused" \
		refuses 'PARTS has x' env PARTS=x "$here/scripts/eval.sh"
	check "a design that eval does not have is refused" \
		refuses 'DESIGNS has x' env DESIGNS=x "$here/scripts/eval.sh"
	check "a ROUNDS of eval that is no number is refused" \
		refuses 'are numbers' env ROUNDS=0 "$here/scripts/eval.sh"
	check "a SIZE of eval that others can't hold is refused" \
		refuses '128 at most' env SIZE=129 "$here/scripts/eval.sh"
	check "a kit is not made over something else" refuses 'no kit' \
		env KIT="$here/scripts" "$here/scripts/eval-target.sh"
	check "a report of no results is refused" refuses 'no results' \
		env PARTS=report RESULTS="$tmp/none" "$here/scripts/eval.sh"
	check "a ROUNDS of scenes that is no number is refused" \
		refuses 'is a number' env ROUNDS=2x "$here/scripts/scenes.sh"
	check "a mutant that does not exist is refused" \
		refuses 'there is no mutant' "$here/scripts/mutants.sh" x
	check "a SIZE of sweep that is no number is refused" \
		refuses 'are numbers' env SIZE=0 "$here/scripts/sweep.sh"
	check "apply without KDIR is refused" bash -c \
		"! make -C '$here' apply"
}

### apply and unapply

test_apply()
{
	clone_tree
	check "CHECK=1 changes nothing" bash -c "CHECK=1 '$here/scripts/apply.sh' apply '$tmp/linux'"
	check "the tree is unpatched still" same_as_unpatched
	check "apply" apply apply "$tmp/linux"
	check "a second application is refused" refuses 'applied already' \
		apply apply "$tmp/linux"
	check "an applied tree is refused as KSRC" refuses 'applied already' \
		env KSRC="$tmp/linux" "$here/scripts/kernel-source.sh"
	check "unapply" apply unapply "$tmp/linux"
	check "unapply left no difference" same_as_unpatched
	check "a second unapply is refused" refuses 'does not have' \
		apply unapply "$tmp/linux"
	check "apply again" apply apply "$tmp/linux"
	check "what was applied is what was staged" applied_is_staged
	check "unapply refuses to lose a change of ours" lose_a_change
	check "unapply again" apply unapply "$tmp/linux"
	check "nothing is left of it" same_as_unpatched

	check "apply without the optional patches" \
		env WITHOUT=all "$here/scripts/apply.sh" apply "$tmp/linux"
	check "the optional patches are left out" bash -c \
		"! grep -q slot_waiters '$tmp/linux/drivers/block/zram/zram_drv.h'"
	check "unapply what was applied without them" apply unapply "$tmp/linux"
	check "nothing is left of that" same_as_unpatched
	check "apply without one of them" \
		env WITHOUT=0004 "$here/scripts/apply.sh" apply "$tmp/linux"
	if compgen -G "$here/patches/$BASE/optional/0005-*" >/dev/null; then
		check "the others are there" grep -q slot_waiters \
			"$tmp/linux/drivers/block/zram/zram_drv.h"
	else
		result skip "the others are there: $BASE has no optional 0005"
	fi
	check "what builds on it is left out, too" bash -c \
		"! grep -q zram_slot_dies '$tmp/linux/drivers/block/zram/zram_drv.c'"
	check "unapply that" apply unapply "$tmp/linux"
	check "nothing is left of that, either" same_as_unpatched
	check "an unknown optional patch is refused" refuses 'WITHOUT has 0001' \
		env WITHOUT=0001 "$here/scripts/apply.sh" apply "$tmp/linux"

	check "a dirty hook site is named, and nothing changed" dirty_site
	check "an unknown version is refused" unknown_version
	check "a folder that is no kernel is refused" refuses 'not a kernel' \
		apply apply "$tmp"
	check "lines added before the hooks do not matter" shifted_site
	rm -rf "$tmp/linux"
}

applied_is_staged()
{
	apply stage "$(source_tree)" "$tmp/staged" &&
	(cd "$tmp/staged" && find . -type f) | while read -r f; do
		cmp "$tmp/staged/$f" "$tmp/linux/$f" || exit 1
	done
}

lose_a_change()
{
	echo >>"$tmp/linux/mm/zsdefer/core.c"
	refuses 'mm/zsdefer/core.c' apply unapply "$tmp/linux" &&
	cp "$here/mm/zsdefer/core.c" "$tmp/linux/mm/zsdefer/core.c"
}

# edit FILE SED: in the clone, without touching the source it is linked to.
edit()
{
	sed "$2" "$tmp/linux/$1" >"$tmp/edited"
	rm "$tmp/linux/$1"
	cp "$tmp/edited" "$tmp/linux/$1"
}

restore()
{
	cp --remove-destination -p "$(source_tree)/$1" "$tmp/linux/$1"
}

dirty_site()
{
	local f=drivers/block/zram/zram_drv.c

	edit $f 's/zs_free(zram->mem_pool, handle);/zs_free(pool_of(zram), handle);/'
	cp "$tmp/linux/$f" "$tmp/dirty"
	refuses 'hook site' apply apply "$tmp/linux" &&
	grep -q "$f: Hunk #[0-9]* FAILED" "$tmp/refused" &&
	cmp "$tmp/dirty" "$tmp/linux/$f" && restore $f && same_as_unpatched
}

unknown_version()
{
	edit Makefile 's/^PATCHLEVEL = .*/PATCHLEVEL = 99/'
	refuses 'is not supported' apply apply "$tmp/linux" && restore Makefile &&
	same_as_unpatched
}

shifted_site()
{
	edit mm/zsmalloc.c '1a /* a newer version has a line more here */'
	apply apply "$tmp/linux" && apply unapply "$tmp/linux" &&
	restore mm/zsmalloc.c && same_as_unpatched
}

### With the option off, the free path is the unpatched kernel's

test_object()
{
	local unpatched off on
	local free="slot_free zram_slot_free_notify zram_bio_discard zram_write_page"

	unpatched=$(built unpatched) off=$(built off) on=$(built on)
	if [ -f "$off/mm/zswap.o" ]; then
		check "option off: mm/zswap.o has the unpatched code" \
			same_code "$off" "$unpatched" mm/zswap.o
	else
		result skip "option off: mm/zswap.o: zswap is no caller on $BASE"
	fi
	! nm "$off/drivers/block/zram/zram_drv.o" | grep -q ' zram_free_page$' ||
		free="zram_free_page zram_slot_free_notify zram_submit_bio"
	check "option off: mm/zsmalloc.o has the unpatched code" \
		same_code "$off" "$unpatched" mm/zsmalloc.o
	# shellcheck disable=SC2086 # a function a word
	check "option off: the free path of zram_drv.o is the unpatched one" \
		same_code "$off" "$unpatched" drivers/block/zram/zram_drv.o $free
	check "option off: no C file of ours is compiled" no_file_of_ours "$off"
	check "option on: there is one (the look can fail)" \
		grep -q 'mm/zsdefer/zspage\.c' "$on/mm/.zsmalloc.o.cmd"
	check "option off: the kernel has the unpatched one's size" \
		diff "$off/size" "$unpatched/size"
	check "option on: the free path differs (the comparison can fail)" \
		differs "$on" "$unpatched" \
		drivers/block/zram/zram_drv.o "${free%% *}"
}

no_file_of_ours()
{
	grep -q 'mm/zsmalloc\.c' "$1/mm/.zsmalloc.o.cmd" &&
	! grep -o 'mm/zsdefer/[a-z]*\.c' "$1/mm/.zsmalloc.o.cmd"
}

# Code with its relocations. Line numbers and file names do not count, nor do the
# places of strings, which follow from how long the names of files are, and numbers
# that the compiler gives out.
disassemble()
{
	local file=$1 f

	shift
	[ $# -gt 0 ] || set -- ''
	for f in "$@"; do
		objdump -dr --no-show-raw-insn --no-addresses \
			${f:+--disassemble="$f"} "$file" |
			grep -v 'file format' |
			sed 's/__bug_table.*//; s/\(\.rodata\.str[0-9.]*\)+0x.*/\1/
				s/\(__UNIQUE_ID_[a-z_]*\)[0-9]*/\1/'
	done
}

same_code()
{
	local a=$1/$3 b=$2/$3

	shift 3
	disassemble "$a" "$@" >"$tmp/a"
	disassemble "$b" "$@" >"$tmp/b"
	[ "$(grep -c '^\s' "$tmp/a")" -gt 50 ] && diff "$tmp/a" "$tmp/b"
}

# Not for want of code to compare.
differs()
{
	! same_code "$@" && [ "$(grep -c '^\s' "$tmp/a")" -gt 20 ] &&
	[ "$(grep -c '^\s' "$tmp/b")" -gt 20 ]
}

### In the guest

# guest BUILD NAME JOB ARG...: count the KTAP lines that the job left.
guest()
{
	local build=$1 name=$2 out=$tmp/out-$2

	shift 2
	"$here/scripts/vm.sh" -t 900 -n "$name" "$build" "$image" "$out" "$@" ||
		true
	count "$name" "$out"
}

# with_image_of BUILD COMMAND...: guests that need what is made for that kernel.
with_image_of()
{
	image=$("$here/scripts/image.sh" "$1")
	"${@:2}"
	rm -f "$image"
	image=$plain_image
}

# at_once BUILD NAME JOB...: guests called NAME-JOB that run selftests at the same
# time, each those of its JOB; what is slow there mostly waits, or has one CPU.
# One of them has the KUnit suites, too.
at_once()
{
	local build=$1 name=$2 job jobs=() suites=1

	shift 2
	for job in "$@"; do
		# shellcheck disable=SC2086 # a script a word
		start "$here/scripts/vm.sh" -t 900 -k kunit.enable=$suites \
			-n "$name-${job%%.*}" "$build" "$image" \
			"$tmp/out-$name-${job%%.*}" selftest \
			SECONDS_EACH=3 SOAK_SECONDS=20 $job
		jobs+=("$child")
		suites=0
	done
	for child in "${jobs[@]}"; do
		finish "$child" || true
	done
	for job in "$@"; do
		count "$name-${job%%.*}" "$tmp/out-$name-${job%%.*}"
	done
}

# count_ktap NAME FILE
count_ktap()
{
	local name=$1 tap=$2 line note=''

	# shellcheck disable=SC2094 # only its name is used inside
	while IFS= read -r line; do
		case $line in
		'#'*) note=$line ;;
		'not ok '*) result failed "$name: ${line#not ok * }   $note" ;;
		ok*SKIP*) result skip "$name: ${line#ok * }   $note" ;;
		'ok '*) result ok "$name: ${line#ok * }" ;;
		'1..0 # SKIP '*) result skip "$name: $(basename "$tap") ${line#*SKIP }" ;;
		esac
	done <"$tap"
	check "$name: $(basename "$tap" .tap) ran to its end" \
		ran_to_its_end "$tap"
}

# count NAME OUT: the KTAP lines in OUT, and what its kernel had to say.
count()
{
	local name=$1 out=$2 before=$failed

	for tap in "$out"/*.tap; do
		[ ! -f "$tap" ] || count_ktap "$name" "$tap"
	done
	[ -d "$out" ] && ls "$out"/*.tap >/dev/null 2>&1 ||
		result failed "$name: the kernel left no results"
	check "$name: no warning from the kernel" quiet "$out"
	[ "$failed" = "$before" ] || cp -r "$out" "$keep/"
}

ran_to_its_end()
{
	local plan

	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$1")
	[ -n "$plan" ] && [ "$(grep -cE '^(not )?ok ' "$1")" = "$plan" ]
}

quiet()
{
	! awk -f "$here/tools/testing/selftests/zsdefer/complaints.awk" \
		"$1/console.log" "$1/dmesg" | sed -n 1,25p | grep . &&
	[ -s "$1/dmesg" ]
}

### KUnit, on User-mode Linux: a line for each case. "checked" has them, too.

test_kunit()
{
	# It says itself what failed, and so do the lines that are counted.
	"$here/scripts/kunit.sh" "$tmp/out-kunit" || true
	count kunit "$tmp/out-kunit"
}

# Each kernel's guests, with what runs in them. What is called on-* is the
# kernel that users build; the others watch for mistakes.

test_zram()
{
	guest "$(built on)" on-zram selftest zram.sh
}

test_swap()
{
	guest "$(built on)" on-swap selftest SECONDS_EACH=5 swap.sh zswap.sh
}

test_pressure()
{
	guest "$(built on)" on-pressure selftest pressure.sh life.sh
}

# The kernel's own selftests of zram, on the unpatched kernel and on ours.
test_upstream()
{
	local script flavour

	for flavour in unpatched on; do
		guest "$(built $flavour)" $flavour-upstream upstream
	done
	for script in zram01 zram02; do
		check "$script says the same on both kernels" \
			diff "$tmp/out-unpatched-upstream/$script.txt" \
			"$tmp/out-on-upstream/$script.txt"
	done
}

# The kernel's own selftests of zswap: none may fail that does not fail on the
# unpatched kernel. Then ours, where there are cgroups, and what a cgroup's pages cost.
test_zswap()
{
	local build flavour name unpatched ours

	for flavour in zswap-unpatched zswap; do
		build=$(built $flavour)
		with_image_of "$build" guest "$build" $flavour zswap
		[ $flavour != zswap ] || guest "$build" zswap-ours \
			selftest zswap.sh
		"$here/scripts/vm.sh" -i -m 512 -n "$flavour, a cgroup" -e zram=zswap \
			-e cgroup=1 "$build" "$image" "$tmp/price-$flavour" price on 16 ||
			result failed "zswap: what a cgroup's pages cost"
		sed -nE 's/^(not )?ok [0-9]+ (\S+).*/\2 \1ok/p' \
			"$tmp/out-$flavour/zswap.txt" | sort >"$tmp/$flavour"
	done
	while read -r name unpatched ours; do
		case "$unpatched/$ours" in
		*/ok) result ok "zswap: $name" ;;
		not/not*) result skip "zswap: $name   # fails on the unpatched kernel, too" ;;
		*) result failed "zswap: $name" ;;
		esac
	done < <(sed 's/ not ok$/ not/' "$tmp/zswap-unpatched" |
		join -a 1 -a 2 - <(sed 's/ not ok$/ not/' "$tmp/zswap"))
	check "zswap: a cgroup's pages cost less" \
		cost_less "$tmp/price-zswap-unpatched" "$tmp/price-zswap"
}

# cost_less UNPATCHED OURS: say what a page costs, in instructions.
cost_less()
{
	/usr/bin/python3 - "$here/scripts" "$@" <<-'EOF' >&2
		import sys
		from pathlib import Path
		sys.path.insert(0, sys.argv[1])
		from samples import add_costs, read_lines
		unpatched, ours = {}, {}
		add_costs(unpatched, read_lines(Path(sys.argv[2], "price.jsonl")))
		add_costs(ours, read_lines(Path(sys.argv[3], "price.jsonl")))
		for what, (a, *_) in unpatched.items():
		    b = ours[what][0]
		    print(f"  {what}: {a:.0f}, ours {b:.0f} ({b / a:.3f})")
		assert ours["release"][0] < unpatched["release"][0] / 2
		assert ours["release and drain"][0] < unpatched["release"][0] * 0.7
	EOF
}

built()
{
	"$here/scripts/kernel-build.sh" "$1"
}

# As modules, in the kernel that watches most and fails allocations. The rounds
# are short, as it is slow, and there is more in test-all.
test_checked()
{
	checked pressure.sh life.sh
	check "zsdefer, zsmalloc and zram are modules" modules_exist \
		"$(built checked)"
}

test_checked-more()
{
	checked "zram.sh soak.sh" swap.sh
}

checked()
{
	local build

	build=$(built checked)
	with_image_of "$build" checked_guests "$build" "$@"
}

checked_guests()
{
	local build=$1

	shift
	at_once "$build" checked "$@"
	"$here/scripts/vm.sh" -k kunit.enable=0 -n checked-unload "$build" \
		"$image" "$tmp/out-checked-unload" unload || true
	count checked-unload "$tmp/out-checked-unload"
}

modules_exist()
{
	local name

	for name in zsdefer zsmalloc zram; do
		find "$1/lib/modules" -name "$name.ko" | grep . || return
	done
}

# Only what happens at the same time: this kernel is the slowest.
test_kcsan()
{
	guest "$(built kcsan)" kcsan selftest SECONDS_EACH=2 SOAK_SECONDS=12 \
		swap.sh life.sh soak.sh
}

test_rt()
{
	guest "$(built rt)" rt selftest SECONDS_EACH=3 SOAK_SECONDS=20 \
		zram.sh swap.sh life.sh soak.sh
}

# Another architecture, with larger pages.
test_arm64()
{
	local build

	build=$(built arm64)
	with_image_of "$build" arm64_guests "$build"
	check "a kit for phones and boards is made" a_kit_is_made
}

arm64_guests()
{
	guest "$1" arm64 selftest SECONDS_EACH=3 zram.sh swap.sh pressure.sh \
		life.sh
	check "arm64: the evaluation's programs run" \
		on_target arm64 "$1" "$tmp/out-arm64-target"
}

# For arm64 at least, and without a library of this machine's.
a_kit_is_made()
{
	KIT="$tmp/kit" "$here/scripts/eval-target.sh" &&
	tar -tzf "$tmp/kit.tar.gz" | grep -q 'kit/run.sh' || return 1
	for program in zsbench busybox; do
		readelf -h "$tmp/kit/bin-arm64/$program" | grep -q AArch64 &&
		! readelf -l "$tmp/kit/bin-arm64/$program" | grep -q INTERP ||
			return 1
	done
}

# A PC of 32 bits, with most of its memory where the kernel does not map it.
test_i386()
{
	local build

	build=$(built i386)
	with_image_of "$build" guest "$build" i386 selftest SECONDS_EACH=3 \
		zram.sh swap.sh pressure.sh life.sh
}

# What distributions do, in a kernel like theirs, beside the unpatched one.
test_distro()
{
	AT_ONCE=1 scenes distro 2
}

test_distro-more()
{
	local flavour

	scenes distro-kasan 4
	scenes distro-lockdep 10
	for flavour in distro-kasan distro-lockdep; do
		with_image_of "$(built $flavour)" guest "$(built $flavour)" \
			$flavour-zswap selftest zswap.sh
	done
}

scenes()
{
	local out=$tmp/scenes-$1 which

	KERNEL=$1 ROUNDS=$2 "$here/scripts/scenes.sh" "$out" || true
	if [ -s "$out/scenes.tap" ]; then
		count_ktap "$1" "$out/scenes.tap"
	else
		result failed "$1: the guests left no results"
	fi
	for which in "$out"/unpatched* "$out"/ours*; do
		check "$1: no warning from the kernel ($(basename "$which"))" \
			quiet "$which"
	done
}

# Each patch of the series compiles without a warning, with the option and without, its
# kernel boots and swaps, and passes the KUnit suites that there are by then. And git am
# takes all of them, to what make apply leaves.
test_series()
{
	local n code subject build

	check "git am takes the series" "$here/scripts/series.sh" "$tmp/series"
	while read -r n _ code subject; do
		[ "$code" = code ] || continue
		export SERIES=$((10#$n))
		check "patch $n: it compiles, $subject" \
			"$here/scripts/builds.sh" on off sparse
		build=$(built on)
		guest "$build" "patch-$n" verify
		[ "$SERIES" -lt 3 ] || check "patch $n: KUnit" "$here/scripts/kunit.sh"
		unset SERIES
	done < <("$here/scripts/series.sh" list)
}

# One-line mistakes in ours, each noticed by the test that it names.
test_mutants()
{
	"$here/scripts/mutants.sh" >"$tmp/mutants.tap" || true
	count_ktap mutants "$tmp/mutants.tap"
}

### Scripts that print such lines themselves

# lines SCRIPT: count what it prints.
lines()
{
	local how what status=0 before=$failed

	"$here/scripts/$1.sh" >"$tmp/lines" || status=$?
	while read -r how what; do
		case $how in
		ok) result ok "$1: $what" ;;
		skip) result skip "$1: $what" ;;
		*) result failed "$1: ${what#ok }" ;;
		esac
	done <"$tmp/lines"
	[ -s "$tmp/lines" ] || status=1
	[ $status -eq 0 ] || [ "$failed" != "$before" ] ||
		result failed "$1: it did not run to its end"
}

# What is touched compiles in every configuration, without a warning.
test_builds()
{
	lines builds
}

# The other base, as far as it differs.
test_6.12()
{
	local how what

	TESTS="apply object zram swap pressure checked kunit" \
		BASE=6.12 KEEP=$keep/6.12 "$0" >"$tmp/base" || true
	while read -r how what; do
		case $how in
		ok | skip) result "$how" "6.12: $what" ;;
		not) result failed "6.12: ${what#ok }" ;;
		esac
	done <"$tmp/base"
	check "6.12: the tests ran to their end" \
		grep -q '^[1-9][0-9]* passed' "$tmp/base"
}

# The order of accesses without a lock, by the kernel's memory model.
test_litmus()
{
	lines litmus
}

### The main job, small

# small run|try NAME=VALUE...: with little to do; what comes of it is in $out.
small()
{
	local job=$1 how=failed

	out=$tmp/small-$job
	shift
	! env "$@" RESULTS="$out" "$here/scripts/$job.sh" >"$tmp/run.log" ||
		how=ok
	result $how "make $job, small"
	check "make $job: its last line is the page" \
		[ "$(tail -n 1 "$tmp/run.log")" = "$out/index.html" ]
}

test_run()
{
	local out

	small run RUNS=2 SIZES="32x1 32x2"
	check "its figures are those of the samples" run_is_traceable "$out"
	check "its page is whole" page_is_whole "$out"
	check "its guests' kernels had no warning" run_is_quiet "$out"
	check "intervals are those of the statistics library's" \
		/usr/bin/python3 "$here/scripts/run_report_test.py"
}

# On a stock kernel, with modules.
test_try()
{
	local out guest

	small try BASE=6.12 RUNS=1 SIZES="32x1 32x1"
	check "try: ours took less, in instructions" try_is_less "$out"
	for guest in "$out"/{unpatched,on}/1/kills; do
		check "try: no warning from the kernel (${guest#"$out/"})" quiet "$guest"
	done
}

try_is_less()
{
	python3 - "$1" <<-'EOF'
		import json, sys
		d = json.load(open(sys.argv[1] + "/results.json"))
		for figure in "release", "release and drain":
		    a, b = (d["prices"][v][figure][0] for v in ("unpatched", "on"))
		    assert b < 0.9 * a, (figure, a, b)
		assert all(r["stats"]["drained"] > 0 for r in d["rounds"]["on"])
	EOF
}

# The package of modules, in a Debian of its own.
test_dkms()
{
	lines dkms-test
}

run_is_traceable()
{
	python3 - "$1" <<-'EOF'
		import json, statistics, sys
		from pathlib import Path
		out = Path(sys.argv[1])
		d = json.loads((out / "results.json").read_text())
		rows = {(r["group"], r["what"]): r for r in d["rows"]}
		report = (out / "report.md").read_text()
		for kernel in "unpatched", "on":
		    rounds = d["rounds"][kernel]
		    assert len(rounds) == 2 and all(len(r["releases"]) == 2 for r in rounds)
		    for i in 0, 1:
		        path = out / kernel / str(i + 1) / "kills" / "release.jsonl"
		        raw = [json.loads(x) for x in path.read_text().splitlines()]
		        assert raw == sum(rounds[i]["releases"].values(), [])
		        row = rows["kill, 32 MiB, 1 proc.", "gone after, ms"]
		        assert row[kernel][i] == raw[0]["release_ns"] / 1e6
		    assert all(s["pswpout"] > 1000 for r in rounds for s in r["stress"]), rounds
		    assert all(r["profile"]["samples"] > 0 for r in rounds)
		    assert kernel == "on" or all(r["profile"]["exit_samples"] > 0 for r in rounds)
		for (group, what), row in rows.items():
		    median = statistics.median(row["on"])
		    assert any(f"| {median:.{d}f} (" in report for d in range(3)), row
		    if row["low"] is None or row["low"] <= 1 <= row["high"]:
		        assert not row["verdict"][0].isdigit() or row["low"] is None, row
		assert all(r["stats"]["drained"] > 0 for r in d["rounds"]["on"])
		# What a kernel without the option costs is what the unpatched one costs.
		for figure in d["prices"]["off"]:
		    a, b = (statistics.median(d["prices"][v][figure]) for v in ("unpatched", "off"))
		    assert abs(a - b) <= a * 0.005, (figure, a, b)
		assert len(d["configs"]) == 3 and d["commands"] and d["machine"]["accelerator"]
	EOF
}

# Self-contained, with a strip for each row, and of valid markup.
page_is_whole()
{
	python3 - "$1" <<-'EOF'
		import html.parser, json, sys
		from pathlib import Path
		out = Path(sys.argv[1])
		text = (out / "index.html").read_text()
		rows = json.loads((out / "results.json").read_text())["rows"]
		stack, strips = [], 0
		class Parser(html.parser.HTMLParser):
		    def handle_starttag(self, tag, attrs):
		        global strips
		        if tag not in ("meta", "img"):
		            stack.append(tag)
		        for name, value in attrs:
		            assert name not in ("src", "href") or value.startswith("data:"), value
		        strips += tag == "img"
		    def handle_endtag(self, tag):
		        assert stack.pop() == tag, tag
		Parser().feed(text)
		assert not stack and strips == len(rows) > 10 and len(text) < 1000000
		for row in rows:
		    assert row["what"] in text and row["verdict"] in text, row
	EOF
}

run_is_quiet()
{
	local guest guests=0

	for guest in "$1"/*/*/kills "$1"/*/*/stress; do
		# The OOM killer may have had something to do in stress-ng's.
		! awk -f "$here/tools/testing/selftests/zsdefer/complaints.awk" \
			"$guest/dmesg" | grep . || return 1
		guests=$((guests + 1))
	done
	[ $guests = 8 ]
}

### What goes wrong outside: each ends with a line that tells what to do, and
### the next run goes on

test_faults()
{
	local cache=$tmp/empty

	if unshare -rn true 2>/dev/null || unshare -n true 2>/dev/null; then
		check "no network and an empty cache" without_network "$cache"
	else
		result skip "no network and an empty cache   # no namespaces here"
	fi
	if [ "$(id -u)" -eq 0 ] && mkdir -p "$tmp/full" &&
		mount -t tmpfs -o size=64M full "$tmp/full" 2>/dev/null
	then
		check "a full disk" refuses 'MiB left' \
			env ZSDEFER_CACHE="$tmp/full" KSRC='' \
			"$here/scripts/kernel-source.sh"
		umount "$tmp/full"
	else
		result skip "a full disk   # only root can make one"
	fi
	# shellcheck disable=SC2016 # the inner shell expands it
	check "a disk that fills up in the middle" refuses 'no space is left' \
		bash -c '. "$1/scripts/lib.sh" && with_progress step "$2" \
			sh -c "echo write: No space left on device; exit 1"' \
		- "$here" "$tmp/fills.log"
	check "a guest that hangs" refuses 'did not finish' \
		"$here/scripts/vm.sh" -t 1 "$(built on)" "$image" "$tmp/hangs" \
		nothing
	check "an interrupted build leaves no kernel, and goes on" \
		interrupted_build
	check "an interrupted run leaves no result, and no guest" interrupted_run
	check "a second run waits for the first" second_run_waits
}

without_network()
{
	local unshare=(unshare -n)

	[ "$(id -u)" -eq 0 ] || unshare=(unshare -rn)
	refuses 'network' "${unshare[@]}" env ZSDEFER_CACHE="$1" \
		"$here/scripts/kernel-source.sh" &&
	! find "$1/src" -mindepth 1 | grep .
}

# stop_at WORDS COMMAND...: start it, and stop it when it says so. It must have a
# last word, and end as what is interrupted does.
stop_at()
{
	local words=$1 n=0 status=0

	shift
	: >"$tmp/stopped.log"
	start env ZSDEFER_STARTED='' "$@" >"$tmp/stopped.log" 2>&1
	while ! grep -q "$words" "$tmp/stopped.log"; do
		n=$((n + 1))
		[ $n -lt 600 ] && kill -0 "$child" || break
		sleep 0.2
	done
	sleep 1
	# Who was started in the background may be deaf to SIGINT.
	kill -TERM "$child"
	finish "$child" || status=$?
	cat "$tmp/stopped.log"
	[ $status = 130 ] && grep -q "$words" "$tmp/stopped.log" &&
	grep -q 'interrupted; the same command' "$tmp/stopped.log"
}

# What is being built is no kernel, whatever there was before.
interrupted_build()
{
	local kept key

	kept=$(built on)
	key=$(cat "$kept/key")
	echo another >"$kept/key"
	: >"$kept/.config"
	stop_at 'building the kernel' "$here/scripts/kernel-build.sh" on &&
	! pgrep -f "O=$ZSDEFER_CACHE/build/" && grep -qx another "$kept/key" &&
	[ "$(built on)" = "$kept" ] && [ "$(cat "$kept/key")" = "$key" ] &&
	grep -q CONFIG_ZRAM=y "$kept/.config"
}

interrupted_run()
{
	stop_at kills env RUNS=1 SIZES=32x1 RESULTS="$tmp/stopped" \
		"$here/scripts/run.sh" && [ ! -e "$tmp/stopped" ] &&
	no_guest_is_left
}

# Who was told to end may take a moment to.
no_guest_is_left()
{
	local left

	for _ in $(seq 50); do
		left=$(pgrep -f "$tmp/stopped.part") || return 0
		sleep 0.1
	done
	echo "processes are left: $left"
	return 1
}

second_run_waits()
{
	stop_at 'waiting for another run' env ZSDEFER_LOCKED='' \
		"$here/scripts/kernel-build.sh" on
}

### The evaluation, small

# small_eval OUT "PART..." DESIGN...: what is profiled is not as small as the
# rest, as perf may miss an exit of 2 ms.
small_eval()
{
	local out=$1 parts=$2

	shift 2
	if ROUNDS=1 RUNS=1 SIZE=8 BIG=128 SIZES="32x1 32x2" \
		PARTS="$parts" DESIGNS="$*" RESULTS="$out" \
		"$here/scripts/eval.sh" \
		>"$tmp/eval.log"; then
		result ok "make eval, small: $*"
	else
		result failed "make eval, small: $*"
	fi
	check "its report is whole" eval_is_whole "$out"
	check "each of its figures can be traced" traceable "$out" "$@"
	check "its guests' kernels had no warning" all_quiet "$out"
}

# on_target NAME BUILD OUT: what "make eval-target" runs elsewhere, in a guest.
on_target()
{
	"$here/scripts/vm.sh" -m 1024 -n "$1-target" -e runs=1 -e sizes=32x2 \
		"$2" "$image" "$3" target || return 1
	for name in perclass disabled; do
		grep -q '"mib":32,"procs":2' "$3/$name/release/release.jsonl" &&
		grep -q '"scene":"latency"' "$3/$name/latency/latency.jsonl" ||
			return 1
	done
	grep -qx 'queued 0' "$3/disabled/release/stats" &&
	! grep -qx 'queued 0' "$3/perclass/release/stats" && quiet "$3"
}

# All eight questions; every link and picture leads somewhere; valid markup.
eval_is_whole()
{
	[ "$(grep -c '^### [1-8]\. ' "$1/report.md")" = 8 ] &&
	python3 - "$1" <<-'EOF'
		import html.parser, re, sys
		from pathlib import Path
		root = Path(sys.argv[1])
		links = re.findall(r"\]\(([^)]+)\)", (root / "report.md").read_text())
		assert len(links) >= 20, links
		for link in links:
		    assert (root / link).stat().st_size, link
		for svg in (root / "plots").glob("*.svg"):
		    assert "</svg>" in svg.read_text(), svg
		text = (root / "index.html").read_text()
		stack = []
		class Parser(html.parser.HTMLParser):
		    def handle_starttag(self, tag, attrs):
		        if tag not in ("meta", "img", "html"):
		            stack.append(tag)
		        for name, value in attrs:
		            assert name != "src" or value.startswith("data:"), value
		    def handle_endtag(self, tag):
		        assert tag == "html" or stack.pop() == tag, tag
		Parser().feed(text)
		assert not stack and len(text) > 50000
	EOF
}

# The report's medians are those of the samples in the guests' folders.
traceable()
{
	python3 - "$@" <<-'EOF'
		import json, statistics, sys
		from pathlib import Path
		root, designs = Path(sys.argv[1]), sys.argv[2:]
		figures = json.loads((root / "figures.json").read_text())
		for design in designs:
		    cost = root / "cost" / design / "long" / "cost.jsonl"
		    runs = [json.loads(x) for x in cost.read_text().splitlines()]
		    assert len(runs) == 8 and all(r["munmap_ns"] > 0 for r in runs)
		    off = design == "optional" or design.endswith("disabled")
		    if design != "unpatched" and not off:
		        assert all(r["flush_ns"] > 0 for r in runs)
		    if off:
		        continue
		    path = root / "release" / design / "1" / "release.jsonl"
		    runs = [json.loads(x) for x in path.read_text().splitlines()]
		    one = [r["release_ns"] / 1e6 for r in runs if r["procs"] == 1]
		    assert one == figures[f"release, 32 MiB of 1: released | {design}"]
		    rows = [x.split("|") for x in (root / "report.md").read_text()
		            .split("**Released after, ms**")[1].splitlines()]
		    row = next(r for r in rows if len(r) > 2 and r[1].strip() == design)
		    assert float(row[2].split()[0]) == round(statistics.median(one), 1), row
		    # Somebody was killed, or scene and profile show nothing.
		    for what in "killer scene: kills", "profile: exit, samples":
		        assert min(figures[f"{what} | {design}"]) >= 1, what
	EOF
}

all_quiet()
{
	local guest guests=0

	for guest in "$1"/*/*/*/; do
		quiet "$guest" || return 1
		guests=$((guests + 1))
	done
	[ $guests -gt 8 ]
}

test_eval()
{
	small_eval "$tmp/small-eval" "cost release series lmk profile locks" \
		unpatched perclass
	check "its programs run elsewhere, too" on_target on "$(built on)" \
		"$tmp/small-eval/target"
	check "and come into its report" report_has_target "$tmp/small-eval"
}

# On this machine's CPU, once; and where the time is there.
test_native()
{
	local figures=$tmp/native how kernel

	for how in 1 profile; do
		check "make bench NATIVE=$how" env NATIVE=$how BOOTS=1 RUNS=3 \
			RESULTS="$figures-$how" "$here/scripts/bench.sh"
	done
	for kernel in unpatched on; do
		check "its kernel had no warning ($kernel)" \
			quiet "$figures-1/$kernel/1"
	done
	check "ours has rows for all that is released" \
		[ "$(grep -c '^| .*release and drain' "$figures-1/report.md")" = 11 ]
	check "and for what comes back in" \
		[ "$(grep -c '^| .*swap-in' "$figures-1/report.md")" = 1 ]
	check "make eval PARTS=native" env PARTS=native DESIGNS=unpatched BOOTS=1 \
		RUNS=3 RESULTS="$figures" "$here/scripts/eval.sh"
	check "its report has the table" \
		grep -q '^| 1024 MiB.*release and drain' "$figures/report.md"
	sed -i 's/ [0-9]* \([0-9]*\)$/ 99999999 \1/' "$figures-1/others"
	check "what others disturbed is not settled" eval \
		"/usr/bin/python3 '$here/scripts/native_report.py' '$figures-1' |
			grep 'NOT SETTLED'"
	check "its profile finds releases, and ours drains" eval \
		"grep -q '^release, ' $figures-profile/profile-unpatched &&
		grep -q '^drain, ' $figures-profile/profile-on"
}

report_has_target()
{
	PARTS=report RESULTS="$1" "$here/scripts/eval.sh" &&
	grep -q '^## On another machine' "$1/report.md" &&
	grep -q '32 MiB of 2: released' "$1/report.md"
}

# The kernels that ours is compared with lose nothing, either.
test_designs()
{
	local design

	for design in array percpu pages; do
		"$here/scripts/vm.sh" -n "design-$design" \
			"$(built "design-$design")" "$image" \
			"$tmp/out-$design" verify || true
		count "design-$design" "$tmp/out-$design"
	done
	# shellcheck disable=SC2046 # a design a word
	small_eval "$tmp/designs-eval" "$(words_of all_parts | sed 's/ native / /')" \
		$(words_of all_designs)
	check "each question has an answer" bash -c \
		"! grep 'Not measured in this run' '$tmp/designs-eval/report.md'"
}

# words_of NAME: what eval.sh has in a variable.
words_of()
{
	sed -n "s/^$1=\"\(.*\)\"/\1/p" "$here/scripts/eval.sh"
}

for t in $TESTS; do
	[ "$(type -t "test_$t")" = function ] ||
		die "TESTS has $t; there are: all, or any of $most $slow"
done
need_packages debian-archive-keyring
# shellcheck disable=SC2046 # a package a word
need_packages $(build_packages) $(guest_packages) $(report_packages)
lock_cache
tmp=$(mktemp -d)
keep=${KEEP:-$here/results/failed}
rm -rf "$keep"
mkdir -p "$keep"
trap 'end_children; rm -rf "$tmp" ${plain_image:+"$plain_image"}' EXIT
export ZSDEFER_TIMES=$tmp/times
: >"$ZSDEFER_TIMES"
source_tree >/dev/null
# Those that share their objects, in the order that compiles least.
"$here/scripts/kernel-build.sh" unpatched off on >/dev/null
plain_image=$("$here/scripts/image.sh")
image=$plain_image

for t in $TESTS; do
	say "tests: $t"
	before=$failed began=$(date +%s)
	"test_$t"
	spent "tests $t" "$began"
	[ "$failed" = "$before" ] || again="$again $t"
done

if [ $failed -gt 0 ]; then
	printf '\nfailed: %s\n' "${failures[@]}"
	echo "Only what failed again: make test TESTS=\"${again# }\"; consoles:" \
	     "results/failed/; a shell in such a kernel: make shell" \
	     "KERNEL=on, checked, ..."
else
	rmdir "$keep" 2>/dev/null || true
fi
say "$(times_spent); a kernel's time is in its group's, too"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
