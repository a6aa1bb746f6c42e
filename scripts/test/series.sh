# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# The patches as they would be mailed.

# Each patch of the series compiles without a warning, with the option and without, its
# kernel boots and swaps, and passes the KUnit suites that there are by then. And git am
# takes all of them, to what make apply leaves.
test_series()
{
	local n code subject build

	check "git am takes the series" "$here/scripts/series.sh" "$tmp/series"
	while read -r n _ code subject; do
		[ "$code" = code ] || continue
		export SERIES=$((10#$n))
		check "patch $n: it compiles, $subject" \
			"$here/scripts/builds.sh" on off sparse
		build=$(built on)
		guest "$build" "patch-$n" verify
		[ "$SERIES" -lt 3 ] || check "patch $n: KUnit" "$here/scripts/kunit.sh"
		unset SERIES
	done < <("$here/scripts/series.sh" list)
}
