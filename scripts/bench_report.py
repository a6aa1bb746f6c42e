#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Table of instructions per page: bench_report.py RESULTS COMMIT.

Guest time counts instructions there. Every figure is also appended to
figures.tsv beside RESULTS, a line each, with the commit.
"""

import json
import statistics
import sys
from pathlib import Path

from report import ratio, table

VARIANTS = ("off", "on", "disabled")
LISTS = ("long", "short")


def read(path):
    """{(workload, figure): [instructions per page, ...]}"""
    figures = {}

    def add(what, figure, ns, pages):
        figures.setdefault((what, figure), []).append(ns / pages)

    for line in path.read_text().splitlines():
        r = json.loads(line)
        pages = r["pages"]
        if r["how"] == "touch":
            add("swapin, " + r["data"], "touch", r["release_ns"], pages)
            continue
        what = f"{r['data']}, {r['how']}"
        if r["interleaved"]:
            what = "interleaved, " + r["how"]
        elif r["how"] == "munmap":
            add("swapout, " + r["data"], "pageout", r["out_ns"], pages)
        ns = r["munmap_ns"] if r["how"] == "munmap" else r["release_ns"]
        add(what, "release", ns, pages)
        add(what, "drain", r["flush_ns"], pages)
        add(what, "sum", ns + r["flush_ns"], pages)
    return figures


def main():
    """Read, print, append."""
    out, commit = Path(sys.argv[1]), sys.argv[2]
    text, lines = "", []
    for lists in LISTS:
        data = {v: read(out / f"{v}-{lists}" / "bench.jsonl")
                for v in VARIANTS}
        rows = []
        for what, figure in sorted(data["off"]):
            medians = [statistics.median(data[v][what, figure])
                       for v in VARIANTS]
            lines += [f"{commit}\t{lists}\t{what}\t{figure}\t{v}\t{m:.1f}"
                      for v, m in zip(VARIANTS, medians)]
            off, on, disabled = medians
            rows.append([what, figure,
                         f"{off:.0f}", f"{on:.0f}", ratio(off, on),
                         f"{disabled:.0f}", ratio(off, disabled)])
        text += table([f"instructions per page, {lists} lists", "figure",
                       "off", "on", "on/off", "enabled=0", "/off"],
                      rows) + "\n\n"
    with open(out.parent / "figures.tsv", "a", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    (out / "report.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
