#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The package of "make dkms" in Debians of its own, 12 and 13 (RELEASES=): installed,
# built, booted in a guest, kept over an upgrade of the kernel, removed. Prints "ok
# WHAT", "not ok WHAT", or "skip WHAT: WHY" lines, as builds.sh does. Needs root, for
# chroot.
set -euo pipefail
export BASE=6.12 SMALL=1
releases=${RELEASES:-bookworm trixie}
. "$(dirname "$0")/../../lib/common.sh"
. "$(dirname "$0")/../../lib/newer-debian.sh"

[ "$(id -u)" -eq 0 ] || {
	echo "skip the package: a Debian of its own needs root"
	exit
}
[ "$(dpkg --print-architecture)" = amd64 ] || {
	echo "skip the package: it is tried on amd64 only"
	exit
}
need_packages debootstrap dpkg-dev kmod
lock_cache
tmp=$(mktemp -d)
root='' images=()
trap '[ -z "$root" ] || umount -q "$root/proc" || true; rm -rf --one-file-system "$tmp" "${images[@]}"' EXIT

result()
{
	local what="$release: $1"

	shift
	if "$@" >"$tmp/log" 2>&1; then
		echo "ok $what"
	else
		echo "not ok $what"
		tail -n 40 "$tmp/log" >&2
	fi
}

inside()
{
	chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}

# A small system of that release; once for all runs.
make_root()
{
	local security base=$ZSDEFER_CACHE/dkms-root-$release.tar

	root=$tmp/$release
	mkdir "$root"
	if [ ! -f "$base" ]; then
		with_progress "making a Debian $release to install it in" \
			"$ZSDEFER_CACHE/dkms-root.log" \
			debootstrap --variant=minbase \
			--include=dkms,make,kmod,xz-utils,openssl,systemd-sysv,udev \
			"$release" "$root" "$(debian_site Debian)"
		tar -cf "$base.part" -C "$root" .
		mv "$base.part" "$base"
	else
		tar -xf "$base" -C "$root"
	fi
	printf "deb $(debian_site Debian) %s main\n" "$release" "$release-updates" \
		"$release-backports" >"$root/etc/apt/sources.list"
	security=$(debian_site Debian-Security)
	[ -z "$security" ] || echo "deb $security $release-security main" \
		>>"$root/etc/apt/sources.list"
	mount -t proc proc "$root/proc"
	inside apt-get -q update
}

# newest_kernels NR PATTERN: releases, the newest last.
newest_kernels()
{
	inside apt-cache search --names-only "^linux-image-$2\$" |
		sed 's/^linux-image-\([^ ]*\).*/\1/' | sort -V | tail -n "$1"
}

install_kernel()
{
	inside apt-get -q -y --no-install-recommends -t "$release-backports" install \
		"linux-headers-$1" "linux-image-$1"
}

# What modprobe takes for zram: ours or the kernel's.
zram_of()
{
	inside modinfo -k "$1" -n zram
}

ours()
{
	case $(zram_of "$1") in */updates/dkms/zram.ko*) ;; *) return 1 ;; esac
}

# find_kernel RELEASE: have it, and an image of ours with its modules, for vm.sh.
find_kernel()
{
	build=$tmp/build
	rm -rf "$build"
	mkdir -p "$build"/{arch/x86/boot,include/config}
	cp "$root/boot/vmlinuz-$1" "$build/arch/x86/boot/bzImage"
	cp "$root/boot/config-$1" "$build/.config"
	echo "$1" >"$build/include/config/kernel.release"
	ln -s "$root/lib" "$build/lib"
	image=$("$here/scripts/guest/image.sh" "$build")
	images+=("$image")
}

# boot RELEASE: swap to its zram in a guest, and kill who has memory there.
boot()
{
	local build image status=0

	find_kernel "$1"
	rm -rf "$tmp/out"
	"$here/scripts/guest/vm.sh" -m 1024 -n "$1" "$build" "$image" "$tmp/out" \
		release 1 kill 64x1 || status=$?
	! grep -E 'WARNING|BUG|Oops' "$tmp/out/dmesg" || status=1
	return $status
}

