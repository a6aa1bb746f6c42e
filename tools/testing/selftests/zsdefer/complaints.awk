# SPDX-License-Identifier: GPL-2.0
#
# What a kernel's log complains of, and the lines after that. That somebody is
# killed for want of memory is no complaint; a test that minds looks itself.
#
# Races count if they are in our functions or in those of zsmalloc and zram,
# but one: zsmalloc changes zspage->fullness under class->lock, while others
# read zspage->huge, a bit of the same word that never changes.

/invoked oom-killer/ { oom = 1 }
/Killed process/ { oom = 0; next }
oom { next }
/KCSAN: data-race in fix_fullness_group \/ zs_obj_(read|write)/ { next }
/BUG: KCSAN/ &&
! / (zs_|zsdefer|zspage|zpdesc|obj_|zram|slot_|notified_slot|free_pages_batch)/ {
	next
}
/WARNING:|BUG|Oops|ODEBUG|Call Trace|is not empty/ { lines = 30 }
/detected stall|blocked for more than|INFO: trying to register/ { lines = 30 }
lines-- > 0
