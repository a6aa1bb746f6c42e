#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make the guest's initramfs from this machine's own packages, and print its
# file: busybox, perf, stress-ng and mke2fs with their libraries (in the cache),
# and our init, benchmark and jobs (made anew each time). SMALL=1 leaves out all
# but busybox and ours, for a guest of little memory. A BUILD that has zram
# as a module gets its modules, too, one with zswap the kernel's tests of that,
# one with file systems what makes and checks them, and one for another kind of
# machine has to do with less.
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/newer-debian.sh"

# shellcheck disable=SC2046 # a package a word
need_packages $(guest_packages)
need_cache
began=$(date +%s)
source=$("$here/scripts/kernel/source.sh")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

pack()
{
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort |
		cpio -o -H newc -R 0:0 --quiet) | gzip -1
}

# add_program FILE [ROOT]: copy a program and all libraries it is linked with.
add_program()
{
	local file root=${2:-$tmp/base}

	for file in $(readlink -f "$1") \
		$(ldd "$1" | grep -o '/[^ ]*' || true); do
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done
}

# Copy zram.ko, what guests reach their disk by, and all that these depend on, and
# list them in the order of loading.
add_modules()
{
	local build=$1 to=$2 release ko name

	release=$(cat "$build/include/config/kernel.release")
	depmod -b "$build" "$release"
	for ko in virtio_pci virtio_blk zram; do
		modprobe -d "$build" -S "$release" --show-depends $ko
	done | awk '$1 == "insmod" { print $2 }' | while read -r ko; do
		name=$(basename "$ko" .xz)
		case $ko in
		*.xz) xz -dc "$ko" ;;
		*) cat "$ko" ;;
		esac >"$to/$name"
		echo "$name"
	done >"$to/order"
}

# add_file_systems ROOT PROGRAM...: what makes and checks file systems, and what
# looks at block devices.
add_file_systems()
{
	local program

	for program in e2fsck zramctl lsblk "${@:2}"; do
		add_program "$(command -v "$program")" "$1"
	done
	mkdir -p "$1/usr/sbin"
	ln -s "$(readlink -f "$(command -v mke2fs)")" "$1/usr/sbin/mkfs.ext4"
}

# Programs of this machine's own packages, for guests of its kind. They are
# packed again when one of them is updated.
pack_base()
{
	local mke2fs

	say "packing busybox, perf, stress-ng and mke2fs for the guest"
	add_busybox /bin/busybox
	add_program /usr/bin/stress-ng
	add_program /usr/bin/perf
	# The kernel's own selftests of zram make a file system with it.
	mke2fs=$(command -v mke2fs)
	add_program "$mke2fs"
	ln -s "$(readlink -f "$mke2fs")" "$tmp/base/usr/bin/mkfs.ext2"
}

# Of another kind of machine there is busybox, which is enough for selftests.
pack_foreign_base()
{
	foreign_file "$1" busybox-static ./bin/busybox "$tmp/busybox"
	add_busybox "$tmp/busybox"
}

# The applets are the same for all machines, as the version is.
add_busybox()
{
	local applet

	mkdir -p "$tmp/base"/{bin,sbin,usr/bin,proc,sys,dev,tmp,etc,job,out}
	cp "$1" "$tmp/base/bin/busybox"
	for applet in $(/bin/busybox --list); do
		ln -s /bin/busybox "$tmp/base/bin/$applet" 2>/dev/null || true
	done
}

build=${1:-}
machine=$(dpkg --print-architecture) cc=gcc
if [ -n "$build" ] && grep -q '^CONFIG_ARM64=y' "$build/.config"; then
	machine=arm64 cc=aarch64-linux-gnu-gcc
	need_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross
elif [ -n "$build" ] && grep -q '^CONFIG_X86_32=y' "$build/.config"; then
	machine=i386 cc=i686-linux-gnu-gcc
	need_packages gcc-i686-linux-gnu libc6-dev-i386-cross
fi
# shellcheck disable=SC2046 # a package a word
key=$machine-$(dpkg-query -W $(guest_packages) libc6 |
	cat - "$here/scripts/guest/image.sh" | sha256sum | cut -c -12)
base=$ZSDEFER_CACHE/image/base${SMALL:+-small}-$key.cpio.gz
if [ ! -f "$base" ]; then
	if [ $cc = gcc ] && [ -n "${SMALL:-}" ]; then
		add_busybox /bin/busybox
	elif [ $cc = gcc ]; then
		pack_base
	else
		pack_foreign_base "$machine"
	fi
	mkdir -p "$(dirname "$base")"
	pack "$tmp/base" >"$base.part"
	mv "$base.part" "$base"
fi

mkdir -p "$tmp/ours/bin" "$tmp/ours/job"
$cc -O2 -Wall -Wextra -Werror -static -o "$tmp/ours/bin/zsbench" \
	"$here"/tools/testing/zsdefer/zsbench/*.c
# vm.sh asks it for the host's TSC.
[ $cc != gcc ] || cp "$tmp/ours/bin/zsbench" "$ZSDEFER_CACHE/image/"
cp "$here/tools/testing/zsdefer/init" "$tmp/ours/init"
cp "$here"/tools/testing/zsdefer/guest/* "$tmp/ours/job/"
mkdir -p "$tmp/ours/selftests/kselftest"
cp -r "$here/tools/testing/selftests/zsdefer" \
	"$source/tools/testing/selftests/zram" "$tmp/ours/selftests/"
cp "$source/tools/testing/selftests/kselftest/ktap_helpers.sh" \
	"$tmp/ours/selftests/kselftest/"
chmod +x "$tmp/ours/init"
if [ -z "${SMALL:-}" ] && [ -n "$build" ] &&
	grep -q '^CONFIG_EXT4_FS=y' "$build/.config"
then
	programs=()
	if grep -q '^CONFIG_BTRFS_FS=y' "$build/.config"; then
		need_packages btrfs-progs f2fs-tools
		programs=(mkfs.btrfs btrfs mkfs.f2fs fsck.f2fs)
	fi
	add_file_systems "$tmp/ours" "${programs[@]}"
fi
if [ -z "${SMALL:-}" ] && [ -n "$build" ] &&
	grep -q '^CONFIG_ZSWAP=y' "$build/.config" &&
	grep -q '^CONFIG_MEMCG=y' "$build/.config"
then
	cgroup=$source/tools/testing/selftests/cgroup
	for t in test_zswap test_memcontrol test_kmem; do
		gcc -O2 -static -w -Wl,--no-warnings -pthread -I"$cgroup/.." \
			-I"$cgroup/lib/include" -o "$tmp/ours/bin/$t" \
			"$cgroup/$t.c" "$(find "$cgroup" -name cgroup_util.c)"
	done
fi
if [ -n "$build" ] && grep -q '^CONFIG_ZRAM=m' "$build/.config"; then
	need_packages kmod
	mkdir -p "$tmp/ours/modules"
	add_modules "$build" "$tmp/ours/modules"
fi
image=$(mktemp "$ZSDEFER_CACHE/image/guest-XXXXXX.cpio.gz")
{
	cat "$base"
	pack "$tmp/ours"
} >"$image"
spent image "$began"
echo "$image"
