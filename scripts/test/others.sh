# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Kernels that watch for something else, and other machines.

# Only what happens at the same time: this kernel is the slowest.
test_kcsan()
{
	guest "$(built kcsan)" kcsan selftest SECONDS_EACH=2 SOAK_SECONDS=12 \
		swap.sh life.sh soak.sh
}

test_rt()
{
	guest "$(built rt)" rt selftest SECONDS_EACH=3 SOAK_SECONDS=20 \
		zram.sh swap.sh life.sh soak.sh
}

# Another architecture, with pages as large as a PC's, and larger ones.
test_arm64()
{
	local flavour build

	for flavour in arm64 arm64-16k; do
		build=$(built $flavour)
		with_image_of "$build" arm64_guests "$build" $flavour
	done
	check "a kit for phones and boards is made" a_kit_is_made
}

arm64_guests()
{
	at_once "$1" "$2" zram.sh "swap.sh zswap.sh" "pressure.sh life.sh"
	check "$2: the evaluation's programs run" \
		on_target "$2" "$1" "$tmp/out-$2-target"
}

# For arm64 at least, and without a library of this machine's.
a_kit_is_made()
{
	KIT="$tmp/kit" "$here/scripts/eval-target.sh" &&
	# Not grep -q, which others would see go before they are done.
	tar -tzf "$tmp/kit.tar.gz" | grep 'kit/run.sh' || return 1
	for program in zsbench busybox; do
		readelf -h "$tmp/kit/bin-arm64/$program" | grep AArch64 &&
		! readelf -l "$tmp/kit/bin-arm64/$program" | grep INTERP ||
			return 1
	done
}

# A PC of 32 bits, with most of its memory where the kernel does not map it.
test_i386()
{
	local build

	build=$(built i386)
	with_image_of "$build" at_once "$build" i386 "zram.sh swap.sh" \
		"pressure.sh life.sh"
}
