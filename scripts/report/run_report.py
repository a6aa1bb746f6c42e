#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare what two kernels did: run_report.py RESULTS makes results.json,
report.md and index.html of what the guests of "make run" or "make try" left
there. Of what they were not asked for nothing is said.

Every figure is computed here from raw samples, all of which go into
results.json unchanged.
"""

import base64
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import jinja2
from scipy import stats

from samples import (add_costs, profile, read_lines, read_stacks, read_stats,
                     read_stress, table)

KERNELS = ("unpatched", "on")
VARIANTS = {"unpatched": "unpatched", "off": "option n",
            "disabled": "y, enabled 0", "on": "y, enabled 1"}
CONFIDENCE = 0.99
NO_DIFFERENCE = "no difference beyond the spread"
HOW = (
    "A round boots both kernels anew, one after the other, and each cell is the"
    " median of the rounds, with the range. The ratio is the geometric mean of"
    " the rounds' ratios, on / unpatched; its interval holds the true one with"
    f" {CONFIDENCE:.0%} confidence, by the paired t-test of the logarithms"
    " (`scipy.stats.ttest_rel`). Where it holds 1, there is no difference beyond"
    " the spread. Times of an emulated guest are no phone's times; the ratios are"
    " of one run on one machine.")


def ratio_of(unpatched, on):
    """(ratio, low, high) of paired samples; None where there is none."""
    if min(unpatched + on) <= 0:
        return None, None, None
    logs = [[math.log(v) for v in values] for values in (on, unpatched)]
    ratio = math.exp(statistics.mean(a - b for a, b in zip(*logs)))
    if len(on) < 2:
        return ratio, None, None
    if len({round(a - b, 9) for a, b in zip(*logs)}) == 1:
        return ratio, ratio, ratio
    interval = stats.ttest_rel(*logs).confidence_interval(CONFIDENCE)
    return ratio, math.exp(interval.low), math.exp(interval.high)


class Row:
    """A figure of both kernels: a sample for each round."""

    def __init__(self, group, what, digits, samples):
        self.group, self.what, self.digits = group, what, digits
        self.samples = samples
        self.ratio, self.low, self.high = ratio_of(*samples.values())

    def cell(self, kernel):
        """median (min-max)"""
        values = self.samples[kernel]
        d = self.digits
        return (f"{statistics.median(values):.{d}f} "
                f"({min(values):.{d}f}-{max(values):.{d}f})")

    def differs(self):
        """Is there a difference beyond the spread?"""
        return self.low is not None and not self.low <= 1 <= self.high

    def verdict(self):
        """The ratio, or why there is none."""
        if self.ratio is None:
            return "none: 0 in a round"
        if self.low is None:
            return f"{self.ratio:.2f}, of one round"
        return f"{self.ratio:.2f}" if self.differs() else NO_DIFFERENCE

    def interval(self):
        """low-high"""
        return "" if self.low is None else f"{self.low:.2f}-{self.high:.2f}"

    def as_dict(self):
        """For results.json."""
        return {"group": self.group, "what": self.what, **self.samples,
                "ratio": self.ratio, "low": self.low, "high": self.high,
                "verdict": self.verdict()}


def read_round(where):
    """What a kernel's guests left of a round."""
    releases, stress, perf = {}, [], where / "kills" / "perf-script.txt"
    for r in read_lines(where / "kills" / "release.jsonl"):
        if r["back_ns"] < 0:
            raise SystemExit(f"error: {where}: pages did not come back")
        what = f"kill, {r['mib']} MiB, {r['procs']} proc."
        releases.setdefault(what, []).append(r)
    if (where / "stress").exists():
        stress = read_stress(where / "stress" / "stress.txt")
    for s in stress:
        if s["status"]:
            raise SystemExit(f"error: {where}: stress-ng {s['workload']} failed")
    return {
        "releases": releases,
        "stress": stress,
        "profile": profile(read_stacks(perf)) if perf.exists() else None,
        "stats": read_stats(where / "kills" / "stats"),
    }


