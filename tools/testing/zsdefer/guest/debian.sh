# SPDX-License-Identifier: GPL-2.0
#
# debian.sh: in a Debian that has booted by itself, and whose own services set
# swap up, kill who has memory there, and tell the console what came of it.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

exec >/dev/ttyS0 2>&1
tries=120
until grep -q "^/dev/$zram " /proc/swaps || [ $tries = 0 ]; do
	tries=$((tries - 1))
	sleep 1
done
cat /proc/swaps
ready_to_die 128
kill -9 "$victim"
sleep 1
echo "@@ drain_delay_ms $(cat "$knobs/drain_delay_ms")"
sed 's/^/@@ /' "$knobs/stats"
dmesg -l warn,err,crit
poweroff -f
