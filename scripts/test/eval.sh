# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# The evaluation, small.

# small_eval OUT "PART..." DESIGN...: what is profiled is not as small as the
# rest, as perf may miss an exit of 2 ms.
small_eval()
{
	local out=$1 parts=$2

	shift 2
	if ROUNDS=1 RUNS=1 SIZE=8 BIG=128 SIZES="32x1 32x2" \
		PARTS="$parts" DESIGNS="$*" RESULTS="$out" \
		"$here/scripts/eval.sh" \
		>"$tmp/eval.log"; then
		result ok "make eval, small: $*"
	else
		result failed "make eval, small: $*"
	fi
	check "its report is whole" eval_is_whole "$out"
	check "each of its figures can be traced" traceable "$out" "$@"
	check "its guests' kernels had no warning" all_quiet "$out"
}

# on_target NAME BUILD OUT: what "make eval-target" runs elsewhere, in a guest.
on_target()
{
	"$here/scripts/guest/vm.sh" -m 1024 -n "$1-target" -e runs=1 -e sizes=32x2 \
		"$2" "$image" "$3" target || return 1
	for name in perclass disabled; do
		grep -q '"mib":32,"procs":2' "$3/$name/release/release.jsonl" &&
		grep -q '"scene":"latency"' "$3/$name/latency/latency.jsonl" ||
			return 1
	done
	grep -qx 'queued 0' "$3/disabled/release/stats" &&
	! grep -qx 'queued 0' "$3/perclass/release/stats" && quiet "$3"
}

# All eight questions; every link and picture leads somewhere; valid markup.
eval_is_whole()
{
	[ "$(grep -c '^### [1-8]\. ' "$1/report.md")" = 8 ] &&
	whole_page "$1/index.html" && python3 - "$1" <<-'EOF'
		import re, sys
		from pathlib import Path
		root = Path(sys.argv[1])
		links = re.findall(r"\]\(([^)]+)\)", (root / "report.md").read_text())
		assert len(links) >= 20, links
		for link in links:
		    assert (root / link).stat().st_size, link
		for svg in (root / "plots").glob("*.svg"):
		    assert "</svg>" in svg.read_text(), svg
		assert (root / "index.html").stat().st_size > 50000
	EOF
}

# The report's medians are those of the samples in the guests' folders.
traceable()
{
	python3 - "$@" <<-'EOF'
		import json, statistics, sys
		from pathlib import Path
		root, designs = Path(sys.argv[1]), sys.argv[2:]
		figures = json.loads((root / "figures.json").read_text())
		for design in designs:
		    cost = root / "cost" / design / "long" / "cost.jsonl"
		    runs = [json.loads(x) for x in cost.read_text().splitlines()]
		    assert len(runs) == 8 and all(r["munmap_ns"] > 0 for r in runs)
		    off = design == "optional" or design.endswith("disabled")
		    if design != "unpatched" and not off:
		        assert all(r["flush_ns"] > 0 for r in runs)
		    if off:
		        continue
		    path = root / "release" / design / "1" / "release.jsonl"
		    runs = [json.loads(x) for x in path.read_text().splitlines()]
		    one = [r["release_ns"] / 1e6 for r in runs if r["procs"] == 1]
		    assert one == figures[f"release, 32 MiB of 1: released | {design}"]
		    rows = [x.split("|") for x in (root / "report.md").read_text()
		            .split("**Released after, ms**")[1].splitlines()]
		    row = next(r for r in rows if len(r) > 2 and r[1].strip() == design)
		    assert float(row[2].split()[0]) == round(statistics.median(one), 1), row
		    # Somebody was killed, or scene and profile show nothing.
		    for what in "killer scene: kills", "profile: exit, samples":
		        assert min(figures[f"{what} | {design}"]) >= 1, what
	EOF
}

all_quiet()
{
	local guest guests=0

	for guest in "$1"/*/*/*/; do
		quiet "$guest" || return 1
		guests=$((guests + 1))
	done
	[ $guests -gt 8 ]
}

test_eval()
{
	small_eval "$tmp/small-eval" "cost release timeline lmk profile locks" \
		unpatched perclass
	check "its programs run elsewhere, too" on_target on "$(built on)" \
		"$tmp/small-eval/target"
	check "and come into its report" report_has_target "$tmp/small-eval"
}

# On this machine's CPU, once; and where the time is there.
test_native()
{
	local figures=$tmp/native how kernel

	for how in 1 profile; do
		check "make bench NATIVE=$how" env NATIVE=$how BOOTS=1 RUNS=3 \
			RESULTS="$figures-$how" "$here/scripts/bench.sh"
	done
	for kernel in unpatched on; do
		check "its kernel had no warning ($kernel)" \
			quiet "$figures-1/$kernel/1"
	done
	check "ours has rows for all that is released" \
		[ "$(grep -c '^| .*release and drain' "$figures-1/report.md")" = 11 ]
	check "and for what comes back in" \
		[ "$(grep -c '^| .*swap-in' "$figures-1/report.md")" = 1 ]
	check "make eval PARTS=native" env PARTS=native DESIGNS=unpatched BOOTS=1 \
		RUNS=3 RESULTS="$figures" "$here/scripts/eval.sh"
	check "its report has the table" \
		grep -q '^| 1024 MiB.*release and drain' "$figures/report.md"
	sed -i 's/ [0-9]* \([0-9]*\)$/ 99999999 \1/' "$figures-1/others"
	check "what others disturbed is not settled" eval \
		"/usr/bin/python3 '$here/scripts/report/native_report.py' '$figures-1' |
			grep 'NOT SETTLED'"
	check "its profile finds releases, and ours drains" eval \
		"grep -q '^release, ' $figures-profile/profile-unpatched &&
		grep -q '^drain, ' $figures-profile/profile-on"
}

report_has_target()
{
	PARTS=report RESULTS="$1" "$here/scripts/eval.sh" &&
	grep -q '^## On another machine' "$1/report.md" &&
	grep -q '32 MiB of 2: released' "$1/report.md"
}

# The kernels that ours is compared with lose nothing, either.
test_designs()
{
	local design

	for design in array percpu pages; do
		"$here/scripts/guest/vm.sh" -n "design-$design" \
			"$(built "design-$design")" "$image" \
			"$tmp/out-$design" verify || true
		count "design-$design" "$tmp/out-$design"
	done
	# shellcheck disable=SC2046 # a design a word
	small_eval "$tmp/designs-eval" "$(words_of all_parts | sed 's/ native / /')" \
		$(words_of all_designs)
	check "each question has an answer" bash -c \
		"! grep 'Not measured in this run' '$tmp/designs-eval/report.md'"
}
