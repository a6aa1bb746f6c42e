# SPDX-License-Identifier: GPL-2.0
#
# price.sh VARIANT MIB: what having the deferred free costs, and saves, to be run
# where guest time counts instructions; VARIANT "disabled" turns it off. Nothing is
# drained during a release, so that the two costs are told apart. A line of
# JSON for each run goes to price.jsonl: releases, which know what the page-out
# before them cost, and swap-ins.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

variant=$1 mib=$2
swap_on 512M
if [ -d "$knobs" ]; then
	knobs_for_all
	[ "$variant" != disabled ] || echo 0 >"$knobs/enabled" || exit 1
fi
# A fresh pool flatters. What is read back in may stay in swap for a while, too, which
# is not waited for.
zsbench release -m "$mib" -h munmap -r 1 -f >/dev/null || exit 1
zsbench release -x -m "$mib" -h munmap -r 1 -f >"$out/price.jsonl" || exit 1
zsbench release -x -m "$mib" -h touch -r 1 -f -w 100 >>"$out/price.jsonl" || exit 1
[ "$zram" != zswap ] || zswap_had_all
