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


def read(path):
    """{(data, how): {"release": [...], "drain": [...], "sum": [...]}}"""
    figures = {}
    for line in path.read_text().splitlines():
        r = json.loads(line)
        to = figures.setdefault((r["data"], r["how"]),
                                {"release": [], "drain": [], "sum": []})
        ns = r["munmap_ns"] if r["how"] == "munmap" else r["release_ns"]
        to["release"].append(ns / r["pages"])
        to["drain"].append(r["flush_ns"] / r["pages"])
        to["sum"].append((ns + r["flush_ns"]) / r["pages"])
    return figures


def main():
    """Read, print, append."""
    out, commit = Path(sys.argv[1]), sys.argv[2]
    data = {v: read(out / v / "bench.jsonl") for v in VARIANTS}
    rows, lines = [], []
    for key in data["off"]:
        for figure in ("release", "drain", "sum"):
            medians = [statistics.median(data[v][key][figure])
                       for v in VARIANTS]
            lines += [f"{commit}\t{key[0]}\t{key[1]}\t{figure}\t{v}\t{m:.1f}"
                      for v, m in zip(VARIANTS, medians)]
            off, on, disabled = medians
            if figure == "drain":
                off = disabled = 0
            rows.append([f"{key[0]}, {key[1]}", figure,
                         f"{off:.0f}", f"{on:.0f}", ratio(off, on),
                         f"{disabled:.0f}", ratio(off, disabled)])
    with open(out.parent / "figures.tsv", "a", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    text = table(["instructions per page", "figure", "off", "on", "on/off",
                  "enabled=0", "/off"], rows)
    (out / "report.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