def read_all(out):
    """{kernel: [round, ...]}"""
    data = {}
    for kernel in KERNELS:
        rounds = sorted((out / kernel).iterdir(), key=lambda p: int(p.name))
        data[kernel] = [read_round(r) for r in rounds]
    if not all(r["stats"].get("drained") for r in data["on"]):
        raise SystemExit('error: the kernel "on" did not defer anything')
    # Ours may be over before perf looks.
    for kernel, what in ("unpatched", "exit_samples"), ("on", "samples"):
        for r in data[kernel]:
            if r["profile"] and not r["profile"][what]:
                raise SystemExit(f'error: perf has no {what} of "{kernel}"')
    return data


def rows_of(data):
    """All rows, in groups."""
    def row(group, what, digits, pick):
        return Row(group, what, digits,
                   {k: [pick(r) for r in data[k]] for k in KERNELS})

    rows, first = [], data["on"][0]
    for group in first["releases"]:
        for field, what in (("release_ns", "gone after, ms"),
                            ("back_ns", "pages back after, ms")):
            rows.append(row(group, what, 1, lambda d, g=group, f=field:
                            statistics.median(r[f] for r in d["releases"][g])
                            / 1e6))
    if first["profile"]:
        rows.append(row("perf of kills", "exit, samples", 0,
                        lambda d: d["profile"]["exit_samples"]))
        rows.append(row("perf of kills", "exit and workers, samples", 0,
                        lambda d: d["profile"]["exit_samples"] +
                        d["profile"]["worker_samples"]))
    for i, r in enumerate(first["stress"]):
        group = f"stress-ng {r['workload']}"
        for field, what, digits in (("real_s", "elapsed, s", 2),
                                    ("sys_s", "system time, s", 2),
                                    ("pswpout", "pages swapped out", 0),
                                    ("pswpin", "pages swapped in", 0)):
            rows.append(row(group, what, digits, lambda d, i=i, f=field:
                            d["stress"][i][f]))
        kills = row(group, "OOM kills", 0,
                    lambda d, i=i: d["stress"][i]["oom_kills"])
        if any(sum(v) for v in kills.samples.values()):
            rows.append(kills)
    return rows


def prices(out):
    """What having it costs: the head, rows of text, and the samples."""
    samples = {}
    for variant in VARIANTS:
        figures = {}
        for swap, name in ("zram0", ""), ("zswap", "zswap: "):
            path = out / "price" / variant / swap / "price.jsonl"
            if path.exists():
                add_costs(figures, read_lines(path), name)
        if not figures:
            continue
        samples[variant] = figures
        size = out / f"size-{'on' if variant == 'disabled' else variant}"
        sizes = [line.split()[:2] for line in size.read_text().splitlines()[1:]]
        figures["text and data, KiB"] = [
            sum(int(n) for s in sizes for n in s) / 1024]
    rows = []
    for figure in samples["unpatched"]:
        values = [statistics.median(s[figure]) for s in samples.values()]
        rows.append([figure, f"{values[0]:.0f}"] +
                    [f"{v:.0f} ({v / values[0]:.3f})" for v in values[1:]])
    head = ["instructions a page"] + [VARIANTS[v] for v in samples]
    return head, rows, samples


def symbols(data):
    """Where the samples of all rounds were: exits, then workers."""
    def total(kernel, field):
        counter = Counter()
        for r in data[kernel]:
            counter.update(dict(r["profile"][field]))
        return counter

    exits = [total(k, "exit_by_symbol") for k in KERNELS]
    workers = [total(k, "workers_by_symbol") for k in KERNELS]
    rows = []
    for what, counters, n in (("exit", exits, 14), ("worker", workers, 10)):
        top = sorted(set().union(*counters),
                     key=lambda s, c=counters: -sum(x[s] for x in c))[:n]
        rows += [[f"{what}: {s}"] + [str(c[s]) for c in counters] for s in top]
    return rows


