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

need_packages build-essential bc bison flex libelf-dev ccache cpio kmod \
	patch python3 xz-utils
need_cache
source=$("$here/scripts/kernel-source.sh")
name=$(basename "$source")
tree=$ZSDEFER_CACHE/tree/$name
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

export CCACHE_DIR=$ZSDEFER_CACHE/ccache CCACHE_BASEDIR=$ZSDEFER_CACHE
export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
export KBUILD_BUILD_USER=zsdefer KBUILD_BUILD_HOST=zsdefer
export KBUILD_BUILD_TIMESTAMP='1970-01-01'

# Hard links to the pristine source, then this clone's files over them.
sync_tree()
{
	local f

	if [ ! -d "$tree" ]; then
		say "making a tree to build in"
		rm -rf "$tree.part"
		mkdir -p "$(dirname "$tree")"
		cp -al "$source" "$tree.part"
		mv "$tree.part" "$tree"
	fi
	"$here/scripts/apply.sh" stage "$source" "$tmp/stage"
	(cd "$tmp/stage" && find . -type f | LC_ALL=C sort) >"$tmp/files"
	# What an earlier clone had and this one has not.
	if [ -f "$tree.files" ]; then
		while read -r f; do
			rm -f "$tree/$f"
			[ ! -f "$source/$f" ] || cp -p "$source/$f" "$tree/$f"
		done < <(comm -23 "$tree.files" "$tmp/files")
	fi
	while read -r f; do
		cmp -s "$tmp/stage/$f" "$tree/$f" && continue
		mkdir -p "$tree/$(dirname "$f")"
		cp --remove-destination "$tmp/stage/$f" "$tree/$f"
	done <"$tmp/files"
	cp "$tmp/files" "$tree.files"
}

# The configuration must be what the fragments ask for, symbol by symbol.
configure()
{
	local from=$1 build=$2 lost

	shift 2
	cat "$@" >"$tmp/fragment"
	if cmp -s "$tmp/fragment" "$build/.fragment"; then
		make -s -C "$from" O="$build" olddefconfig >/dev/null
		return
	fi
	mkdir -p "$build"
	make -s -C "$from" O="$build" tinyconfig >/dev/null
	"$from/scripts/kconfig/merge_config.sh" -m -O "$build" \
		"$build/.config" "$@" >/dev/null
	make -s -C "$from" O="$build" olddefconfig >/dev/null
	lost=$(awk '
		/^CONFIG_/ { split($0, a, "="); want[a[1]] = $0 }
		/^# CONFIG_.* is not set/ { want[$2] = "" }
		END { for (s in want) print s "\t" want[s] }
	' "$tmp/fragment" | while IFS=$'\t' read -r s w; do
		have=$(grep "^$s=" "$build/.config" || true)
		[ "$have" = "$w" ] || echo "${w:-$s off}"
	done)
	[ -z "$lost" ] || die "the kernel's Kconfig does not give:" "$lost"
	cp "$tmp/fragment" "$build/.fragment"
}

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
sync_tree
if [ "$1" = in-tree ]; then
	shift
	cd "$tree"
	"$@" 9>&-
	exit
fi
for flavour in "$@"; do
	build "$flavour"
done
