#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make the guest's initramfs from this machine's own packages, and print its
# file: busybox, perf and stress-ng with their libraries (kept in the cache),
# and our init, benchmark and jobs (made anew each time). With a BUILD that
# has zram as a module, its modules are added, too.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

need_packages busybox-static stress-ng linux-perf build-essential cpio
need_cache
source=$("$here/scripts/kernel-source.sh")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

pack()
{
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort |
		cpio -o -H newc -R 0:0 --quiet) | gzip -1
}

# Copy a program and all libraries it is linked with.
add_program()
{
	local file root=$tmp/base

	for file in $(readlink -f "$1") \
		$(ldd "$1" | grep -o '/[^ ]*' || true); do
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done
}

# Copy zram.ko and all it depends on, and list them in the order of loading.
add_modules()
{
	local build=$1 to=$2 release ko

	release=$(cat "$build/include/config/kernel.release")
	make -s -C "$build" INSTALL_MOD_PATH="$tmp/installed" \
		modules_install >/dev/null
	depmod -b "$tmp/installed" "$release"
	modprobe -d "$tmp/installed" -S "$release" --show-depends zram |
		awk '{ print $2 }' | while read -r ko; do
		cp "$ko" "$to/"
		basename "$ko"
	done >"$to/order"
}

# shellcheck disable=SC2016
key=$(dpkg-query -W busybox-static stress-ng linux-perf libc6 |
	cat - "$here/scripts/image.sh" | sha256sum | cut -c -12)
base=$ZSDEFER_CACHE/image/base-$key.cpio.gz
if [ ! -f "$base" ]; then
	say "packing busybox, perf and stress-ng for the guest"
	mkdir -p "$tmp/base"/{bin,sbin,usr/bin,proc,sys,dev,tmp,etc,job,out}
	cp /bin/busybox "$tmp/base/bin/"
	for applet in $(/bin/busybox --list); do
		ln -s /bin/busybox "$tmp/base/bin/$applet" 2>/dev/null || true
	done
	add_program /usr/bin/stress-ng
	# The wrapper in older packages is a script beside the real program.
	perf=$(readlink -f /usr/bin/perf)
	if head -c 2 "$perf" | grep -q '#!'; then
		perf=$(find /usr/bin -name 'perf_*' | sort -V | tail -n 1)
	fi
	add_program "$perf"
	[ -e "$tmp/base/usr/bin/perf" ] ||
		ln -s "$perf" "$tmp/base/usr/bin/perf"
	mkdir -p "$(dirname "$base")"
	pack "$tmp/base" >"$base.part"
	mv "$base.part" "$base"
fi

mkdir -p "$tmp/ours/bin" "$tmp/ours/job"
gcc -O2 -Wall -Wextra -Werror -static -o "$tmp/ours/bin/zsbench" \
	"$here/tools/testing/zsdefer/zsbench.c"
# vm.sh asks it for the host's TSC.
cp "$tmp/ours/bin/zsbench" "$ZSDEFER_CACHE/image/"
cp "$here/tools/testing/zsdefer/init" "$tmp/ours/init"
cp "$here"/tools/testing/zsdefer/guest/* "$tmp/ours/job/"
mkdir -p "$tmp/ours/selftests/kselftest"
cp -r "$here/tools/testing/selftests/zsdefer" "$tmp/ours/selftests/"
cp "$source/tools/testing/selftests/kselftest/ktap_helpers.sh" \
	"$tmp/ours/selftests/kselftest/"
chmod +x "$tmp/ours/init"
if [ -n "${1:-}" ] && grep -q '^CONFIG_ZRAM=m' "$1/.config"; then
	need_packages kmod
	mkdir -p "$tmp/ours/modules"
	add_modules "$1" "$tmp/ours/modules"
fi
image=$(mktemp "$ZSDEFER_CACHE/image/guest-XXXXXX.cpio.gz")
{
	cat "$base"
	pack "$tmp/ours"
} >"$image"
echo "$image"
