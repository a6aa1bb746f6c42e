# SPDX-License-Identifier: GPL-2.0
#
# holes.sh MIB RUNS: what a pool and the kernel's slabs keep when 95 of 100 pages are
# freed in random order; a line of JSON a run goes to holes.jsonl.
# shellcheck source=tools/testing/zsdefer/guest/lib.sh
. "${zs_jobs:-/job}/lib.sh"

swap_on 1G
# What is allocated once, and per CPU, is there then.
zsbench holes -m "$1" -r 1 >/dev/null &&
	zsbench holes -m "$1" -r "$2" >"$out/holes.jsonl"
