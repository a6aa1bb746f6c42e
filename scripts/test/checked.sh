# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# The kernel that watches most.

# As modules, in the kernel that watches most and fails allocations. The rounds
# are short, as it is slow, and there is more in test-all.
test_checked()
{
	checked pressure.sh life.sh
	check "zsdefer, zsmalloc and zram are modules" modules_exist \
		"$(built checked)"
}

test_checked-more()
{
	checked "zram.sh soak.sh" swap.sh
}

checked()
{
	local build

	build=$(built checked)
	with_image_of "$build" checked_guests "$build" "$@"
}

checked_guests()
{
	local build=$1

	shift
	at_once "$build" checked "$@"
	"$here/scripts/guest/vm.sh" -k kunit.enable=0 -n checked-unload "$build" \
		"$image" "$tmp/out-checked-unload" unload || true
	count checked-unload "$tmp/out-checked-unload"
}

modules_exist()
{
	local name

	for name in zsdefer zsmalloc zram; do
		find "$1/lib/modules" -name "$name.ko" | grep . || return
	done
}