def strips(rows):
    """A picture for each row: all samples, a kernel a line."""
    pictures = []
    with tempfile.TemporaryDirectory() as tmp:
        script = ['set terminal svg size 300,58 font "sans,9"', "unset key",
                  "set border 1", "unset ytics", "set yrange [0.3:2.7]",
                  "set xtics nomirror scale 0.4 offset 0,0.5 autofreq",
                  "set lmargin 1.5", "set rmargin 2.5", "set tmargin 0.2",
                  "set bmargin 1.1"]
        for i, row in enumerate(rows):
            top = max(max(v) for v in row.samples.values()) or 1
            script += [f'set output "{tmp}/{i}.svg"',
                       f"set xrange [0:{top * 1.06}]",
                       f"set xtics {tick(top)}"]
            for kernel, y in zip(KERNELS, (2, 1)):
                values = row.samples[kernel]
                script += [f"${kernel} << EOD", *(f"{v} {y}" for v in values),
                           "EOD", f"${kernel}m << EOD",
                           f"{statistics.median(values)} {y - 0.45}",
                           f"{statistics.median(values)} {y + 0.45}", "EOD"]
            script.append(
                'plot $unpatchedm w l lw 1.5 lc rgb "#7f7f7f",'
                ' $onm w l lw 1.5 lc rgb "#1f77b4",'
                ' $unpatched w p pt 7 ps 0.45 lc rgb "#7f7f7f",'
                ' $on w p pt 7 ps 0.45 lc rgb "#1f77b4"')
        subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True,
                       check=True)
        for i in range(len(rows)):
            svg = Path(tmp, f"{i}.svg").read_bytes()
            pictures.append("data:image/svg+xml;base64," +
                            base64.b64encode(svg).decode())
    return pictures


def tick(top):
    """About three marks up to top, at 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(top / 3))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= top / 4)


def main():
    """Read, compute, write, print."""
    out = Path(sys.argv[1])
    data = read_all(out)
    rows = rows_of(data)
    price_head, price_rows, price_samples = prices(out)
    symbol_rows, seen = [], ""
    if data["on"][0]["profile"]:
        symbol_rows = symbols(data)
        seen = ("Samples of all rounds; of exits, and of these in zram and"
                " zsmalloc: ")
        seen += ", ".join(
            "{}, {} ({})".format(*(sum(r["profile"][f] for r in data[k])
                                   for f in ("exit_samples",
                                             "exit_freeing_samples")), k)
            for k in KERNELS) + "."
    machine = (out / "machine").read_text()
    totals = Counter()
    for r in data["on"]:
        totals.update(r["stats"])

    sections = [
        "# Deferred free, unpatched against on", HOW,
        table(["what", "figure", *KERNELS, "on/unpatched", "interval"],
              [[r.group, r.what, *(r.cell(k) for k in KERNELS), r.verdict(),
                r.interval()] for r in rows]),
        "## What having it costs",
        "Counted, so these repeat; what the memory is, is the same for all. In"
        " brackets: of the unpatched kernel's.",
        table(price_head, price_rows)]
    text = "\n\n".join(sections)
    more = "\n\n".join([
        *(["## Where the time of a kill goes", seen,
           table(["symbol", *KERNELS], symbol_rows)] if symbol_rows else []),
        "## What the deferred free did during the kills of all rounds",
        "\n".join(f"    {k} {v}" for k, v in totals.items()
                  if k != "longest_wait_ms"),
        "## Machine", "\n".join("    " + m for m in machine.splitlines())])
    (out / "report.md").write_text(f"{text}\n\n{more}\n")

    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template("run_report.html")
    (out / "index.html").write_text(template.render(
        rows=list(zip(rows, strips(rows))), kernels=KERNELS,
        how=HOW.replace("`", ""), price_head=price_head, prices=price_rows,
        symbols=symbol_rows, seen=seen, machine=machine))

    results = {
        "machine": dict(m.split(" ", 1) for m in machine.splitlines()),
        "rows": [r.as_dict() for r in rows],
        "prices": price_samples,
        "rounds": data,
        "configs": {p.name.removeprefix("config-"): p.read_text()
                    for p in sorted(out.glob("config-*"))},
        "commands": {str(p.parent.relative_to(out)): p.read_text().strip()
                     for p in sorted(out.glob("**/qemu-command"))},
    }
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
