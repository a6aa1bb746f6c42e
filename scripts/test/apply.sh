# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# apply and unapply.

test_apply()
{
	# Costs no space: hard links, which apply does not write through.
	cp -al "$(source_tree)" "$tmp/linux"
	check "CHECK=1 changes nothing" bash -c "CHECK=1 '$here/scripts/apply.sh' apply '$tmp/linux'"
	check "the tree is unpatched still" same_as_unpatched
	check "apply" apply apply "$tmp/linux"
	check "a second application is refused" refuses 'applied already' \
		apply apply "$tmp/linux"
	check "an applied tree is refused as KSRC" refuses 'applied already' \
		env KSRC="$tmp/linux" "$here/scripts/kernel/source.sh"
	check "unapply" apply unapply "$tmp/linux"
	check "unapply left no difference" same_as_unpatched
	check "a second unapply is refused" refuses 'does not have' \
		apply unapply "$tmp/linux"
	check "apply again" apply apply "$tmp/linux"
	check "what was applied is what was staged" applied_is_staged
	check "unapply refuses to lose a change of ours" lose_a_change
	check "unapply again" apply unapply "$tmp/linux"
	check "nothing is left of it" same_as_unpatched

	check "apply without the optional patches" \
		env WITHOUT=all "$here/scripts/apply.sh" apply "$tmp/linux"
	check "the optional patches are left out" bash -c \
		"! grep -q slot_waiters '$tmp/linux/drivers/block/zram/zram_drv.h'"
	check "unapply what was applied without them" apply unapply "$tmp/linux"
	check "nothing is left of that" same_as_unpatched
	check "apply without one of them" \
		env WITHOUT=0004 "$here/scripts/apply.sh" apply "$tmp/linux"
	if compgen -G "$here/patches/$BASE/optional/0005-*" >/dev/null; then
		check "the others are there" grep -q slot_waiters \
			"$tmp/linux/drivers/block/zram/zram_drv.h"
	else
		result skip "the others are there: $BASE has no optional 0005"
	fi
	check "what builds on it is left out, too" bash -c \
		"! grep -q zram_slot_dies '$tmp/linux/drivers/block/zram/zram_drv.c'"
	check "unapply that" apply unapply "$tmp/linux"
	check "nothing is left of that, either" same_as_unpatched
	check "an unknown optional patch is refused" refuses 'WITHOUT has 0001' \
		env WITHOUT=0001 "$here/scripts/apply.sh" apply "$tmp/linux"

	check "a dirty hook site is named, and nothing changed" dirty_site
	check "an unknown version is refused" unknown_version
	check "a folder that is no kernel is refused" refuses 'not a kernel' \
		apply apply "$tmp"
	check "lines added before the hooks do not matter" shifted_site
	rm -rf "$tmp/linux"
}

applied_is_staged()
{
	apply stage "$(source_tree)" "$tmp/staged" &&
	(cd "$tmp/staged" && find . -type f) | while read -r f; do
		cmp "$tmp/staged/$f" "$tmp/linux/$f" || exit 1
	done
}

lose_a_change()
{
	echo >>"$tmp/linux/mm/zsdefer/core.c"
	refuses 'mm/zsdefer/core.c' apply unapply "$tmp/linux" &&
	cp "$here/mm/zsdefer/core.c" "$tmp/linux/mm/zsdefer/core.c"
}

# edit FILE SED: in the clone, without touching the source it is linked to.
edit()
{
	sed "$2" "$tmp/linux/$1" >"$tmp/edited"
	rm "$tmp/linux/$1"
	cp "$tmp/edited" "$tmp/linux/$1"
}

restore()
{
	cp --remove-destination -p "$(source_tree)/$1" "$tmp/linux/$1"
}

dirty_site()
{
	local f=drivers/block/zram/zram_drv.c

	edit $f 's/zs_free(zram->mem_pool, handle);/zs_free(pool_of(zram), handle);/'
	cp "$tmp/linux/$f" "$tmp/dirty"
	refuses 'hook site' apply apply "$tmp/linux" &&
	grep -q "$f: Hunk #[0-9]* FAILED" "$tmp/refused" &&
	cmp "$tmp/dirty" "$tmp/linux/$f" && restore $f && same_as_unpatched
}

unknown_version()
{
	edit Makefile 's/^PATCHLEVEL = .*/PATCHLEVEL = 99/'
	refuses 'is not supported' apply apply "$tmp/linux" && restore Makefile &&
	same_as_unpatched
}

shifted_site()
{
	edit mm/zsmalloc.c '1a /* a newer version has a line more here */'
	apply apply "$tmp/linux" && apply unapply "$tmp/linux" &&
	restore mm/zsmalloc.c && same_as_unpatched
}
