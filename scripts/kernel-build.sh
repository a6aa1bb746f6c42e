#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build kernels: kernel-build.sh FLAVOUR..., each a fragment configs/FLAVOUR
# on top of tinyconfig, configs/base.config and its machine's fragment (x86, or
# arm64 if it is called so). Prints their build folders.
# Besides there are these flavours:
#
#	pristine, zswap-pristine	the unpatched tree, with the off or the
#					zswap fragment
#	plain		the feature without any optional patch
#	optional	the optional patches without the feature
#	design-NAME	the unpatched tree with another design than ours:
#			tools/testing/zsdefer/designs/NAME.patch
#
# All clones share one patched tree for each source: only the files that differ
# are written, so make rebuilds what they need. Flavours that lack the optional
# patches have another, or headers would change to and fro under all of them.
# TARGETS= builds something else than the kernel image.
#
# kernel-build.sh in-tree COMMAND... runs a command in the patched tree instead.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/kbuild.sh"

need_packages build-essential bc bison flex libelf-dev ccache cpio kmod \
	patch python3 xz-utils
need_cache
source=$("$here/scripts/kernel-source.sh")
name=$(basename "$source")
tree=$ZSDEFER_CACHE/tree/$name

build()
{
	local flavour=$1 fragment=$1 from=$tree machine=x86 image=bzImage build
	local targets design='' without=${WITHOUT:-}

	case $flavour in
	pristine) fragment=off from=$source ;;
	*-pristine) fragment=${flavour%-pristine} from=$source ;;
	plain) fragment=on without=all ;;
	optional) fragment=off without='' ;;
	design-*) fragment=off design=${flavour#design-} ;;
	esac
	[ -f "$here/configs/$fragment.config" ] ||
		die "there is no configs/$fragment.config"
	kbuild_flags=(CC="ccache gcc")
	case $flavour in
	arm64*)
		machine=arm64 image=Image
		need_packages gcc-aarch64-linux-gnu
		kbuild_flags=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-
			CC="ccache aarch64-linux-gnu-gcc")
		;;
	esac
	targets=${TARGETS:-$image}
	build=$ZSDEFER_CACHE/build/$name-$flavour
	set -- "$here/configs/base.config" \
		"$here/configs/machine-$machine.config" \
		"$here/configs/$fragment.config"
	if [ "$from" = "$source" ] || [ -n "$design" ]; then
		# They do not know our symbols.
		grep -v ZSMALLOC_DEFERRED "$3" >"$tmp/pristine.config" || true
		set -- "$1" "$2" "$tmp/pristine.config"
	fi
	if [ "$from" = "$tree" ]; then
		[ -z "$without$design" ] || from=$tree-other
		WITHOUT=$without sync_tree "$source" "$from" "$design"
	fi
	mkdir -p "$build"
	configure "$from" "$build" "$@"
	if grep -q '^CONFIG_MODULES=y' "$build/.config" && [ -z "${TARGETS:-}" ]
	then
		targets="$targets modules"
	fi
	# shellcheck disable=SC2086
	with_progress "building the kernel \"$flavour\"" "$build.log" \
		make -C "$from" O="$build" -j"$JOBS" "${kbuild_flags[@]}" $targets
	echo "$build"
}

[ $# -gt 0 ] || die "usage: $0 FLAVOUR... | in-tree COMMAND..."
lock_cache
if [ "$1" = in-tree ]; then
	sync_tree "$source" "$tree"
	shift
	cd "$tree"
	"$@" 9>&-
	exit
fi
for flavour in "$@"; do
	build "$flavour"
done
