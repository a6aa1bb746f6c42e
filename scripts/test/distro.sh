# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What distributions do.

# What distributions do, in a kernel like theirs, beside the unpatched one.
test_distro()
{
	AT_ONCE=1 scenes distro 2
}

test_distro-more()
{
	local flavour

	scenes distro-kasan 4
	scenes distro-lockdep 10
	for flavour in distro-kasan distro-lockdep; do
		with_image_of "$(built $flavour)" guest "$(built $flavour)" \
			$flavour-zswap selftest zswap.sh
	done
}

scenes()
{
	local out=$tmp/scenes-$1 which

	KERNEL=$1 ROUNDS=$2 "$here/scripts/scenes.sh" "$out" || true
	if [ -s "$out/scenes.tap" ]; then
		count_ktap "$1" "$out/scenes.tap"
	else
		result failed "$1: the guests left no results"
	fi
	for which in "$out"/unpatched* "$out"/ours*; do
		check "$1: no warning from the kernel ($(basename "$which"))" \
			quiet "$which"
	done
}
