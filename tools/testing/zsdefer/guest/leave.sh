# SPDX-License-Identifier: GPL-2.0
#
# leave.sh RUNS: processes that leave together, as many as there are CPUs and
# more, and one that leaves much behind; a line of JSON a run goes to
# leave.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

runs=$1
swap_on 1G
leave()
{
	zsbench release -r "$runs" "$@" >>"$out/leave.jsonl" || exit 1
}
warm_up
for data in mixed single; do
	for procs in 1 2 4 8; do
		echo "@@ 64 MiB of $procs processes, $data"
		leave -m 64 -d "$data" -p "$procs"
	done
done
echo "@@ 256 MiB, mixed"
leave -m 256
