# SPDX-License-Identifier: GPL-2.0
#
# native.sh RUNS [profile]: what a release and the drain after it cost, to be run
# where the time is the kernel's own CPU time. Nothing is drained during a release, so
# that the two are told apart. A line of JSON a run goes to native.jsonl; the first of
# each row is not to be counted, as a fresh pool flatters. With "profile" only one
# row, again and again.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

runs=$1
swap_on 2G
[ ! -d "$knobs" ] || {
	knobs_for_all
	echo 1G >"$knobs/budget" || exit 1
}
# As many pages as are in memory at once, that many mappings the host's process has,
# and these are bounded.
measure()
{
	zsbench release -c 32 -f -r $((runs + 1)) "$@" >>"$out/native.jsonl" || exit 1
}
if [ "${2:-}" = profile ]; then
	measure -m 256
	exit
fi
for mib in 64 256 512 1024; do
	measure -m $mib
done
for mib in 64 256; do
	measure -m $mib -h kill
done
# Swapped in and out again and again, and nobody exits.
measure -m 64 -h touch
for data in small single large huge; do
	measure -m 64 -d $data
done
measure -m 64 -p 4 -i
