# SPDX-License-Identifier: GPL-2.0
#
# What a kernel's log complains of, and the lines after that. Races count if
# they are in our functions or in those of zsmalloc and zram. That somebody is
# killed for want of memory is no complaint; a test that minds looks itself.

/invoked oom-killer/ { oom = 1 }
/Killed process/ { oom = 0; next }
oom { next }
/BUG: KCSAN/ && !/zs_|zsdefer|zspage|zpdesc|obj_|zram|slot|handle/ { next }
/WARNING:|BUG|Oops|ODEBUG|Call Trace|is not empty|stall|hung/ { lines = 30 }
lines-- > 0
