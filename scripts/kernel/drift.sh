#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Do the patches of each base fit the newest package of that series still, and the
# newest base's the newest kernel that Debian's experimental suite has? Prints a line
# for each; what does not fit is for people to look at, and no failure.
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/newer-debian.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$ZSDEFER_CACHE/drift"

# newest PACKAGE_PATTERN CONF...: "package version" of the newest.
newest()
{
	local pattern=$1 package

	shift
	for package in $(apt-cache "$@" search --names-only "$pattern" |
		cut -d ' ' -f 1); do
		apt-cache "$@" madison "$package" |
			awk '{ print $1, $3 }' | head -n 1
	done | sort -V -k 2 | tail -n 1
}

# Have the files that patches change in $tree: of a source that is there, or out of
# the package, once for each version.
files_of()
{
	local package=$1 version=$2 to=$ZSDEFER_CACHE/drift/$2 deb=$tmp/deb

	shift 2
	tree=$ZSDEFER_CACHE/src/debian-$version
	[ ! -d "$tree" ] || return 0
	tree=$to
	[ ! -d "$to" ] || return 0
	rm -rf "$to.part"
	mkdir -p "$deb" "$to.part"
	with_progress "fetching $package $version" "$tmp/fetch.log" \
		env -C "$deb" apt-get -q "$@" download "$package=$version"
	# What a patch may want and this kernel has not is no error here.
	dpkg-deb --fsys-tarfile "$deb"/*.deb |
		tar -xO --wildcards '*.tar.xz' | xz -dc -T 0 |
		tar -x -C "$to.part" --strip-components=1 --wildcards \
			--wildcards-match-slash \
			'*/mm/*.[ch]' '*/mm/Kconfig' '*/mm/Makefile' \
			'*/drivers/block/zram/*' '*/include/linux/blkdev.h' \
			'linux-source-*/Documentation/*' 'linux-source-*/Makefile' \
			2>/dev/null || true
	rm -r "$deb"
	[ -f "$to.part/Makefile" ] || die "$package $version could not be unpacked"
	mv "$to.part" "$to"
}

# fits BASE PACKAGE VERSION CONF...
fits()
{
	local base=$1 version=$3

	shift
	files_of "$@"
	if PATCHES=$base CHECK=1 "$here/scripts/apply.sh" apply "$tree" \
		>"$tmp/log" 2>&1; then
		echo "patches/$base fits $1 $version"
	else
		echo "patches/$base does not fit $1 $version:"
		sed 's/^/  /' "$tmp/log"
	fi
}

newer_lists ''
read_lists "$apt_state-experimental" experimental "$(dpkg --print-architecture)" ''
for base in "$here"/patches/*; do
	base=$(basename "$base")
	conf=()
	read -r package version < <(newest "^linux-source-$base\$") || {
		conf=(-c "$apt_state/apt.conf")
		read -r package version < <(newest "^linux-source-$base\$" \
			"${conf[@]}") || continue
	}
	fits "$base" "$package" "$version" "${conf[@]}"
done
conf=(-c "$apt_state-experimental/apt.conf")
! read -r package version < <(newest '^linux-source-[0-9.]*$' "${conf[@]}") ||
	fits "$(cd "$here/patches" && printf '%s\n' * | sort -V | tail -n 1)" \
		"$package" "$version" "${conf[@]}"
