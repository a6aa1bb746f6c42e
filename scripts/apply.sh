#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lay the feature over a kernel tree, or take it off again.
#
#	apply.sh apply KDIR	apply; with CHECK=1 only tell if it would
#	apply.sh unapply KDIR	undo exactly that; CHECK=1 likewise
#	apply.sh stage KDIR DIR	put the files that apply would write in DIR
#
# WITHOUT="0004 ..." leaves optional patches out, WITHOUT=all leaves out all of
# them. unapply finds out which there are. PATCHES=7.3 has the hooks of that kernel
# tried in another.
#
# All the work happens in a folder aside. KDIR is written to only when
# everything fits, and then without being interrupted.
set -euo pipefail
shopt -s nullglob
. "$(dirname "$0")/lib/common.sh"

# What is laid over the tree as it is.
overlay="mm drivers include Documentation tools Kconfig.zsdefer"

action=${1:-}
kdir=${2:-}
[ -n "$kdir" ] || die "usage: $0 apply|unapply|stage KDIR (make apply KDIR=...)"
[ -d "$kdir" ] || die "$kdir is not a folder"
kdir=$(cd "$kdir" && pwd)

version=$(kernel_version "$kdir")
[ -n "$version" ] && [ -f "$kdir/mm/zsmalloc.c" ] ||
	die "$kdir is not a kernel source tree"
base=${PATCHES:-${version% *}}
patches=$here/patches/$base
[ -d "$patches" ] ||
	die "Linux ${version#* } is not supported; there are hooks for:" \
	    "$(cd "$here/patches" && echo *)"

for n in ${WITHOUT:-}; do
	[ "$n" = all ] || compgen -G "$patches/optional/$n-*.patch" >/dev/null ||
		die "WITHOUT has $n; optional are:" \
		    "$(cd "$patches/optional" 2>/dev/null && echo * || echo none)"
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
stage=$tmp/stage
mkdir "$stage"

overlay_files()
{
	# shellcheck disable=SC2086
	(cd "$here" && find $overlay -type f ! -name '*.o' ! -name '*.cmd' \
		! -name '*~' ! -name '*.pyc' | LC_ALL=C sort)
}

# hooked_files PATCHES: the existing kernel files that they change.
hooked_files()
{
	xargs -d '\n' sed -n 's|^+++ b/||p' <<<"$1" | LC_ALL=C sort -u
}

# The optional patches that an optional patch builds on: its "Needs:" line.
needs()
{
	sed -n '/^diff /q; s/^Needs: //p' "$1"
}

# An optional patch that is left out takes along those that build on it.
wanted_patches()
{
	local p n need without=" ${WITHOUT:-} "

	printf '%s\n' "$patches"/*.patch
	case $without in *' all '*) return ;; esac
	for p in "$patches"/optional/*.patch; do
		n=$(basename "$p")
		n=${n%%-*}
		for need in "$n" $(needs "$p"); do
			case $without in *" $need "*)
				without="$without$n "
				continue 2
				;;
			esac
		done
		printf '%s\n' "$p"
	done
}

patch_quietly()
{
	patch -d "$stage" -p1 --force --fuzz=0 --no-backup-if-mismatch \
		-r - "$@" >"$tmp/patch.log" 2>&1
}

# An optional patch that can't be taken off, but applied, had been left out.
left_out()
{
	local n

	case $1 in "$patches"/optional/*) ;; *) return 1 ;; esac
	! patch_quietly --dry-run --reverse <"$1" || return 1
	! patch_quietly --dry-run --forward <"$1" || return 0
	# Or what it builds on had been left out.
	for n in $(needs "$1"); do
		left_out "$patches/optional/$n"-*.patch && return 0
	done
	return 1
}

applied()
{
	[ -e "$kdir/Kconfig.zsdefer" ] || grep -qs zsdefer "$kdir/mm/Kconfig"
}

# Copy the hooked files from KDIR and run the patches over the copies.
patch_stage()
{
	local f p direction=$1 list=$2

	while read -r f; do
		[ -f "$kdir/$f" ] || die "$kdir has no $f to hook into"
		mkdir -p "$stage/$(dirname "$f")"
		cp "$kdir/$f" "$stage/$f"
	done < <(hooked_files "$list")

	for p in $list; do
		[ "$direction" = --forward ] || ! left_out "$p" || continue
		patch_quietly "$direction" <"$p" && continue
		{
			echo "In $kdir this does not fit $(basename "$p"):"
			awk '/^(checking|patching) file/ { f = $3 }
			     /FAILED|[Rr]eversed|ignored/ { print "  " f ": " $0 }' \
				"$tmp/patch.log"
		} >&2
		die "a hook site is not as Linux $base has it; nothing was changed"
	done
}

stage_apply()
{
	patch_stage --forward "$(wanted_patches)"
	overlay_files | (cd "$here" && xargs -d '\n' cp --parents -t "$stage")
}

# Not to be interrupted; tar replaces files rather than writing into them.
install_stage()
{
	trap '' INT TERM HUP
	(cd "$stage" && find . -type f | tar -c -T -) |
		tar -x -C "$kdir" --no-same-owner
}

do_apply()
{
	local f

	applied && die "$kdir has the deferred free applied already" \
		       "(make unapply KDIR=$kdir)"
	stage_apply
	while read -r f; do
		[ ! -e "$kdir/$f" ] ||
			die "$kdir/$f is in the way; nothing was changed"
	done < <(overlay_files)
	[ -z "${CHECK:-}" ] || {
		echo "The deferred free applies to $kdir (Linux ${version#* })."
		return
	}
	[ -w "$kdir/mm/zsmalloc.c" ] && [ -w "$kdir" ] ||
		die "$kdir can't be written"
	install_stage
	echo "Applied to $kdir (Linux ${version#* })."
	echo "Set CONFIG_ZSMALLOC_DEFERRED_FREE=y; make unapply undoes it."
}

do_unapply()
{
	local f changed=()

	applied || die "$kdir does not have the deferred free applied"
	while read -r f; do
		cmp -s "$here/$f" "$kdir/$f" || changed+=("$f")
	done < <(overlay_files)
	[ ${#changed[@]} -eq 0 ] ||
		die "not as they were applied, so not undone: ${changed[*]}"
	patch_stage --reverse "$(WITHOUT='' wanted_patches | tac)"
	[ -z "${CHECK:-}" ] || {
		echo "The deferred free can be taken off $kdir."
		return
	}
	install_stage
	overlay_files | (cd "$kdir" && xargs -d '\n' rm)
	overlay_files | xargs -d '\n' dirname | sort -u | grep -v '^\.$' |
		(cd "$kdir" && xargs -d '\n' rmdir -p --ignore-fail-on-non-empty \
			2>/dev/null) || true
	echo "Taken off $kdir."
}

case $action in
apply) do_apply ;;
unapply) do_unapply ;;
stage)
	stage_apply
	mkdir -p "$3"
	cp -a "$stage/." "$3/"
	;;
*) die "usage: $0 apply|unapply|stage KDIR" ;;
esac
