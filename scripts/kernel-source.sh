#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Have the pristine source of the base kernel in the cache, and print its
# folder. It comes from KSRC= (a tree or a tarball), or from Debian's
# linux-source package of a newer release.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/newer-debian.sh"

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
		    "a pristine tree is needed (make unapply KDIR=...)"
}

# Unpack into a folder that gets its name only when it is whole.
unpack()
{
	local tarball=$1 to=$2

	rm -rf "$to.part"
	mkdir -p "$to.part"
	with_progress "unpacking $(basename "$tarball")" "$to.log" \
		tar -xf "$tarball" -C "$to.part" --strip-components=1
	check_tree "$to.part" "$tarball"
	mv "$to.part" "$to"
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
		say "copying $KSRC"
		rsync -a --delete --exclude /.git "$KSRC/" "$to/"
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

from_debian()
{
	local state=$apt_state package=linux-source-$BASE
	local version to deb

	to=$(find "$src" -maxdepth 1 -name "debian-$BASE*" ! -name '*.*.part' \
		! -name '*.log' -type d 2>/dev/null | sort -V | tail -n 1)
	if [ -n "$to" ] && [ -z "${UPDATE:-}" ]; then
		echo "$to"
		return
	fi

	newer_lists "; set KSRC= instead"

	version=$(apt-cache -c "$state/apt.conf" madison "$package" 2>/dev/null |
		awk '{ print $3 }' | sort -V | tail -n 1)
	[ -n "$version" ] ||
		die "Debian has no $package in: $suites; set KSRC= instead"
	to=$src/debian-$version
	if [ ! -d "$to" ]; then
		rm -rf "$state/deb"
		mkdir -p "$state/deb"
		with_progress "fetching $package $version" "$state/fetch.log" \
			env -C "$state/deb" apt-get -q -c "$state/apt.conf" \
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
