#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's own cloud kernel, and zram and zsmalloc built as modules for it:
# stock.sh unpatched|on..., and print a folder for each, such as those of
# kernel/build.sh. The kernel and its headers are unpacked into the cache, and
# nothing of them is installed.
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../kernel/tree.sh"

# An image and headers that fit the source, by their version.
find_release()
{
	local name

	for name in $(apt-cache search --names-only \
		"^linux-headers-$BASE\\..*-cloud-$machine\$" | cut -d ' ' -f 1 |
		sort -rV)
	do
		! apt-cache madison "$name" | awk '{ print $3 }' |
			grep -qxF "$1" || {
			echo "${name#linux-headers-}"
			return
		}
	done
}

# fetch VERSION RELEASE: unpack them, and have them find each other here.
fetch()
{
	local version=$1 release=$2 p deb=$stock.part/deb packages

	packages=("linux-image-$release" "linux-headers-$release"
		"linux-headers-${release%-cloud-*}-common"
		"linux-kbuild-${release%-cloud-*}")
	rm -rf "$stock.part"
	mkdir -p "$deb"
	step=fetch or_else='is there a network?' with_progress \
		"fetching Linux $release" "$stock.log" env -C "$deb" \
		apt-get -q download "${packages[@]/%/=$version}"
	for p in "$deb"/*.deb; do
		dpkg-deb -x "$p" "$stock.part"
	done
	rm -r "$deb"
	sed -i "s,include /usr,include $stock/usr," \
		"$stock.part/usr/src/linux-headers-$release/Makefile"
	echo "$release" >"$stock.part/release"
	rm -rf "$stock"
	mv "$stock.part" "$stock"
}

compile()
{
	make -C "$headers" M="$1" -j"$JOBS" CC="ccache $compiler" \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
}

# In the form that image.sh and vm.sh know.
keep_kernel()
{
	local lib=$kept.part/lib/modules/$release ko

	rm -rf "$kept.part"
	mkdir -p "$kept.part"/{arch/x86/boot,include/config} "$lib/updates"
	# QEMU starts what is unpacked, too, and emulated guests are slow at it.
	sh "$source/scripts/extract-vmlinux" "$stock/boot/vmlinuz-$release" \
		>"$kept.part/arch/x86/boot/bzImage" 2>"$tmp/extract.log" ||
		die "$stock/boot/vmlinuz-$release can't be unpacked"
	cp "$stock/boot/config-$release" "$kept.part/.config"
	cp "$stock/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} \
		"$lib/"
	echo "$release" >"$kept.part/include/config/kernel.release"
	# What a guest needs of the kernel's own.
	for ko in virtio_blk lz4_compress lz4hc_compress; do
		find "$stock/lib/modules" -name "$ko.ko*" -exec cp {} "$lib/" \;
	done
	for ko in "$1"/*.ko; do
		strip -g -o "$lib/updates/$(basename "$ko")" "$ko"
	done
	size "$1"/*.ko >"$kept.part/size"
	"$compiler" --version | head -n 1 >"$kept.part/compiler"
	cp "$tmp/key" "$kept.part/key"
	rm -rf "$kept"
	mv "$kept.part" "$kept"
}

build()
{
	local flavour=$1 build=$ZSDEFER_CACHE/build/$name-stock-$1 kept

	kept=$ZSDEFER_CACHE/kernel/$name-stock-$flavour
	rm -rf "$tmp/modules"
	stage_modules "$source" "$flavour" "$tmp/modules"
	{
		echo "$release" "$("$compiler" --version | head -n 1)"
		cat "$here/scripts/kernel/stock.sh"
		(cd "$tmp/modules" && find . -type f ! -path '*/tests/*' |
			LC_ALL=C sort | xargs sha256sum)
	} | sha256sum >"$tmp/key"
	if ! cmp -s "$tmp/key" "$kept/key"; then
		rm -rf "$build"
		mkdir -p "$(dirname "$build")"
		cp -r "$tmp/modules" "$build"
		step=modules with_progress \
			"building zram's modules \"$flavour\" for Linux $release" \
			"$build.log" compile "$build"
		keep_kernel "$build"
	fi
	echo "$kept"
}

[ $# -gt 0 ] || die "usage: $0 unpatched|on..."
machine=$(dpkg --print-architecture)
[ "$machine" = amd64 ] || die "Debian's cloud kernel is tried on amd64 only"
[ -z "${KSRC:-}" ] || die "Debian's kernel needs Debian's source: unset KSRC"
# On 7.3 the kernel's own pages migrate, and those of modules do not.
[ "$BASE" = 6.12 ] ||
	die "there is no way to build modules for BASE=$BASE that do all that its own do"
# shellcheck disable=SC2046 # names are words
need_packages $(build_packages)
lock_cache
source=$("$here/scripts/kernel/source.sh")
name=$(basename "$source")
version=${name#debian-}
stock=$ZSDEFER_CACHE/stock/$version
if [ ! -d "$stock" ]; then
	need_space 500 "$ZSDEFER_CACHE"
	update_lists
	release=$(find_release "$version")
	[ -n "$release" ] ||
		die "this machine's apt has no cloud kernel of version $version;" \
		    "UPDATE=1 looks for a newer source, after apt-get update"
	fetch "$version" "$release"
fi
release=$(cat "$stock/release")
headers=$stock/usr/src/linux-headers-$release
# The kernel's own compiler.
compiler=$(sed -n 's/^CC = .*\(gcc-[0-9]*\)$/\1/p' "$headers/.kernelvariables")
need_packages "${compiler:=gcc}"
for flavour in "$@"; do
	build "$flavour"
done
