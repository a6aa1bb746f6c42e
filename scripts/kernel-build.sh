#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build kernels: kernel-build.sh FLAVOUR..., each a fragment configs/FLAVOUR
# on top of tinyconfig and configs/base.config. Prints their build folders.
# The flavour "pristine" is the unpatched tree with the off fragment.
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
	local flavour=$1 fragment=$1 from=$tree build
	local targets=${TARGETS:-bzImage}

	if [ "$flavour" = pristine ]; then
		fragment=off from=$source
	fi
	[ -f "$here/configs/$fragment.config" ] ||
		die "there is no configs/$fragment.config"
	build=$ZSDEFER_CACHE/build/$name-$flavour
	set -- "$here/configs/base.config" "$here/configs/$fragment.config"
	if [ "$flavour" = pristine ]; then
		# It does not know our symbols.
		grep -v ZSMALLOC_DEFERRED "$2" >"$tmp/pristine.config" || true
		set -- "$1" "$tmp/pristine.config"
	fi
	mkdir -p "$build"
	configure "$from" "$build" "$@"
	if grep -q '^CONFIG_MODULES=y' "$build/.config" && [ -z "${TARGETS:-}" ]
	then
		targets="$targets modules"
	fi
	# shellcheck disable=SC2086
	with_progress "building the kernel \"$flavour\"" "$build.log" \
		make -C "$from" O="$build" -j"$JOBS" CC="ccache gcc" $targets
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
