# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What builds kernels share: the patched tree, and its configuration. Source
# it after lib.sh. Makes a folder $tmp, which goes with the script.

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

export CCACHE_DIR=$ZSDEFER_CACHE/ccache CCACHE_BASEDIR=$ZSDEFER_CACHE
export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
export KBUILD_BUILD_USER=zsdefer KBUILD_BUILD_HOST=zsdefer
export KBUILD_BUILD_TIMESTAMP='1970-01-01'

# The architecture and compiler of a build, for make: ARCH=..., CC=...
kbuild_flags=()

# stage_design DESIGN SOURCE STAGE: the files that one of the designs changes
# that the evaluation compares with ours.
stage_design()
{
	# shellcheck disable=SC2154 # lib.sh sets it
	local patch=$here/tools/testing/zsdefer/designs/$1.patch f

	[ -f "$patch" ] || die "there is no design $1"
	while read -r f; do
		mkdir -p "$3/$(dirname "$f")"
		cp "$2/$f" "$3/$f"
	done < <(sed -n 's|^+++ b/||p' "$patch")
	patch -d "$3" -p1 --force --fuzz=0 --no-backup-if-mismatch -r - \
		<"$patch" >"$tmp/patch.log" 2>&1 || {
		cat "$tmp/patch.log" >&2
		die "the design $1 does not fit $2"
	}
}

# sync_tree SOURCE TREE [DESIGN]: hard links to the pristine source, then this
# clone's files, or the design's, over them. Only those that differ are written.
sync_tree()
{
	local source=$1 tree=$2 design=${3:-} f

	if [ ! -d "$tree" ]; then
		say "making a tree to build in"
		rm -rf "$tree.part"
		mkdir -p "$(dirname "$tree")"
		cp -al "$source" "$tree.part"
		mv "$tree.part" "$tree"
	fi
	rm -rf "$tmp/stage"
	if [ -n "$design" ]; then
		stage_design "$design" "$source" "$tmp/stage"
	else
		"$here/scripts/apply.sh" stage "$source" "$tmp/stage"
	fi
	(cd "$tmp/stage" && find . -type f | LC_ALL=C sort) >"$tmp/files"
	# What is left of an earlier clone or flavour, and not wanted now.
	if [ -f "$tree.files" ]; then
		while read -r f; do
			rm -f "$tree/$f"
			# As new, or make would not see that it is another.
			[ ! -f "$source/$f" ] || cp "$source/$f" "$tree/$f"
		done < <(comm -23 "$tree.files" "$tmp/files")
	fi
	while read -r f; do
		cmp -s "$tmp/stage/$f" "$tree/$f" && continue
		mkdir -p "$tree/$(dirname "$f")"
		cp --remove-destination "$tmp/stage/$f" "$tree/$f"
	done <"$tmp/files"
	cp "$tmp/files" "$tree.files"
}

# configure TREE BUILD FRAGMENT...: tinyconfig with the fragments on top. The
# configuration must be what they ask for, symbol by symbol.
configure()
{
	local from=$1 build=$2 lost
	local kmake=(make -s -C "$from" O="$build" "${kbuild_flags[@]}")

	shift 2
	cat "$@" >"$tmp/fragment"
	mkdir -p "$build"
	if ! cmp -s "$tmp/fragment" "$build/.fragment"; then
		rm -f "$build/.fragment"
		"${kmake[@]}" tinyconfig >/dev/null
		"$from/scripts/kconfig/merge_config.sh" -m -O "$build" \
			"$build/.config" "$@" >/dev/null
	fi
	"${kmake[@]}" olddefconfig >/dev/null
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
