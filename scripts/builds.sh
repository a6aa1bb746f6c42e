#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Compile what the feature touches in many configurations: builds.sh [NAME...],
# or BUILDS="...", all by default. Only those objects are built, with W=1, and
# any warning about a file that is ours, or that the patches change, is a
# failure. Prints a line for each: ok, not ok, or skip, with the reason.
#
# Each has a build folder of its own in $ZSDEFER_CACHE/build-objects. The
# objects are always compiled anew, which ccache makes cheap, so that a warning
# does not go away when one looks a second time.
# shellcheck disable=SC2086 # much of what is here are lists of words
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/kernel/tree.sh"
. "$(dirname "$0")/lib/newer-debian.sh"

all="on off module up bare nocompaction nostat nodebugfs kunit zswap chain4
chain8 chain16 without rt clang gki sparse i386 i386-pae arm64-4k arm64-16k
arm64-64k arm s390x"

# What all of them have, unless they say otherwise.
common="EXPERT SMP PRINTK BUG PROC_FS SYSFS DEBUG_FS BLOCK BLK_DEV SWAP COMPACTION
VM_EVENT_COUNTERS FTRACE ENABLE_DEFAULT_TRACERS ZSMALLOC_STAT
ZSMALLOC_DEFERRED_FREE ZSMALLOC_DEFERRED_FREE_DEFAULT_ON ZRAM ZRAM_WRITEBACK
ZRAM_MULTI_COMP ZRAM_MEMORY_TRACKING"

# describe NAME: set what this build is.
#	on	symbols that are y
#	set	symbols with other values
#	off	symbols that are not set
#	gone	symbols of $common that this build can't have
#	least	the clang that it takes, or empty for gcc
describe()
{
	on='' set='' off=SLUB_TINY gone=''
	arch=x86_64 prefix='' packages='' without=${WITHOUT:-} least=''
	objects="mm/zsmalloc.o mm/page_alloc.o mm/swapfile.o"
	ours="mm/zsdefer/ drivers/block/zram/"
	case $1 in
	on) ;;
	off)
		off="$off ZSMALLOC_DEFERRED_FREE"
		gone=ZSMALLOC_DEFERRED_FREE_DEFAULT_ON
		ours=drivers/block/zram/
		;;
	module) on=MODULES set="ZSMALLOC=m ZRAM=m" ;;
	up) off="$off SMP" ;;
	bare)
		# The least of everything.
		on=SLUB_TINY gone=ENABLE_DEFAULT_TRACERS
		off="SMP PRINTK DEBUG_FS COMPACTION VM_EVENT_COUNTERS FTRACE
			ZSMALLOC_STAT ZRAM_WRITEBACK ZRAM_MULTI_COMP
			ZRAM_MEMORY_TRACKING ZSMALLOC_DEFERRED_FREE_DEFAULT_ON"
		;;
	nocompaction) off="$off COMPACTION" ;;
	nostat) off="$off ZSMALLOC_STAT" ;;
	nodebugfs) off="$off DEBUG_FS ZSMALLOC_STAT ZRAM_MEMORY_TRACKING" ;;
	kunit) on="KUNIT ZSDEFER_KUNIT_TEST" ;;
	zswap)
		on=ZSWAP off="$off ZRAM"
		gone="ZRAM_WRITEBACK ZRAM_MULTI_COMP ZRAM_MEMORY_TRACKING"
		objects="$objects mm/zswap.o" ours=mm/zsdefer/
		;;
	chain*) set=ZSMALLOC_CHAIN_SIZE=${1#chain} ;;
	without) without=all ;;
	rt) on=PREEMPT_RT ;;
	clang) least=$("$source/scripts/min-tool-version.sh" llvm) ;;
	gki)
		least=16	# for its control flow integrity
		# What Android's gki_defconfig of 6.12 says that touches memory,
		# locks, modules, or how code is compiled.
		arch=arm64 set="ZSMALLOC=m ZRAM=m"
		on="ARM64_4K_PAGES PREEMPT MODULES MODULE_UNLOAD MODVERSIONS
			CGROUPS MEMCG CPUSETS BLK_CGROUP PSI LRU_GEN LRU_GEN_ENABLED
			TRANSPARENT_HUGEPAGE TRANSPARENT_HUGEPAGE_MADVISE CMA
			MEMORY_HOTPLUG MEMORY_HOTREMOVE SLAB_FREELIST_RANDOM
			SLAB_FREELIST_HARDENED SHUFFLE_PAGE_ALLOCATOR
			INIT_ON_ALLOC_DEFAULT_ON HARDENED_USERCOPY FORTIFY_SOURCE
			BUG_ON_DATA_CORRUPTION SHADOW_CALL_STACK CFI_CLANG UBSAN
			UBSAN_TRAP ARM64_TAGGED_ADDR_ABI ARM64_PAN ARM64_MTE KASAN
			KASAN_HW_TAGS KFENCE PAGE_OWNER MEM_ALLOC_PROFILING
			SCHEDSTATS"
		off="$off SLAB_MERGE_DEFAULT ZRAM_WRITEBACK ZRAM_MULTI_COMP
			ZRAM_MEMORY_TRACKING"
		;;
	sparse) on=ZSWAP objects="$objects mm/zswap.o" ;;
	i386) arch=i386 ;;
	i386-pae) arch=i386 on="HIGHMEM4G X86_PAE" ;;
	arm64-4k) arch=arm64 on=ARM64_4K_PAGES ;;
	arm64-16k) arch=arm64 on=ARM64_16K_PAGES ;;
	arm64-64k) arch=arm64 on=ARM64_64K_PAGES ;;
	arm) arch=arm on="MMU ARCH_MULTI_V7 ARCH_VIRT" ;;
	s390x) arch=s390 on=CPU_BIG_ENDIAN ;;
	*) die "BUILDS has $1; there are:" $all ;;
	esac
	objects="$objects $ours"

	case $arch in
	arm64) prefix=aarch64-linux-gnu- ;;
	arm) prefix=arm-linux-gnueabihf- ;;
	s390) prefix=s390x-linux-gnu- ;;
	esac
	[ -z "$prefix" ] || packages=gcc-${prefix%-}
	tree=$ZSDEFER_CACHE/tree/$source_name
	[ -z "$without" ] || tree=$tree-without-${without// /-}

	kbuild_flags=(ARCH="$arch" HOSTCC="ccache gcc")
	if [ -n "$least" ]; then
		clang=$(find_clang "$least")
		packages="clang-$clang lld-$clang llvm-$clang"
		kbuild_flags+=(LLVM="-$clang" CC="ccache clang-$clang")
	else
		kbuild_flags+=(CROSS_COMPILE="$prefix" CC="ccache ${prefix}gcc")
	fi
	[ "$1" != sparse ] || kbuild_flags+=(C=1 CHECK="${sparse:-sparse}")
}

