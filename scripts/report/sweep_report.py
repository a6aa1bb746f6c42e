#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Table of what the knobs do: sweep_report.py RESULTS."""

import json
import statistics
import sys
from pathlib import Path

from samples import table


def read(path):
    """{(budget, threshold, delay): [figures of a run, ...]}"""
    runs = {}
    for line in path.read_text().splitlines():
        words, brace, rest = line.partition("{")
        budget, *numbers = words.split()
        threshold, delay, fell_back, objects, ns, whole, wait = map(int, numbers)
        r = json.loads(brace + rest)
        runs.setdefault((budget, threshold, delay), []).append((
            r["munmap_ns"] / 1e6,
            (r["back_ns"] - r["release_ns"]) / 1e6,
            100 * fell_back / r["pages"],
            ns / objects if objects else 0,
            1000 * whole / objects if objects else 0,
            wait))
    return runs


def main():
    """Read, print, save."""
    out = Path(sys.argv[1])
    rows = [[budget, str(threshold), str(delay),
             *(f"{statistics.median(x):.{digits}f}"
               for x, digits in zip(zip(*runs), (2, 2, 1, 0, 0, 0)))]
            for (budget, threshold, delay), runs
            in read(out / "sweep.txt").items()]
    text = table(["budget", "threshold", "delay, ms", "release, ms",
                  "memory back after that, ms", "fell back, %",
                  "drain, ns an object", "zspages whole of 1000 objects",
                  "longest wait, ms"], rows)
    (out / "report.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
