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
FIGURES = ("release", "release and drain")


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


def main():
    """Read, compute, write, print."""
    out = Path(sys.argv[1])
    boots = {k: [read_boot(d / "native.jsonl")
                 for d in sorted((out / k).iterdir(), key=lambda p: int(p.name))]
             for k in KERNELS}
    rows = [Row(what, figure, 0,
                {k: [ns for b in boots[k] for ns in b[what][figure]]
                 for k in KERNELS})
            for what in boots["on"][0] for figure in FIGURES]
    machine = (out / "machine").read_text()
    n = len(rows[0].samples["on"])
    before, start, after, end = map(int, (out / "others").read_text().split())
    others, cpus = (after - before) / (end - start), os.cpu_count()
    text = "\n\n".join([
        "# On this machine's CPU, unpatched against on",
        f"Nanoseconds a page, {n} runs of each row in {len(boots['on'])} boots:"
        " median and range. The ratio is the geometric mean of the runs',"
        f" on / unpatched, its interval that of {CONFIDENCE:.0%} confidence.",
        table(["what", "figure", *KERNELS, "on/unpatched", "interval"],
              [[r.group, r.what, *(r.cell(k) for k in KERNELS), r.verdict(),
                r.interval()] for r in rows]),
        f"Others used {others:.2f} of {cpus} CPUs meanwhile." +
        (" NOT SETTLED: they emptied its caches, too."
         if others > MOST_OTHERS * cpus else ""),
        "\n".join("    " + m for m in machine.splitlines())])
    (out / "report.md").write_text(text + "\n")
    commit = dict(m.split(" ", 1) for m in machine.splitlines())["commit"]
    with open(out.parent / "figures.tsv", "a", encoding="utf-8") as f:
        for r in rows:
            for kernel, values in r.samples.items():
                f.write(f"{commit}\tnative\t{r.group}\t{r.what}\t{kernel}\t"
                        f"{sorted(values)[len(values) // 2]:.1f}\n")
    print(text)


if __name__ == "__main__":
    main()