# find_clang LEAST: the oldest clang at hand that is no older, else Debian's oldest.
find_clang()
{
	local v

	for v in $( (compgen -c clang- || true) | sort -V) \
		$( (apt-cache pkgnames clang- 2>/dev/null || true) | sort -V); do
		v=${v#clang-}
		[[ $v =~ ^[0-9]+$ ]] && [ "$v" -ge "${1%%.*}" ] || continue
		echo "$v"
		return
	done
}

# A sparse that this kernel can do with. If it finds none it only says so, and
# goes on without.
find_sparse()
{
	local valid=$source/scripts/checker-valid.sh newer

	if [ ! -f "$valid" ]; then
		# An older kernel asks nothing of it, and has it count locks,
		# which it can't where guards hold them.
		newer=$(newer_tool sparse sparse libc6)
		echo "$newer -Wno-context"
	elif [ "$(sh "$valid" sparse 2>/dev/null)" = 1 ]; then
		echo sparse
	elif newer=$(newer_tool sparse sparse libc6) &&
		[ "$(sh "$valid" "$newer")" = 1 ]; then
		echo "$newer"
	else
		die "no sparse that is new enough"
	fi
}

# Install what this build needs, or say on stderr why it can't be done.
prepare()
{
	case $1 in
	gki) [ "$BASE" = 6.12 ] || die "Android has no kernel $BASE" ;;&
	clang | gki) [ -n "$clang" ] || die "no clang that is new enough" ;;
	sparse) find_sparse >"$tmp/sparse" ;;
	esac
	need_packages $packages
}

fragment()
{
	local s

	for s in $common; do
		case " $gone $off $set" in
		*" $s "* | *" $s="*) ;;
		*) echo "CONFIG_$s=y" ;;
		esac
	done
	[ -z "$on" ] || printf 'CONFIG_%s=y\n' $on
	[ -z "$set" ] || printf 'CONFIG_%s\n' $set
	printf '# CONFIG_%s is not set\n' $off
}

