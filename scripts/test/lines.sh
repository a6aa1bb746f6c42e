# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What prints such lines itself.

# What is touched compiles in every configuration, without a warning.
test_builds()
{
	lines builds
}

# The order of accesses without a lock, by the kernel's memory model.
test_litmus()
{
	lines litmus test/standalone/litmus
}

# The package of modules, in a Debian of its own.
test_dkms()
{
	lines dkms test/standalone/dkms
}

# One-line mistakes in ours, each noticed by the test that it names.
test_mutants()
{
	"$here/scripts/mutants.sh" >"$tmp/mutants.tap" || true
	count_ktap mutants "$tmp/mutants.tap"
}

# The other base, as far as it differs.
test_6.12()
{
	TESTS="apply object zram swap pressure checked kunit" BASE=6.12 \
		KEEP=$keep/6.12 lines 6.12 test
}
