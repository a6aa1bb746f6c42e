#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The package of "make dkms" in a Debian of its own: installed, built, booted in a
# guest, kept over an upgrade of the kernel, removed. Prints "ok WHAT", "not ok WHAT",
# or "skip WHAT: WHY" lines, as builds.sh does. Needs root, for chroot, and the two
# newest cloud kernels of the release, one for the upgrade.
set -euo pipefail
export BASE=6.12 SMALL=1
. "$(dirname "$0")/lib.sh"

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
root=$tmp/root images=()
trap 'umount -q "$root/proc" || true; rm -rf --one-file-system "$tmp" "${images[@]}"' EXIT

result()
{
	local what=$1

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

# The system's own release, with what it has its packages from; once for all runs.
make_root()
{
	local release site base=$ZSDEFER_CACHE/dkms-root.tar

	. /etc/os-release
	release=$VERSION_CODENAME
	# shellcheck disable=SC2016 # these are apt's, not the shell's
	site=$(apt-get indextargets --format '$(LABEL)|$(SITE)' \
		'Created-By: Packages' | sed -n 's/^Debian|//p' | head -n 1)
	mkdir -p "$root"
	if [ ! -f "$base" ]; then
		with_progress "making a Debian to install it in" \
			"$ZSDEFER_CACHE/dkms-root.log" \
			debootstrap --variant=minbase \
			--include=dkms,make,kmod,xz-utils,openssl \
			"$release" "$root" "$site"
		tar -cf "$base.part" -C "$root" .
		mv "$base.part" "$base"
	else
		tar -xf "$base" -C "$root"
	fi
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(SITE) $(RELEASE)' \
		'Created-By: Packages' | sort -u |
		sed 's/.*/deb & main/' >"$root/etc/apt/sources.list"
	mount -t proc proc "$root/proc"
	inside apt-get -q update
}

kernels()
{
	inside apt-cache search --names-only \
		"^linux-image-$BASE\\..*-cloud-amd64\$" |
		sed 's/^linux-image-\([^ ]*\).*/\1/' | sort -V | tail -n 2
}

install_kernel()
{
	inside apt-get -q -y --no-install-recommends install \
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

# boot RELEASE: swap to its zram in a guest, and kill who has memory there.
boot()
{
	local build=$tmp/build image status=0

	rm -rf "$build" "$tmp/out"
	mkdir -p "$build"/{arch/x86/boot,include/config}
	cp "$root/boot/vmlinuz-$1" "$build/arch/x86/boot/bzImage"
	cp "$root/boot/config-$1" "$build/.config"
	echo "$1" >"$build/include/config/kernel.release"
	ln -s "$root/lib" "$build/lib"
	image=$("$here/scripts/image.sh" "$build")
	images+=("$image")
	"$here/scripts/vm.sh" -m 1024 -n "$1" "$build" "$image" "$tmp/out" \
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

# says WORDS COMMAND...
says()
{
	local words=$1

	shift
	"$@" >"$tmp/said" 2>&1 || true
	cat "$tmp/said"
	grep -q "$words" "$tmp/said"
}

deb=$("$here/scripts/dkms.sh")
make_root >"$tmp/root.log" 2>&1 || {
	tail -n 20 "$tmp/root.log" >&2
	die "there is no Debian to install the package in"
}
mapfile -t release < <(kernels)
[ ${#release[@]} -eq 2 ] || {
	echo "skip the package: this Debian has not two cloud kernels of $BASE"
	exit
}
old=${release[0]} new=${release[1]}
cp "$deb" "$root/root/package.deb"
# check_kernel RELEASE: what the package says of it.
check_kernel()
{
	inside sh -c "sh /usr/src/zram-deferred-free-*/check-kernel $1"
}

result "a kernel is there before the package" install_kernel "$old"
result "the package is installed, and built" \
	inside apt-get -q -y --no-install-recommends install /root/package.deb
result "$old boots with it, swaps, and frees later" boots_ours "$old"

result "a newer kernel is installed" install_kernel "$new"
result "$new boots with it, swaps, and frees later" boots_ours "$new"

# Debian 12's are of another series, for which there is nothing to build.
result "the release's own headers can be installed" inside apt-get -q -y \
	--no-install-recommends install linux-headers-cloud-amd64
result "a kernel of another series is named" says 'of no series' \
	check_kernel 6.1.0-1-amd64
mv "$root/lib/modules/$old/build" "$tmp/held"
result "missing headers are named" says "no headers of $old" \
	check_kernel "$old"
ln -s "/usr/src/linux-headers-$new" "$root/lib/modules/$old/build"
result "headers of another kernel are refused" says "not the headers of $old" \
	check_kernel "$old"
rm "$root/lib/modules/$old/build"
mv "$tmp/held" "$root/lib/modules/$old/build"
sed -i.held 's/^CONFIG_ZRAM=m/CONFIG_ZRAM=y/' \
	"$root/usr/src/linux-headers-$old/.config"
result "a kernel that has zram built in is refused" says "no module of $old" \
	check_kernel "$old"
mv "$root/usr/src/linux-headers-$old/.config.held" \
	"$root/usr/src/linux-headers-$old/.config"
cat >"$root/usr/local/bin/mokutil" <<-'END'
	#!/bin/sh
	[ "$1" != --sb-state ] || echo SecureBoot enabled
END
chmod +x "$root/usr/local/bin/mokutil"
result "Secure Boot that knows no key of DKMS's is refused" \
	says "Secure Boot is on" check_kernel "$old"
rm "$root/usr/local/bin/mokutil"

fails_to_build()
{
	sed -i '$a #error' "$root"/usr/src/zram-deferred-free-*/$BASE/mm/zsmalloc.c ||
		return 1
	! inside dpkg-reconfigure zram-deferred-free-dkms || return 1
	! ours "$old"
}
result "after a failed build the kernel has its own zram" fails_to_build
result "the package is removed" inside apt-get -q -y purge zram-deferred-free-dkms
result "$new boots with its own zram" boots_its_own "$new"
