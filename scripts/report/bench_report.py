#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Table of instructions per page: bench_report.py RESULTS COMMIT [BASELINE].

Guest time counts instructions there. Every figure is also appended to
figures.tsv beside RESULTS, a line each, with the commit. BASELINE is such a
file of another revision, which is then compared with this one.
"""

import json
import statistics
import sys
from pathlib import Path

from samples import ratio, table

VARIANTS = ("unpatched", "off", "optional", "disabled", "on")
LISTS = ("long", "short")


def read(path, prefix=""):
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
        what = f"{prefix}{r['data']}, {r['how']}"
        if r["interleaved"]:
            what = "interleaved, " + r["how"]
        elif r["how"] == "munmap" and not prefix:
            add("swapout, " + r["data"], "pageout", r["out_ns"], pages)
        ns = r["munmap_ns"] if r["how"] == "munmap" else r["release_ns"]
        add(what, "release", ns, pages)
        add(what, "drain", r["flush_ns"], pages)
        add(what, "sum", ns + r["flush_ns"], pages)
    return figures


def read_variant(folder):
    """What read() finds in all files that a guest left."""
    return (read(folder / "bench.jsonl") |
            read(folder / "budget.jsonl", "budget spent, ") |
            read(folder / "full.jsonl", "queues full, "))


def read_leave(path):
    """{(processes, MiB, data): (release, pages back after that), medians}"""
    runs = {}
    for line in path.read_text().splitlines():
        r = json.loads(line)
        runs.setdefault((r["procs"], r["mib"], r["data"]), []).append(
            (r["release_ns"], r["back_ns"] - r["release_ns"]))
    return {k: tuple(statistics.median(x) for x in zip(*v))
            for k, v in runs.items()}


def leave_table(out):
    """Processes that leave together: text, lines for figures.tsv."""
    unpatched, on = (read_leave(out / f"{v}-leave" / "leave.jsonl")
                     for v in ("unpatched", "on"))
    rows, lines = [], []
    for key in sorted(unpatched, key=lambda k: (k[1], k[2], k[0])):
        procs, mib, data = key
        what = f"{data}, {mib} MiB, {procs} processes"
        (a, _), (b, after) = unpatched[key], on[key]
        rows.append([what, f"{a / 1e6:.1f}", f"{b / 1e6:.1f}", ratio(a, b),
                     f"{after / 1e6:.1f}", ratio(a, after)])
        for figure, v, ns in (("release", "unpatched", a), ("release", "on", b),
                              ("back after", "on", after)):
            lines.append(f"2 CPUs\t{what}\t{figure}\t{v}\t{ns:.0f}")
    text = table(["leaving together, ms", "unpatched", "on", "on/unpatched",
                  "on: last page back after that", "/unpatched"], rows)
    return text, lines


def churn_table(out):
    """A pool whose contents change: text, lines for figures.tsv."""
    runs = {}
    for v in "unpatched", "on":
        where = out / f"{v}-churn"
        for how, line in zip((where / "churn.knobs").read_text().split(),
                             (where / "churn.jsonl").read_text().splitlines()):
            run = json.loads(line)
            runs[v, how, run["seed"]] = run
    rows, lines = [], []
    for (v, how, seed), run in sorted(runs.items()):
        if v != "on":
            continue
        base = runs["unpatched", "default", seed]["pool_bytes"]
        pool, waiting = run["pool_bytes"], run["waiting_bytes"]
        flushed = run["flushed_bytes"]
        rows.append([f"{how} knobs, seed {seed}", f"{base >> 10}",
                     f"{pool >> 10}", f"{waiting >> 10}",
                     f"{(pool - waiting) / base:.3f}", f"{flushed / base:.3f}"])
        lines.append(f"churn\t{how}\tseed {seed}\ton\t{pool - waiting}")
    return table(["pool that is churned, KiB", "unpatched", "on",
                  "of which waits", "rest/unpatched",
                  "after a flush/unpatched"], rows), lines


def steady_table(out):
    """What workers do while pages are swapped in: text, lines for figures.tsv."""
    rows, lines = [], []
    for v in "unpatched", "on":
        run = json.loads((out / f"{v}-steady" / "steady.jsonl").read_text())
        seconds = run["release_ns"] / 1e9
        wakeups, ms = run["wakeups"] / seconds, run["workers_ns"] / 1e6 / seconds
        rows.append([v, f"{run['pages'] / seconds:.0f}", f"{wakeups:.1f}",
                     f"{ms:.2f}"])
        lines.append(f"steady\tswap-in\twakeups a second\t{v}\t{wakeups}")
    return table(["pages that are swapped in", "a second",
                  "workers' wakeups a second", "their CPU time, ms a second"],
                 rows), lines


def size_table(out):
    """What the kernel's image holds."""
    rows = []
    for variant in ("unpatched", "off", "optional", "on"):
        values = (out / f"size-{variant}").read_text().splitlines()[1].split()
        rows.append([variant] + values[:3])
    return table(["size of the kernel, bytes", "text", "data", "bss"], rows)


def compare(baseline, lines):
    """What another revision's figures are, and these: a table."""
    def figures(some):
        fields = (line.split("\t") for line in some)
        return {tuple(f[1:-1]): float(f[-1]) for f in fields}

    here = figures(lines)
    there = figures(baseline.read_text().splitlines())
    rows = [[*key, f"{there[key]:.1f}", f"{value:.1f}",
             ratio(there[key], value)]
            for key, value in here.items()
            if key in there and key[-1] in ("on", "disabled")]
    return table(["where", "what", "figure", "variant", "baseline", "this",
                  "this/baseline"], rows)


def main():
    """Read, print, append."""
    out, commit = Path(sys.argv[1]), sys.argv[2]
    text, lines = "", []
    for lists in LISTS:
        data = {v: read_variant(out / f"{v}-{lists}") for v in VARIANTS}
        rows = []
        for what, figure in sorted(data["unpatched"]):
            medians = [statistics.median(data[v][what, figure])
                       for v in VARIANTS]
            lines += [f"{commit}\t{lists}\t{what}\t{figure}\t{v}\t{m:.1f}"
                      for v, m in zip(VARIANTS, medians)]
            rows.append([what, figure, f"{medians[0]:.0f}"] + [
                f"{m:.0f} ({ratio(medians[0], m)})" for m in medians[1:]])
        text += table([f"instructions per page, {lists} lists", "figure",
                       "unpatched", "n", "n, optional patches", "y, enabled 0",
                       "y, enabled 1"], rows) + "\n\n"
    text += size_table(out) + "\n\n"
    leave, leave_lines = leave_table(out)
    text += leave + "\n"
    churn, churn_lines = churn_table(out)
    text += "\n" + churn + "\n"
    steady, steady_lines = steady_table(out)
    text += "\n" + steady + "\n"
    lines += [f"{commit}\t{line}"
              for line in leave_lines + churn_lines + steady_lines]
    with open(out.parent / "figures.tsv", "a", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    if len(sys.argv) > 3:
        text += "\n" + compare(Path(sys.argv[3]), lines) + "\n"
    (out / "report.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
