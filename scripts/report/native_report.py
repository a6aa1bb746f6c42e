#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Nanoseconds a page on this machine's CPU: native_report.py RESULTS makes
report.md of what the boots of native.sh left there, and prints it.
"""

import os
import sys
from pathlib import Path

from run_report import CONFIDENCE, KERNELS, Row
from samples import add_costs, read_lines, table

# The part of the CPUs that others may use.
MOST_OTHERS = 0.1


def read_boot(path):
    """{row: {figure: [ns a page, ...]}}, without the first run of each."""
    rows = {}
    for r in read_lines(path):
        what = f"{r['mib']} MiB, {r['data']}, {r['how']}"
        if r["interleaved"]:
            what = f"{what}, one of {r['procs']} processes"
        add_costs(rows.setdefault(what, {}), [r])
    return {what: {f: v[1:] for f, v in figures.items()}
            for what, figures in rows.items()}


def read_rows(out):
    """A Row for each figure; and how many boots there were."""
    boots = {k: [read_boot(d / "native.jsonl")
                 for d in sorted((out / k).iterdir(), key=lambda p: int(p.name))]
             for k in KERNELS}
    rows = [Row(what, figure, 0,
                {k: [ns for b in boots[k] for ns in b[what][figure]]
                 for k in KERNELS})
            for what, figures in boots["on"][0].items() for figure in figures
            # What it costs to page out depends on the data, not on what follows.
            if figure != "page-out" or what == next(iter(boots["on"][0]))]
    return rows, len(boots["on"])


def tell(out, rows, boots):
    """What is said before the table, its head and its lines, and what after it."""
    before, start, after, end = map(int, (out / "others").read_text().split())
    others, cpus = (after - before) / (end - start), os.cpu_count()
    return (f"Nanoseconds a page, {len(rows[0].samples['on'])} runs of each row in"
            f" {boots} boots: median and range. The ratio is the geometric mean of"
            f" the runs', on / unpatched, its interval that of {CONFIDENCE:.0%}"
            " confidence.",
            ["what", "figure", *KERNELS, "on/unpatched", "interval"],
            [[r.group, r.what, *(r.cell(k) for k in KERNELS), r.verdict(),
              r.interval()] for r in rows],
            f"Others used {others:.2f} of {cpus} CPUs meanwhile." +
            (" NOT SETTLED: they emptied its caches, too."
             if others > MOST_OTHERS * cpus else ""))


def main():
    """Read, compute, write, print."""
    out = Path(sys.argv[1])
    rows, boots = read_rows(out)
    intro, head, lines, others = tell(out, rows, boots)
    machine = (out / "machine").read_text().splitlines()
    text = "\n\n".join(["# On this machine's CPU, unpatched against on", intro,
                        table(head, lines), others,
                        "\n".join("    " + m for m in machine)])
    (out / "report.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
