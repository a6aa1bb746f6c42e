#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build kernels: kernel/build.sh FLAVOUR..., and print a folder for each, with
# its image, .config, modules, and a few object files to compare.
#
# Flavours of one family share a tree and a build folder: make compiles only
# what differs from the flavour that was built before, so those that differ
# least are built one after the other:
#
#	guest	unpatched	the kernel as it is
#		off		the feature without any optional patch, not
#				configured in
#		design-NAME	the unpatched tree with another design than ours:
#				tools/testing/zsdefer/designs/NAME.patch
#		plain		the feature without any optional patch
#		optional	the optional patches, the feature not configured in
#		on		the feature
#	zswap	zswap-unpatched zswap-plain zswap
#	distro	distro-unpatched distro, and so with distro-kasan, distro-lockdep
#	traced	traced-unpatched traced
#	um	um-unpatched um: User-mode Linux, both with native/arch-um.patch
#
# Any other configs/FLAVOUR.config is a family of its own. All are made of
# configs/base.config, the machine's (x86, arm64 or i386, as it is called), those that
# the flavour's names in a line "# Includes:", the flavour's, and what base-BASE.config
# says otherwise (um is a machine of its own); what these do not ask for is off. What
# is there already is not built again: a key tells, which is made of the sources that
# are ours, the configuration, how it is built, and the names of the kernel and the
# compiler.
#
# kernel/build.sh in-tree COMMAND... runs a command in a patched tree instead. SERIES=N
# has the first N patches of the series in place of all that is ours.
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../kernel/tree.sh"

# What is taken over of a build: what guests and tests need.
keep="include/config/kernel.release mm/zsmalloc.o mm/.zsmalloc.o.cmd
drivers/block/zram/zram_drv.o"

# describe FLAVOUR: set its family, what is laid over the tree (ours, nothing or
# a design), and its fragments.
describe()
{
	local own=$1 f

	family=$1 over=ours without=${WITHOUT:-} machine=x86 image=arch/x86/boot/bzImage
	kbuild_flags=(CC="ccache gcc")
	case $1 in
	unpatched) family=guest own='' over='' ;;
	off) family=guest without=all ;;
	design-*) family=guest own='' over=$1 ;;
	plain) family=guest own=on without=all ;;
	zswap-plain) family=zswap own=zswap without=all ;;
	optional) family=guest own=off ;;
	on) family=guest ;;
	*-unpatched) family=${1%-unpatched} own=$family over='' ;;
	esac
	case $family in
	arm64*)
		machine=arm64 image=arch/arm64/boot/Image
		need_packages gcc-aarch64-linux-gnu
		kbuild_flags=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-
			CC="ccache aarch64-linux-gnu-gcc")
		;;
	i386)
		machine=i386
		kbuild_flags=(ARCH=i386 CC="ccache gcc")
		;;
	um)
		machine='' image=linux
		kbuild_flags=(ARCH=um CC="ccache gcc")
		;;
	esac
	[ -z "$own" ] || [ -f "$here/configs/$own.config" ] ||
		die "there is no configs/$own.config"
	fragments=()
	[ -z "$machine" ] || fragments=("$here/configs/base.config"
		"$here/configs/machine-$machine.config")
	[ -z "$own" ] || for f in $(sed -n 's/^# Includes: //p' "$here/configs/$own.config") \
		"$own"; do
		fragments+=("$here/configs/$f.config")
	done
	[ -z "$machine" ] || [ ! -f "$here/configs/base-$BASE.config" ] ||
		fragments+=("$here/configs/base-$BASE.config")
	if [ "$over" != ours ]; then
		# The unpatched kernel does not know our symbols.
		sed '/ZSMALLOC_DEFERRED/d' "${fragments[@]}" >"$tmp/unpatched.config"
		fragments=("$tmp/unpatched.config")
	fi
	tree=$ZSDEFER_CACHE/tree/$name
	# Others do not see how the files of a family come and go.
	case $family in guest | zswap | um | traced | distro*) tree=$tree-$family ;; esac
	build=$ZSDEFER_CACHE/build/$name-$family
	kept=$ZSDEFER_CACHE/kernel/$name-$1${SERIES:+-series-$SERIES}
}

# Where the option is off no C file of ours is compiled, so what is in these
# does not matter; documents and tools matter nowhere.
key()
{
	local but='^\./(Documentation|tools)/'

	cat "${fragments[@]}" | grep 'CONFIG_ZSMALLOC_DEFERRED_FREE[ =]' |
		tail -n 1 | grep -q '=y' ||
		but="$but|/zsdefer/.*\\.c\$"
	{
		cat "$source.id"
		"${kbuild_flags[-1]#CC=ccache }" --version | head -n 1
		sed '/^[[:space:]]*#/d' "$here"/scripts/kernel/{build,tree}.sh
		cat "${fragments[@]}"
		sed -E "\,$but,d" "$tmp/files" |
			(cd "$tmp/stage" && xargs -r -d '\n' sha256sum)
	} | sha256sum
}

objects_done()
{
	local n all

	n=$(grep -cE '^  (CC|AS) ' "$1" || true)
	all=$(awk -v flavour="$flavour" '$1 == flavour { print $2 }' \
		"$here/configs/objects")
	if [ "$n" -lt "${all:=0}" ]; then
		echo "$n of about $all objects"
	else
		echo "$n objects, $(last_line "$1")"
	fi
}

compile()
{
	make -C "$tree" O="$build" -j"$JOBS" "${kbuild_flags[@]}" "$@"
}

# It gets its name only when it is whole.
keep_kernel()
{
	rm -rf "$kept.part"
	mkdir -p "$kept.part"
	# shellcheck disable=SC2046,SC2086 # names are words
	(cd "$build" && cp --parents .config "$image" $keep \
		$([ ! -f mm/zswap.o ] || echo mm/zswap.o) "$kept.part")
	size "$build/vmlinux" >"$kept.part/size"
	[ ${#targets[@]} -eq 1 ] ||
		make -s -C "$build" INSTALL_MOD_PATH="$kept.part" \
			modules_install >/dev/null
	cp "$tmp/key" "$kept.part/key"
	rm -rf "$kept"
	mv "$kept.part" "$kept"
}

build()
{
	local flavour=$1 targets=() began

	began=$(date +%s)
	describe "$flavour"
	WITHOUT=$without stage "$source" "$over"
	[ "$family" != um ] || lay_over native/arch-um "$source"
	key >"$tmp/key"
	if ! cmp -s "$tmp/key" "$kept/key"; then
		need_space 1500 "$ZSDEFER_CACHE"
		sync_tree "$source" "$tree"
		configure "$tree" "$build" "${fragments[@]}"
		targets=("$(basename "$image")")
		! grep -q '^CONFIG_MODULES=y' "$build/.config" ||
			targets+=(modules)
		step='' how_far=objects_done with_progress \
			"building the kernel \"$flavour\"" \
			"$build.log" compile "${targets[@]}"
		keep_kernel
		spent "kernel $flavour" "$began"
	fi
	echo "$kept"
}

[ $# -gt 0 ] || die "usage: $0 FLAVOUR... | in-tree COMMAND..."
# shellcheck disable=SC2046 # names are words
need_packages $(build_packages)
lock_cache
source=$("$here/scripts/kernel/source.sh")
name=$(basename "$source")
if [ "$1" = in-tree ]; then
	stage "$source" ours
	sync_tree "$source" "$ZSDEFER_CACHE/tree/$name"
	shift
	cd "$ZSDEFER_CACHE/tree/$name"
	"$@" 9>&-
	exit
fi
for flavour in "$@"; do
	build "$flavour"
done
