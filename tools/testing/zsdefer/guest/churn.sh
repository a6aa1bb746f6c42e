# SPDX-License-Identifier: GPL-2.0
#
# churn.sh ROUNDS SEED...: what a pool takes whose contents change, with the
# default knobs and with those that let most wait for longest. A line of JSON for
# each goes to churn.jsonl, and the knobs to churn.knobs.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

rounds=$1
shift
# So that each can be written back whatever the others are.
names="drain_threshold class_budget budget drain_delay_ms"
for name in $names; do
	[ ! -d "$knobs" ] || cat "$knobs/$name" >"/tmp/default-$name"
done
for seed in "$@"; do
	for how in default long; do
		[ -d "$knobs" ] || [ $how = default ] || continue
		[ $how = default ] || knobs_for_all
		swap_on 512M
		echo "@@ churn, seed $seed, $how"
		echo "$how" >>"$out/churn.knobs"
		zsbench churn -r "$rounds" -s "$seed" >>"$out/churn.jsonl" || exit 1
		swap_off
		for name in $names; do
			[ ! -d "$knobs" ] ||
				cat "/tmp/default-$name" >"$knobs/$name" || exit 1
		done
	done
done
