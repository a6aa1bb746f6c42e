# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# The kernel that users build, in guests, and the KUnit suites.

test_kunit()
{
	# It says itself what failed, and so do the lines that are counted.
	"$here/scripts/kunit.sh" "$tmp/out-kunit" || true
	count kunit "$tmp/out-kunit"
}

test_zram()
{
	guest "$(built on)" on-zram selftest zram.sh
}

test_swap()
{
	guest "$(built on)" on-swap selftest SECONDS_EACH=5 swap.sh zswap.sh
}

test_pressure()
{
	guest "$(built on)" on-pressure selftest pressure.sh life.sh
}

# The kernel's own selftests of zram, on the unpatched kernel and on ours.
test_upstream()
{
	local script flavour

	for flavour in unpatched on; do
		guest "$(built $flavour)" $flavour-upstream upstream
	done
	for script in zram01 zram02; do
		check "$script says the same on both kernels" \
			diff "$tmp/out-unpatched-upstream/$script.txt" \
			"$tmp/out-on-upstream/$script.txt"
	done
}