# compile TREE BUILD: the objects of this build.
compile()
{
	local from=$1 build=$2 dir

	mkdir -p "$build"
	fragment >"$tmp/own"
	configure "$from" "$build" "$tmp/own"
	for dir in mm/zsdefer drivers/block/zram; do
		[ ! -d "$build/$dir" ] || find "$build/$dir" -name '*.o' -delete
	done
	(cd "$build" && rm -f mm/zsmalloc.o mm/page_alloc.o mm/swapfile.o \
		mm/zswap.o)
	make -C "$from" O="$build" "${kbuild_flags[@]}" -Otarget W=1 $objects
}

# Warnings about a file that is ours, or that the patches change; whichever
# tool they are from.
our_warnings()
{
	sed -n 's|^\./||; s|\.c$|\\.[co]|p; s|\.h$|\\.h|p' "$2.files" |
		sed 's|.*|(^\|[ /])&:|' >"$tmp/ours"
	grep -iE 'warning|error' "$1" | grep -E -f "$tmp/ours" || true
}

# Sparse has complaints of the unpatched kernel, too, that are not ours. Lines
# move, so what is compared is the file and the text.
without_unpatched()
{
	local patched=$tree build=$2-unpatched

	describe off
	on=ZSWAP objects="$objects mm/zswap.o"
	kbuild_flags+=(C=1 CHECK="$sparse")
	compile "$source" "$build" >"$build.log" 2>&1 || return
	our_warnings "$build.log" "$patched" | text_only >"$tmp/unpatched"
	text_only <"$1" | comm -23 - "$tmp/unpatched"
}

text_only()
{
	sed "s|.*$source_name/||; s|:[0-9]*:[0-9]*:|:|" | LC_ALL=C sort
}

# One build, in a process of its own. Prints the result.
one()
{
	local name=$1 build=$ZSDEFER_CACHE/build-objects/$source_name-$1
	local log=$build.log began status=0

	began=$(date +%s)
	mkdir -p "$(dirname "$build")"
	# Not in an "if", where set -e would not hold.
	set +e
	(set -e; compile "$tree" "$build") >"$log" 2>&1
	status=$?
	set -e
	our_warnings "$log" "$tree" >"$tmp/warnings"
	if [ "$name" = sparse ] && [ -s "$tmp/warnings" ]; then
		without_unpatched "$tmp/warnings" "$build" >"$tmp/new" &&
			mv "$tmp/new" "$tmp/warnings"
	fi
	if [ $status -ne 0 ]; then
		echo "not ok $name # it does not build, see $log"
		grep -E -m 10 'error:|[Ee]rror [0-9]' "$log" >&2 ||
			tail -n 10 "$log" >&2
	elif [ -s "$tmp/warnings" ]; then
		echo "not ok $name # $(wc -l <"$tmp/warnings") warnings, see $log"
		head -n 20 "$tmp/warnings" >&2
		status=1
	elif [ "$name" = sparse ] && ! grep -q '^  CHECK .*/zsdefer/' "$log"; then
		echo "not ok $name # sparse did not run, see $log"
		status=1
	else
		echo "ok $name"
	fi
	say "  $name: $(($(date +%s) - began)) s"
	return $status
}

source=$("$here/scripts/kernel/source.sh")
source_name=$(basename "$source")
if [ "${1:-}" = --one ]; then
	describe "$2"
	one "$2"
	exit
fi

: "${BUILDS:=$all}"
[ $# -eq 0 ] || BUILDS=$*
# shellcheck disable=SC2046
need_packages $(build_packages)
lock_cache

synced=' ' names=()
for name in $BUILDS; do
	describe "$name"
	case $synced in
	*" $tree "*) ;;
	*)
		WITHOUT=$without stage "$source" ours
		sync_tree "$source" "$tree"
		synced="$synced$tree "
		;;
	esac
	if (prepare "$name") 2>&1 | tee "$tmp/why" >&2; then
		names+=("$name")
	else
		echo "skip $name # $(sed -n 's/^error: //p' "$tmp/why")"
	fi
done
[ ! -s "$tmp/sparse" ] || sparse=$(cat "$tmp/sparse")
export sparse=${sparse:-}
[ ${#names[@]} -gt 0 ] || exit 0
say "compiling ${names[*]}"
# Each is mostly waiting for a single process, so several run at once.
printf '%s\n' "${names[@]}" | xargs -P "$JOBS" -I '{}' "$0" --one '{}' ||
	exit 1