boots_ours()
{
	ours "$1" && boot "$1" && grep '^drained [1-9]' "$tmp/out/stats"
}

boots_its_own()
{
	! ours "$1" && boot "$1" && [ ! -e "$tmp/out/stats" ]
}

# says WORDS COMMAND...: it does, whether it succeeds or not.
says()
{
	local words=$1

	shift
	"$@" >"$tmp/said" 2>&1 || true
	cat "$tmp/said"
	grep -q "$words" "$tmp/said"
}

# in_use MODULE WORDS COMMAND...: it succeeds, and says so of a module in use.
in_use()
{
	local module=$root/sys/module/$1 status=0

	mkdir -p "$module"
	"${@:3}" >"$tmp/said" 2>&1 || status=$?
	rmdir "$module"
	cat "$tmp/said"
	grep -q "$2" "$tmp/said" && return $status
}

# boot_debian RELEASE: all of that system, with its own udevd.
boot_debian()
{
	local build image status=0

	mkdir -p "$root/job"
	cp "$here"/tools/testing/zsdefer/guest/* "$root/job/"
	cp "$ZSDEFER_CACHE/image/zsbench" "$root/usr/bin/"
	cat >"$root/etc/systemd/system/job.service" <<-END
		[Service]
		Environment=zs_jobs=/job
		ExecStart=sh /job/debian.sh
		[Install]
		WantedBy=multi-user.target
	END
	# A login there would hang up on the job.
	inside systemctl -q mask serial-getty@ttyS0.service &&
		inside systemctl -q enable job.service || return
	umount "$root/proc"
	rm -f "$tmp/disk"
	mke2fs -q -t ext4 -d "$root" "$tmp/disk" 4G || status=1
	mount -t proc proc "$root/proc"
	find_kernel "$1"
	timeout 400 "$here/scripts/guest/vm.sh" disk "$build" "$image" \
		"$root/boot/initrd.img-$1" "$tmp/disk" </dev/null | tr -d '\r' >"$tmp/console" || status=1
	cat "$tmp/console"
	! grep -E 'WARNING|BUG|Oops' "$tmp/console" || status=1
	grep -q '@@ busy [0-9]* of 60 devices' "$tmp/console" || status=1
	return $status
}

# swaps_by RELEASE PACKAGE: it sets swap up, and who is killed there is freed later.
swaps_by()
{
	local status=0

	inside apt-get -q -y --no-install-recommends install "$2" || return
	mkdir -p "$root/job"
	touch "$root/job/wants-swap"
	boot_debian "$1" || status=1
	rm "$root/job/wants-swap"
	inside apt-get -q -y purge "$2" || status=1
	grep -q '@@ drained [1-9]' "$tmp/console" || status=1
	return $status
}

busy()
{
	sed -n 's/.*@@ busy \([0-9]*\) of.*/\1/p' "$tmp/console"
}

# With the kernel's own zram: who sets devices up met udevd as often, within a tenth.
udevd_is_met_as_often()
{
	rm -f "$root/etc/udev/rules.d/90-zram.rules"
	boot_debian "$1" || return
	echo "busy $busy_with_ours times, and $(busy) with the kernel's own"
	[ "$busy_with_ours" -le $(($(busy) + 6)) ]
}

# check_kernel RELEASE: what the package says of it.
check_kernel()
{
	inside sh -c "sh /usr/src/zram-deferred-free-*/check-kernel $1"
}

