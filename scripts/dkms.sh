#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make a Debian package that builds zram with the deferred free for installed
# kernels, by DKMS: what is in dkms/, and for each base that can be built so the
# patched sources. Prints the file, results/zram-deferred-free-dkms_VERSION_all.deb.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/kernel/tree.sh"

need_packages patch xz-utils dpkg-dev
lock_cache

# The date and the name of the revision: later ones are newer.
version=0~$(git -C "$here" log -1 --format=%cd.%h --date=format:%Y%m%d%H%M) ||
	die "the package's version comes from git, and $here is no clone"
root=$tmp/root src=$tmp/root/usr/src/zram-deferred-free-$version
doc=$tmp/root/usr/share/doc/zram-deferred-free-dkms
mkdir -p "$root/DEBIAN" "$src" "$doc"

bases=()
for base in "$here"/patches/*/dkms; do
	base=$(basename "$(dirname "$base")")
	source=$(BASE=$base "$here/scripts/kernel/source.sh")
	BASE=$base stage_modules "$source" on "$src/$base"
	rm -rf "$src/$base/mm/zsdefer/tests/"*
	touch "$src/$base/mm/zsdefer/tests"/{core,zspage}-kunit.h
	cat >"$src/$base/version.c" <<-EOF
		#include <linux/module.h>
		MODULE_VERSION("$version");
	EOF
	bases+=("$base")
done

# fill FILE TO: with the version and the bases.
fill()
{
	local pattern

	pattern=$(printf '|%s.*' "${bases[@]}")
	sed "s,@VERSION@,$version,; s,@BASES@,${bases[*]},
		s,@PATTERN@,${pattern#|}," "$here/dkms/$1" >"$2"
	chmod "$(stat -c %a "$here/dkms/$1")" "$2"
}
for file in dkms.conf check-kernel build-for; do
	fill $file "$src/$file"
done
for file in control postinst prerm; do
	fill $file "$root/DEBIAN/$file"
done
for hook in /etc/kernel/{header_postinst.d,postinst.d}/zram-deferred-free; do
	mkdir -p "$root$(dirname "$hook")"
	fill kernel-hook "$root$hook"
	echo "$hook" >>"$root/DEBIAN/conffiles"
done
cp "$here/dkms/README.md" \
	"$here/Documentation/admin-guide/blockdev/zram-deferred-free.rst" "$doc/"
cp "$here/COPYING" "$doc/copyright"

mkdir -p "$here/results"
deb=$here/results/zram-deferred-free-dkms_${version}_all.deb
dpkg-deb --root-owner-group --build "$root" "$deb" >"$tmp/deb.log" || {
	cat "$tmp/deb.log" >&2
	die "dpkg-deb failed"
}
echo "$deb"
