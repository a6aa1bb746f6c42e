#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build kernels: kernel-build.sh FLAVOUR..., each a fragment configs/FLAVOUR
# on top of tinyconfig, configs/base.config and its machine's fragment (x86, or
# arm64 if it is called so). Prints their build folders.
# The flavour "pristine" is the unpatched tree with the off fragment, and
# "zswap-pristine" that with the zswap fragment.
#
# All clones share one patched tree for each source: only the files that
# differ from this clone's are written, so make rebuilds what they need.
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
	local targets

	case $flavour in
	pristine) fragment=off from=$source ;;
	*-pristine) fragment=${flavour%-pristine} from=$source ;;
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
	if [ "$from" = "$source" ]; then
		# It does not know our symbols.
		grep -v ZSMALLOC_DEFERRED "$3" >"$tmp/pristine.config" || true
		set -- "$1" "$2" "$tmp/pristine.config"
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
sync_tree "$source" "$tree"
if [ "$1" = in-tree ]; then
	shift
	cd "$tree"
	"$@" 9>&-
	exit
fi
for flavour in "$@"; do
	build "$flavour"
done
