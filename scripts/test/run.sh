# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# The main jobs, small.

test_run()
{
	local out

	# For the report of an evaluation, of which there is a test here, too.
	need_packages python3-markdown
	small run RUNS=2 SIZES="32x1 32x2"
	check "its figures are those of the samples" run_is_traceable "$out"
	check "its page is whole" page_is_whole "$out"
	check "its guests' kernels had no warning" run_is_quiet "$out"
	check "intervals are those of the statistics library's" \
		/usr/bin/python3 "$here/scripts/report/reports_test.py"
	check "figures in documents are those that were measured" \
		python3 "$here/scripts/report/cited.py"
}

# On a stock kernel, with modules.
test_try()
{
	local out guest

	small try BASE=6.12 RUNS=1 SIZES="32x1 32x1"
	check "try: ours took less, in instructions" try_is_less "$out"
	for guest in "$out"/{unpatched,on}/1/kills; do
		check "try: no warning from the kernel (${guest#"$out/"})" quiet "$guest"
	done
}

try_is_less()
{
	python3 - "$1" <<-'EOF'
		import json, sys
		d = json.load(open(sys.argv[1] + "/results.json"))
		for figure in "release", "release and drain":
		    a, b = (d["prices"][v][figure][0] for v in ("unpatched", "on"))
		    assert b < 0.9 * a, (figure, a, b)
		assert all(r["stats"]["drained"] > 0 for r in d["rounds"]["on"])
	EOF
}

run_is_traceable()
{
	python3 - "$1" <<-'EOF'
		import json, statistics, sys
		from pathlib import Path
		out = Path(sys.argv[1])
		d = json.loads((out / "results.json").read_text())
		rows = {(r["group"], r["what"]): r for r in d["rows"]}
		report = (out / "report.md").read_text()
		for kernel in "unpatched", "on":
		    rounds = d["rounds"][kernel]
		    assert len(rounds) == 2 and all(len(r["releases"]) == 2 for r in rounds)
		    for i in 0, 1:
		        path = out / kernel / str(i + 1) / "kills" / "release.jsonl"
		        raw = [json.loads(x) for x in path.read_text().splitlines()]
		        assert raw == sum(rounds[i]["releases"].values(), [])
		        row = rows["kill, 32 MiB, 1 proc.", "gone after, ms"]
		        assert row[kernel][i] == raw[0]["release_ns"] / 1e6
		    assert all(s["pswpout"] > 1000 for r in rounds for s in r["stress"]), rounds
		    assert all(r["profile"]["samples"] > 0 for r in rounds)
		    assert kernel == "on" or all(r["profile"]["exit_samples"] > 0 for r in rounds)
		for (group, what), row in rows.items():
		    median = statistics.median(row["on"])
		    assert any(f"| {median:.{d}f} (" in report for d in range(3)), row
		    if row["low"] is None or row["low"] <= 1 <= row["high"]:
		        assert not row["verdict"][0].isdigit() or row["low"] is None, row
		assert all(r["stats"]["drained"] > 0 for r in d["rounds"]["on"])
		# What a kernel without the option costs is what the unpatched one costs.
		for figure in d["prices"]["off"]:
		    a, b = (statistics.median(d["prices"][v][figure]) for v in ("unpatched", "off"))
		    assert abs(a - b) <= a * 0.005, (figure, a, b)
		assert len(d["configs"]) == 3 and d["commands"] and d["machine"]["accelerator"]
	EOF
}

# With a strip for each row, and no link.
page_is_whole()
{
	whole_page "$1/index.html" && python3 - "$1" <<-'EOF'
		import json, sys
		from pathlib import Path
		out = Path(sys.argv[1])
		text = (out / "index.html").read_text()
		rows = json.loads((out / "results.json").read_text())["rows"]
		assert text.count("<img ") == len(rows) > 10 and len(text) < 1000000
		assert "href=" not in text
		for row in rows:
		    assert row["what"] in text and row["verdict"] in text, row
	EOF
}

run_is_quiet()
{
	local guest guests=0

	for guest in "$1"/*/*/kills "$1"/*/*/stress; do
		# The OOM killer may have had something to do in stress-ng's.
		! awk -f "$here/tools/testing/selftests/zsdefer/complaints.awk" \
			"$guest/dmesg" | grep . || return 1
		guests=$((guests + 1))
	done
	[ $guests = 8 ]
}
