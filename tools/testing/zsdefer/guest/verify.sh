# SPDX-License-Identifier: GPL-2.0
#
# verify.sh: every byte that comes back from swap is checked while others are
# killed, and in the end the pool is empty; on a kernel of any design. KTAP.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

swap_on 1G
# The swap area's own first page, which is all that may be left at the end.
first=$(awk '{ print $1, $3 }' "/sys/block/$zram/mm_stat")
{
	echo "TAP version 13"
	echo "1..2"
	if zsbench verify -m 96 -p 2 -t 10 >/tmp/log 2>&1; then
		echo "ok 1 every byte comes back"
	else
		sed 's/^/# /' /tmp/log
		echo "not ok 1 every byte comes back"
	fi
	swapoff "/dev/$zram"
	for flush in /sys/module/zsmalloc/parameters/flush "$knobs/flush"; do
		[ ! -e "$flush" ] || echo 1 >"$flush"
	done
	if [ "$(awk '{ print $1, $3 }' "/sys/block/$zram/mm_stat")" = "$first" ] &&
		[ "${first% *}" = 4096 ]; then
		echo "ok 2 nothing is left in the pool"
	else
		sed 's/^/# /' "/sys/block/$zram/mm_stat"
		echo "not ok 2 nothing is left in the pool"
	fi
	echo 1 >"/sys/block/$zram/reset"
} >"$out/verify.tap"
! grep -q '^not ok' "$out/verify.tap"