# What there is to refuse, with the kernel that is installed.
refusals()
{
	local kernel=$1 headers=$root/usr/src/linux-headers-$1

	# Debian 12's are of another series, for which there is nothing to build.
	result "the release's own headers can be installed" inside apt-get -q -y \
		--no-install-recommends install linux-headers-cloud-amd64
	result "a kernel of another series is named" says 'of no series' \
		check_kernel 6.1.0-1-amd64
	mv "$root/lib/modules/$kernel/build" "$tmp/held"
	result "missing headers are named" says "no headers of $kernel" \
		check_kernel "$kernel"
	ln -s "/usr/src/linux-headers-$2" "$root/lib/modules/$kernel/build"
	result "headers of another kernel are refused" \
		says "not the headers of $kernel" check_kernel "$kernel"
	rm "$root/lib/modules/$kernel/build"
	mv "$tmp/held" "$root/lib/modules/$kernel/build"
	sed -i.held 's/^CONFIG_ZRAM=m/CONFIG_ZRAM=y/' "$headers/.config"
	result "a kernel that has zram built in is refused" \
		says "no module of $kernel" check_kernel "$kernel"
	mv "$headers/.config.held" "$headers/.config"
	cat >"$root/usr/local/bin/mokutil" <<-'END'
		#!/bin/sh
		[ "$1" != --sb-state ] || echo SecureBoot enabled
	END
	chmod +x "$root/usr/local/bin/mokutil"
	result "Secure Boot that knows no key of DKMS's is refused" \
		says "Secure Boot is on" check_kernel "$kernel"
	rm "$root/usr/local/bin/mokutil"
	result "after a failed build the kernel has its own zram" \
		fails_to_build "$kernel"
}

fails_to_build()
{
	local source

	source=$(echo "$root"/usr/src/zram-deferred-free-*)/$BASE/mm/zsmalloc.c
	sed -i '$a #error' "$source" || return 1
	! inside dpkg-reconfigure zram-deferred-free-dkms || return 1
	! ours "$1"
}

# try_package OLD NEW: it comes to the one kernel, and goes along to the other.
try_package()
{
	local old=$1 new=$2

	cp "$deb" "$root/root/package.deb"
	result "a kernel is there before the package" install_kernel "$old"
	result "the package is installed, and built, while zram is in use" \
		in_use zram 'after the next boot' inside apt-get -q -y \
		--no-install-recommends install /root/package.deb
	result "$old boots with it, swaps, and frees later" boots_ours "$old"
	result "a newer kernel is installed" install_kernel "$new"
	result "$new boots with it, swaps, and frees later" boots_ours "$new"
	if [ "$release" = bookworm ]; then
		refusals "$old" "$new"
	else
		result "zram-tools swaps to it ($new)" swaps_by "$new" zram-tools
		busy_with_ours=$(busy)
		echo '[zram0]' >"$root/etc/systemd/zram-generator.conf"
		# The rule that README.md has.
		sed -n 's/^    \(ACTION==.*\)/\1/p' "$here/dkms/README.md" \
			>"$root/etc/udev/rules.d/90-zram.rules"
		result "systemd-zram-generator swaps to it ($old)" \
			swaps_by "$old" systemd-zram-generator
		result "a knob is what udev's rule says" \
			grep -q '@@ drain_delay_ms 20$' "$tmp/console"
	fi
	result "the package is removed while its zram is in use" \
		in_use zsdefer 'until the next boot' inside apt-get -q -y purge \
		zram-deferred-free-dkms
	result "$new boots with its own zram" boots_its_own "$new"
	[ "$release" = bookworm ] ||
		result "its devices were no busier with ours, for udevd ($new)" \
			udevd_is_met_as_often "$new"
}

deb=$("$here/scripts/dkms.sh")
for release in $releases; do
	make_root >"$tmp/root.log" 2>&1 || {
		tail -n 20 "$tmp/root.log" >&2
		die "there is no Debian $release to install the package in"
	}
	case $release in
	bookworm) mapfile -t kernels < <(newest_kernels 2 '6\.12\..*-cloud-amd64') ;;
	*) mapfile -t kernels < <(newest_kernels 1 '6\.12\.[^-]*-amd64' &&
		newest_kernels 1 '7\.3\..*-cloud-amd64') ;;
	esac
	if [ ${#kernels[@]} -eq 2 ]; then
		try_package "${kernels[@]}"
	else
		echo "skip the package: Debian $release has not two kernels that are supported"
	fi
	umount "$root/proc"
	rm -rf --one-file-system "$root"
	root=''
done
