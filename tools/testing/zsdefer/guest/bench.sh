# SPDX-License-Identifier: GPL-2.0
#
# bench.sh VARIANT MIB RUNS DATA...: what a release and the drain after it
# cost, to be run where guest time counts instructions. Nothing is drained
# during the release, so that the two costs are told apart. Lines of JSON go
# to /out/bench.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. /job/lib.sh

variant=$1 mib=$2 runs=$3
shift 3
swap_on 1G
if [ -d "$knobs" ]; then
	echo 65536 >"$knobs/class_budget" &&
	echo 65536 >"$knobs/drain_threshold" &&
	echo 256M >"$knobs/budget" &&
	echo 60000 >"$knobs/drain_delay_ms" || exit 1
	[ "$variant" = on ] || echo 0 >"$knobs/enabled"
fi
for data in "$@"; do
	# A fresh pool flatters.
	zsbench release -m "$mib" -d "$data" -r 2 -f >/dev/null || exit 1
	for how in munmap kill; do
		echo "@@ $data, released by $how"
		zsbench release -m "$mib" -d "$data" -h "$how" -r "$runs" -f \
			>>/out/bench.jsonl || exit 1
	done
done
[ ! -e "$knobs" ] || cat "$knobs/stats" >/out/stats
