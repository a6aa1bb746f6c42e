#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Have the unpatched source of the base kernel in the cache, and print its
# folder; FOLDER.id beside it is another for another source. It comes from KSRC=
# (a tree or a tarball), or from Debian's linux-source package: the system's own
# release's, if that has it, or a newer one's.
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/newer-debian.sh"

src=$ZSDEFER_CACHE/src

check_tree()
{
	local version

	version=$(kernel_version "$1")
	[ -n "$version" ] && [ -f "$1/mm/zsmalloc.c" ] ||
		die "$2 is not a kernel source tree"
	[ "${version% *}" = "$BASE" ] ||
		die "$2 is Linux ${version#* }, and BASE is $BASE"
	[ ! -e "$1/Kconfig.zsdefer" ] ||
		die "$2 has the deferred free applied already;" \
		    "an unpatched tree is needed (make unapply KDIR=...)"
}

# Unpack into a folder that gets its name only when it is whole.
unpack()
{
	local tarball=$1 to=$2

	rm -rf "$to.part"
	mkdir -p "$to.part"
	need_space 2500 "$src"
	# A record of tar's has 10 KiB.
	step=unpack how_far=unpacked with_progress \
		"unpacking $(basename "$tarball")" "$to.log" \
		tar -xf "$tarball" -C "$to.part" --strip-components=1 \
		--checkpoint=2000 --checkpoint-action=echo=%u
	check_tree "$to.part" "$tarball"
	basename "$to" >"$to.id"
	mv "$to.part" "$to"
}

unpacked()
{
	awk 'END { printf "%d MiB\n", $NF / 102.4 }' "$1"
}

# How much of the package is there: "80 of 150 MB".
fetched()
{
	echo "$(du -sm --apparent-size "$state/deb" | cut -f 1) of $megabytes MB"
}

from_ksrc()
{
	local key to

	if [ -d "$KSRC" ]; then
		KSRC=$(cd "$KSRC" && pwd)
		check_tree "$KSRC" "$KSRC"
		if [ -f "$KSRC/.config" ] || [ -d "$KSRC/include/config" ]; then
			die "$KSRC has been built in; run make mrproper there," \
			    "or give a clean tree"
		fi
		key=$(printf '%s' "$KSRC" | sha256sum | cut -c -12)
		to=$src/ksrc-$key
		need_packages rsync
		# Another state of it is another source.
		(cd "$KSRC" && find . -path ./.git -prune -o -type f \
			-printf '%p %s %T@\n') | LC_ALL=C sort | sha256sum >"$to.new"
		cmp -s "$to.new" "$to.id" || {
			rm -f "$to.id"
			with_progress "copying $KSRC" "$to.log" \
				rsync -a --delete --exclude /.git "$KSRC/" "$to/"
			mv "$to.new" "$to.id"
		}
	elif [ -f "$KSRC" ]; then
		tar -tf "$KSRC" >/dev/null 2>&1 ||
			die "KSRC=$KSRC is neither a tree nor a tarball"
		key=$(sha256sum "$KSRC" | cut -c -12)
		to=$src/ksrc-$key
		[ -d "$to" ] || unpack "$KSRC" "$to"
	else
		die "KSRC=$KSRC does not exist"
	fi
	check_tree "$to" "$KSRC"
	echo "$to"
}

newest_version()
{
	apt-cache "${conf[@]}" madison "$package" 2>/dev/null |
		awk '{ print $3 }' | sort -V | tail -n 1
}

from_debian()
{
	local state=$apt_state package=linux-source-$BASE version megabytes deb to
	local conf=()

	to=$(find "$src" -maxdepth 1 -name "debian-$BASE*" ! -name '*.*.part' \
		-type d 2>/dev/null | sort -V | tail -n 1)
	if [ -n "$to" ] && [ -z "${UPDATE:-}" ]; then
		[ -f "$to.id" ] || basename "$to" >"$to.id"
		echo "$to"
		return
	fi

	need_space 3000 "$src"
	update_lists
	version=$(newest_version)
	if [ -z "$version" ]; then
		newer_lists "; set KSRC= instead"
		conf=(-c "$state/apt.conf")
		version=$(newest_version)
	fi
	[ -n "$version" ] ||
		die "Debian has no $package in: $suites; set KSRC= instead"
	to=$src/debian-$version
	if [ ! -d "$to" ]; then
		rm -rf "$state/deb"
		mkdir -p "$state/deb"
		megabytes=$(apt-cache "${conf[@]}" show "$package=$version" |
			awk '$1 == "Size:" { print int($2 / 1e6); exit }')
		step=fetch how_far=fetched with_progress \
			"fetching $package $version" "$state/fetch.log" \
			env -C "$state/deb" apt-get -q "${conf[@]}" \
			download "$package=$version"
		deb=$(find "$state/deb" -name '*.deb')
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$state/deb" --wildcards --strip-components=3 \
			"./usr/src/$package.tar.xz"
		unpack "$state/deb/$package.tar.xz" "$to"
		rm -rf "$state/deb"
	fi
	echo "$to"
}

[ -d "$here/patches/$BASE" ] ||
	die "BASE=$BASE is unknown; there is: $(cd "$here/patches" && echo *)"
need_cache
mkdir -p "$src"
if [ -n "${KSRC:-}" ]; then
	from_ksrc
else
	from_debian
fi
