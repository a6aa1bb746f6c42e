# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# zswap in cgroups.

# The kernel's own selftests of zswap: none may fail that does not fail on the
# unpatched kernel. Then ours, where there are cgroups, and what a cgroup's pages cost.
test_zswap()
{
	local build flavour name unpatched ours

	for flavour in zswap-unpatched zswap; do
		build=$(built $flavour)
		with_image_of "$build" guest "$build" $flavour zswap
		[ $flavour != zswap ] || guest "$build" zswap-ours \
			selftest zswap.sh
		"$here/scripts/guest/vm.sh" -i -m 512 -n "$flavour, a cgroup" -e zram=zswap \
			-e cgroup=1 "$build" "$image" "$tmp/price-$flavour" price on 16 ||
			result failed "zswap: what a cgroup's pages cost"
		sed -nE 's/^(not )?ok [0-9]+ (\S+).*/\2 \1ok/p' \
			"$tmp/out-$flavour/zswap.txt" | sort >"$tmp/$flavour"
	done
	while read -r name unpatched ours; do
		case "$unpatched/$ours" in
		*/ok) result ok "zswap: $name" ;;
		not/not*) result skip "zswap: $name   # fails on the unpatched kernel, too" ;;
		*) result failed "zswap: $name" ;;
		esac
	done < <(sed 's/ not ok$/ not/' "$tmp/zswap-unpatched" |
		join -a 1 -a 2 - <(sed 's/ not ok$/ not/' "$tmp/zswap"))
	check "zswap: a cgroup's pages cost less" \
		cost_less "$tmp/price-zswap-unpatched" "$tmp/price-zswap"
}

# cost_less UNPATCHED OURS: say what a page costs, in instructions.
cost_less()
{
	/usr/bin/python3 - "$here/scripts/report" "$@" <<-'EOF' >&2
		import sys
		from pathlib import Path
		sys.path.insert(0, sys.argv[1])
		from samples import add_costs, read_lines
		unpatched, ours = {}, {}
		add_costs(unpatched, read_lines(Path(sys.argv[2], "price.jsonl")))
		add_costs(ours, read_lines(Path(sys.argv[3], "price.jsonl")))
		for what, (a, *_) in unpatched.items():
		    b = ours[what][0]
		    print(f"  {what}: {a:.0f}, ours {b:.0f} ({b / a:.3f})")
		assert ours["release"][0] < unpatched["release"][0] / 2
		assert ours["release and drain"][0] < unpatched["release"][0] * 0.7
	EOF
}
