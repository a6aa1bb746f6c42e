#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Have the pristine source of the base kernel in the cache, and print its
# folder. It comes from KSRC= (a tree or a tarball), or from Debian's
# linux-source package through an apt state of our own, which leaves the
# system's alone and takes the mirror from the system's configuration.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Where Debian keeps kernels that are newer than its stable release's.
suites="trixie-backports forky sid"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
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

# The system's own settings hold (a proxy, say), but its state is not used,
# and what it runs after an update is not run.
apt_configure()
{
	local state=$1 site=$2

	mkdir -p "$state"/{sources,state,lists/partial,cache/archives/partial}
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
		"$site" "$suites" "$keyring" >"$state/sources/debian.sources"
	cat >"$state/apt.conf" <<-EOF
		#clear APT::Update;
		#clear DPkg::Post-Invoke;
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$state/sources";
		Dir::State "$state/state";
		Dir::State::Lists "$state/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$state/cache";
		Acquire::Languages "none";
		APT::Sandbox::User "$(id -un)";
	EOF
}

from_debian()
{
	local state=$ZSDEFER_CACHE/apt site package=linux-source-$BASE
	local version to deb

	to=$(find "$src" -maxdepth 1 -name "debian-$BASE*" ! -name '*.*.part' \
		! -name '*.log' -type d 2>/dev/null | sort -V | tail -n 1)
	if [ -n "$to" ] && [ -z "${UPDATE:-}" ]; then
		echo "$to"
		return
	fi

	need_packages debian-archive-keyring xz-utils
	# shellcheck disable=SC2016 # these are apt's, not the shell's
	site=$(apt-get indextargets --format '$(LABEL)|$(SITE)' \
		'Created-By: Packages' | sed -n 's/^Debian|//p' | head -n 1)
	[ -n "$site" ] ||
		die "no Debian mirror in this machine's apt configuration" \
		    "(or no lists yet: apt-get update); set KSRC= instead"
	apt_configure "$state" "$site"
	with_progress "reading Debian's lists of $suites" "$state/update.log" \
		apt-get -q -c "$state/apt.conf" update

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
