# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What builds kernels share: the patched tree, and its configuration. Source
# it after lib/common.sh. Makes a folder $tmp, which goes with the script.

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The kernel's makefiles have the compiler list all headers anyway, so ccache
# need not run the preprocessor to know them (depend mode); and it need not read
# the same headers again for each object (inode cache).
export CCACHE_DIR=$ZSDEFER_CACHE/ccache CCACHE_BASEDIR=$ZSDEFER_CACHE
export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G} CCACHE_DEPEND=1
export CCACHE_INODECACHE=1
export KBUILD_BUILD_USER=zsdefer KBUILD_BUILD_HOST=zsdefer
export KBUILD_BUILD_TIMESTAMP='1970-01-01'

# The architecture and compiler of a build, for make: ARCH=..., CC=...
kbuild_flags=()

# lay_over PATCH SOURCE: stage the files that one of the patches of
# tools/testing/zsdefer changes; they are not ours.
lay_over()
{
	# shellcheck disable=SC2154 # lib/common.sh sets it
	local patch=$here/tools/testing/zsdefer/$1.patch f

	[ -f "$patch" ] || die "there is no $1.patch"
	while read -r f; do
		mkdir -p "$tmp/stage/$(dirname "$f")"
		cp "$2/$f" "$tmp/stage/$f"
		echo "./$f" >>"$tmp/files"
	done < <(sed -n 's|^+++ b/||p' "$patch")
	LC_ALL=C sort -o "$tmp/files" "$tmp/files"
	patch -d "$tmp/stage" -p1 --force --fuzz=0 --no-backup-if-mismatch -r - \
		<"$patch" >"$tmp/patch.log" 2>&1 || {
		cat "$tmp/patch.log" >&2
		die "$1.patch does not fit $2"
	}
}

# stage SOURCE ours|design-NAME|"": what is laid over the unpatched tree goes to
# $tmp/stage, and the names of these files to $tmp/files. With SERIES=N, ours are the
# first N patches of the series.
stage()
{
	rm -rf "$tmp/stage"
	mkdir "$tmp/stage"
	if [ "$2" = ours ] && [ -n "${SERIES:-}" ]; then
		"$here/scripts/series.sh" stage "$1" "$SERIES" "$tmp/stage"
	elif [ "$2" = ours ]; then
		"$here/scripts/apply.sh" stage "$1" "$tmp/stage"
	fi
	(cd "$tmp/stage" && find . -type f | LC_ALL=C sort) >"$tmp/files"
	case $2 in design-*) lay_over "designs/${2#design-}" "$1" ;; esac
}

# stage_modules SOURCE unpatched|on TO: what modules for a kernel that is there
# already are made of: zsmalloc and zram, and what has them live beside those that
# the kernel may have. Optional patches of what is no module are left out.
stage_modules()
{
	local p n source=$1 to=$3 without=${WITHOUT:-}

	for p in "$here/patches/$BASE/optional"/*.patch; do
		n=$(basename "$p")
		! grep '^+++ b/' "$p" | grep -vq -e mm/zsmalloc.c -e drivers/block/zram/ ||
			without="$without ${n%%-*}"
	done
	mkdir -p "$to"/{mm,include,drivers/block}
	cp "$source/mm/zsmalloc.c" "$to/mm/"
	[ ! -f "$source/mm/zpdesc.h" ] || cp "$source/mm/zpdesc.h" "$to/mm/"
	cp -r "$source/drivers/block/zram" "$to/drivers/block/"
	if [ "$2" = on ]; then
		WITHOUT=$without stage "$source" ours
		(cd "$tmp/stage" && cp -r --parents mm/zsmalloc.c mm/zsdefer include \
			drivers/block/zram "$to/")
	fi
	for p in "$here/patches/$BASE/dkms"/*.patch; do
		patch -d "$to" -p1 --force --fuzz=0 --no-backup-if-mismatch \
			-r - <"$p" >"$tmp/patch.log" 2>&1 || {
			cat "$tmp/patch.log" >&2
			die "$(basename "$p") does not fit $source"
		}
	done
	cp "$here"/dkms/{Kbuild,beside.h} "$to/"
}

# sync_tree SOURCE TREE: hard links to the unpatched source, with what is staged
# over them. Only those files that differ are written, so make rebuilds what
# they need.
sync_tree()
{
	local source=$1 tree=$2 f

	# A tree of a source that is no more would be of no use.
	cmp -s "$source.id" "$tree.id" || rm -rf "$tree" "$tree.files"
	if [ ! -d "$tree" ]; then
		say "making a tree to build in"
		rm -rf "$tree.part"
		mkdir -p "$(dirname "$tree")"
		cp -al "$source" "$tree.part"
		mv "$tree.part" "$tree"
		cp "$source.id" "$tree.id"
	fi
	# What is left of an earlier clone or flavour, and not wanted now.
	[ ! -f "$tree.files" ] || while read -r f; do
		rm -f "$tree/$f"
		# As new, or make would not see that it is another.
		[ ! -f "$source/$f" ] || cp "$source/$f" "$tree/$f"
	done < <(LC_ALL=C sort -u "$tree.files" | LC_ALL=C comm -23 - "$tmp/files")
	# If this is interrupted, the next one knows what may have been written.
	cat "$tmp/files" >>"$tree.files"
	while read -r f; do
		cmp -s "$tmp/stage/$f" "$tree/$f" && continue
		mkdir -p "$tree/$(dirname "$f")"
		cp --remove-destination "$tmp/stage/$f" "$tree/$f"
	done <"$tmp/files"
	cp "$tmp/files" "$tree.files"
}

# configure TREE BUILD FRAGMENT...: what the fragments ask for, and what that
# needs; everything else is off. The configuration must be what they ask for,
# symbol by symbol.
configure()
{
	local from=$1 build=$2 lost

	shift 2
	cat "$@" >"$tmp/fragment"
	mkdir -p "$build"
	KCONFIG_ALLCONFIG=$tmp/fragment make -s -C "$from" O="$build" \
		"${kbuild_flags[@]}" allnoconfig >"$tmp/config.log" 2>&1 || {
		cat "$tmp/config.log" >&2
		die "the kernel can't be configured"
	}
	lost=$(awk '
		/^CONFIG_/ { split($0, a, "="); want[a[1]] = $0 }
		/^# CONFIG_.* is not set/ { want[$2] = "" }
		END { for (s in want) print s "\t" want[s] }
	' "$tmp/fragment" | while IFS=$'\t' read -r s w; do
		have=$(grep "^$s=" "$build/.config" || true)
		# The first patch of the series does not know it yet.
		[ "${SERIES:-}" != 1 ] || [[ $s != *_DEFERRED_FREE_DEFAULT_ON ]] || have=$w
		[ "$have" = "$w" ] || echo "${w:-$s off}"
	done)
	[ -z "$lost" ] || die "the kernel's Kconfig does not give:" "$lost"
}
