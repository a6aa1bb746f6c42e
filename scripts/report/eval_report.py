#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Report of an evaluation: eval_report.py RESULTS.

Every figure is computed here from the files that guests left in
RESULTS/PART/DESIGN/GUEST/, and every sentence about a figure follows from it.
"""

import json
import math
import re
import statistics
import sys
from collections import Counter
from pathlib import Path

import eval_plots as plots
import native_report
from eval_doc import Doc
from samples import (EXITING, add_costs, ratio, read_lines, read_stacks,
                     read_stress, spread)
from series_figures import Patches, about_all
from sweep_report import read as read_sweep

HERE = Path(__file__).resolve().parents[2]

DESIGNS = {
    "unpatched": "the unpatched kernel",
    "optional": "the optional patches alone, nothing deferred",
    "disabled": "per class, turned off at run time (`enabled=0`)",
    "array": "one array for each pool, drained at half (RFC v2's design)",
    "percpu": "a page of handles for each CPU (RFC v3's design, in zsmalloc"
              " only)",
    "pages": "only giving back the pages of empty zspages is deferred",
    "plain-disabled": "per class, without the optional patches, turned off",
    "plain": "per class, without the optional patches",
    "perclass": "per class, with all patches",
}
OURS, BASE = "perclass", "unpatched"
OTHERS = ("unpatched", "array", "percpu", "pages")
# Ours without the patches that would help the others, too.
LIKE_THEM = "plain"
ZSWAP = "zswap, long lists: "
CGROUP = "zswap in a cgroup, long lists: "
WORKLOADS = ("mixed", "single", "huge", "interleaved")
PARTS = {
    "zswap-kill": "Kills, in zswap",
    "release": "Releases on 2 CPUs", "cpus-1": "Kills on 1 CPU",
    "cpus-4": "Kills on 4 CPUs", "workers-1": "Kills, one worker at a time",
    "workers-2": "Kills, two workers at a time",
    "alg-lzo-rle": "Kills, compressed by lzo-rle",
    "alg-zstd": "Kills, compressed by zstd",
}
# What others published, by the mails of the linux-mm thread of April to June
# 2026: (what, machine, {(MiB, processes): (ms before, ms after)})
PUBLISHED = (
    ("no pool lock (merged in 7.3)", "RPi 4B",
     {(256, 1): (59.0, 56.0), (256, 2): (94.6, 66.7), (256, 4): (202.9, 110.6)}),
    ("zram GC worker (RFC v1)", "RK3588, one CPU", {(256, 1): (63.1, 18.6)}),
    ("per-CPU pages and no pool lock (RFC v3)", "RPi 4B",
     {(64, 1): (15.0, 4.3), (128, 1): (28.7, 8.5), (192, 1): (43.2, 13.0),
      (256, 1): (56.2, 17.2), (512, 1): (114.4, 38.5),
      (256, 3): (153.2, 51.5)}),
)
# The least difference that counts, beside spreads that do not overlap, and how
# many samples that takes: of two and two a sixth do not overlap by chance. But
# instructions repeat.
MARGIN = 1.03
ENOUGH, ENOUGH_COUNTED = 4, 2
# A guest whose fixed piece of work took so much longer than others' was slowed.
SLOWED = 1.15


class Results:
    """What guests left, and the figures that were made of it so far."""

    def __init__(self, root):
        self.root = root
        self.figures = {}	# {(what, design): [value, ...]}

    def guests(self, part, design):
        """Folders of a part's guests that ended well, in their order."""
        return sorted((p.parent for p in self.root.glob(f"{part}/{design}/*/exit")
                       if p.read_text().strip() == "0"),
                      key=lambda g: (len(g.name), g.name))

    def designs(self, part):
        """Which there are, in the order of DESIGNS."""
        return [d for d in DESIGNS if self.guests(part, d)]

    def records(self, part, design, name):
        """All lines of JSON that a part's guests left in files of that name."""
        return [r for g in self.guests(part, design)
                for r in read_lines(g / name)]

    def add(self, what, design, values):
        """Remember the samples of a figure, if there are any."""
        if values:
            self.figures[what, design] = values

    def median(self, what, design):
        """KeyError if it was not measured."""
        return statistics.median(self.figures[what, design])

    def comparable(self, what, *designs):
        """Whether there are enough samples of each."""
        enough = ENOUGH_COUNTED if "lists:" in what else ENOUGH
        return all(len(self.figures.get((what, d), ())) >= enough
                   for d in designs)

    def than(self, what, other, mine=OURS):
        """How a figure compares with another: "less", "more", "no different" or
        "not comparable", if there are too few samples. Either may be a design,
        or a pair (figure, design)."""
        a = (what, mine) if isinstance(mine, str) else mine
        b = (what, other) if isinstance(other, str) else other
        if not (self.comparable(*a) and self.comparable(*b)):
            return "not comparable"
        a, b = self.figures[a], self.figures[b]
        if statistics.median(a) * MARGIN < statistics.median(b) and \
                max(a) < min(b):
            return "less"
        if statistics.median(a) > statistics.median(b) * MARGIN and \
                min(a) > max(b):
            return "more"
        return "no different"

    def compare_all(self):
        """[(figure, design) in which another is better than ours], and how many
        were compared, and how many had too few samples."""
        found, compared, too_few = [], 0, 0
        for what, design in self.figures:
            # The unpatched kernel has no drains; the sums have them all. What
            # falls short of the full figure is no figure of its own.
            if design not in OTHERS or (what, OURS) not in self.figures or \
                    what.endswith(("drain", "left")):
                continue
            than = self.than(what, design)
            if than == "not comparable":
                too_few += 1
                continue
            compared += 1
            if than == "more":
                found.append((what, design))
        return found, compared, too_few


def number(value, digits):
    """As text; what never came is infinite."""
    return "never" if math.isinf(value) else f"{value:.{digits}f}"


def cell(values, digits):
    """median (min-max)"""
    s = spread(values)
    text = number(s["median"], digits)
    if s["n"] > 1 and s["min"] != s["max"]:
        text += f" ({number(s['min'], digits)}-{number(s['max'], digits)})"
    return text


def with_ratio(res, what, design, digits):
    """median (min-max), and bold what that is of the unpatched kernel's"""
    values = res.figures.get((what, design))
    if not values:
        return "-"
    text = cell(values, digits)
    left = res.figures.get((what.removesuffix("back") + "left", design))
    if what.endswith("back") and any(math.isinf(v) for v in values) and left:
        text += f", up to {max(left):.1f} MiB left"
    base = res.figures.get((what, BASE))
    if base and design != BASE and statistics.median(base) and \
            not math.isinf(statistics.median(values) + statistics.median(base)):
        text += " **" + ratio(statistics.median(base),
                              statistics.median(values)) + "**"
    return text


def matrix(doc, res, designs, columns, digits, head):
    """A row a design: samples, and the ratio to the unpatched kernel."""
    rows = []
    for design in designs:
        row = [design]
        row += [with_ratio(res, what, design, digits) for what in columns]
        rows.append(row)
    doc.table(["design"] + head, rows)


def command_of(res, part):
    """What a part was made with, as its guests wrote down."""
    commands = {line.split(" ", 1)[1]
                for host in res.root.glob(f"{part}/*/*/host")
                for line in host.read_text().splitlines()
                if line.startswith("command ")}
    return " or ".join(sorted(commands)) or "make eval"


def repeat(doc, res, part, where=""):
    """How a part's figures are made again, and from what they are."""
    where = where or part
    part = part.split("-")[0]
    doc.source(f"Again: `{command_of(res, where)} PARTS={part}`; from the samples"
               f" in `{where}/`. Medians with (min-max); bold: in parts of the"
               " unpatched kernel's.")


# Reading: each part's figures

def read_cost(res):
    """Instructions a page."""
    for design in res.designs("cost"):
        for lists in ("long", "short"):
            by = {}
            guest = res.root / "cost" / design / lists
            if guest not in res.guests("cost", design):
                continue
            for r in read_lines(guest / "cost.jsonl"):
                what = "interleaved" if r["interleaved"] else r["data"]
                by.setdefault(what, []).append(
                    (r["munmap_ns"] / r["pages"], r["flush_ns"] / r["pages"]))
            for what, runs in by.items():
                name = f"{what}, {lists} lists: "
                res.add(name + "release", design, [a for a, _ in runs])
                res.add(name + "drain", design, [b for _, b in runs])
                res.add(name + "sum", design, [a + b for a, b in runs])


def read_zswap(res, part, name):
    """Instructions a page where zswap is in front of a disk."""
    for design in res.designs(part):
        figures = {}
        add_costs(figures, res.records(part, design, "price.jsonl"), name)
        for what, values in figures.items():
            res.add(what.replace("release and drain", "sum"), design, values)


def back_ms(record):
    """Infinite if memory had not come back when the wait ended."""
    return record["back_ns"] / 1e6 if record["back_ns"] >= 0 else math.inf


def add_releases(res, prefix, design, records):
    """Milliseconds of releases, by size and processes, and MiB left."""
    by = {}
    for r in records:
        by.setdefault((r["mib"], r["procs"]), []).append(r)
    for (mib, procs), runs in by.items():
        name = f"{prefix}, {mib} MiB of {procs}: "
        res.add(name + "released", design, [r["release_ns"] / 1e6 for r in runs])
        res.add(name + "back", design, [back_ms(r) for r in runs])
        res.add(name + "left", design, [r["left_bytes"] / 2**20 for r in runs])


def read_release(res, part):
    """Of all designs."""
    for design in res.designs(part):
        add_releases(res, part, design,
                     res.records(part, design, "release.jsonl"))


def read_compact(res):
    """Releases beside compaction, and what it comes to."""
    for design in res.designs("compact"):
        add_releases(res, "compact", design,
                     res.records("compact", design, "release.jsonl"))
        runs = res.records("compact", design, "compact.jsonl")
        res.add("compact: huge pages not had, %", design,
                [100 * (1 - r["had"] / r["asked"]) for r in runs])
        res.add("compact: compactions that fail, %", design,
                [100 * r["fail"] / max(r["success"] + r["fail"], 1)
                 for r in runs])


def read_holes(res):
    """What is kept by the few that are left."""
    for design in res.designs("holes"):
        runs = res.records("holes", design, "holes.jsonl")
        for what, name in (("pool", "the pool"), ("slab", "slabs")):
            for when, text in (("full", "all in swap"), ("left", "5 % left")):
                res.add(f"holes: {name}, {text}, KiB", design,
                        [(r[f"{when}_{what}"] - r[f"before_{what}"]) / 1024
                         for r in runs])


def read_irqs(res):
    """The longest time with interrupts off, in microseconds of 1000 instructions."""
    for design in res.designs("irqs"):
        by = {}
        for r in res.records("irqs", design, "irqs.jsonl"):
            by.setdefault(r["kind"], []).append(r["us"])
        for kind, values in by.items():
            res.add(f"irqs off, longest, us: {kind}", design, values)


def read_lmk(res, part, prefix):
    """The scene with a killer."""
    for design in res.designs(part):
        runs = res.records(part, design, "lmk.jsonl")
        for figure, field, scale in (
                ("time until the new app has its memory, ms", "total_ns", 1e6),
                ("of that its own CPU time, ms", "cpu_ns", 1e6),
                ("allocations that had to reclaim memory", "reclaims", 1),
                ("its worst stall, ms", "worst_ns", 1e6),
                ("its stalls above 1 ms, ms together", "stall_ns", 1e6),
                ("kills", "kills", 1), ("workers, ms of CPU", "workers_ns", 1e6)):
            # Less than zero: the new app was killed itself.
            res.add(prefix + figure, design,
                    [math.inf if r["oom"] and field.endswith("total_ns")
                     else r[field] / scale for r in runs])
        res.add(prefix + "a kill until it is gone, ms", design,
                [k / 1e6 for r in runs for k in r["kill_ns"]])
        for figure, field, scale, of in (
                ("a bystander's longest gap, ms", "bystander_gap_ns", 1e6,
                 lambda r: not r["frame_ms"]),
                ("frames of a task that needs memory for each",
                 "bystander_rounds", 1, lambda r: r["frame_ms"]),
                ("of these late", "missed", 1, lambda r: r["frame_ms"]),
                ("the latest, ms", "bystander_gap_ns", 1e6,
                 lambda r: r["frame_ms"]),
                ("some task short of memory (PSI), ms", "some_us", 1e3,
                 lambda r: r["some_us"] >= 0),
                ("all tasks short of memory (PSI), ms", "full_us", 1e3,
                 lambda r: r["full_us"] >= 0)):
            res.add(prefix + figure, design,
                    [r[field] / scale for r in runs if of(r)])


def add_latency(res, prefix, design, runs):
    """Microseconds of page faults and of page-outs beside a kill."""
    for how in ("swapin", "swapout"):
        for when, field in (("idle", f"idle_{how}"),
                            ("beside a kill", f"busy_{how}_overlap")):
            for figure in ("median", "p99", "max"):
                res.add(f"{prefix}{how}, {when}: {figure}, us", design,
                        [r[field][figure + "_ns"] / 1e3 for r in runs
                         if r[field]["n"]])


def read_latency(res):
    """Of all designs."""
    for design in res.designs("latency"):
        add_latency(res, "", design,
                    res.records("latency", design, "latency.jsonl"))


def read_stressors(res):
    """stress-ng: a fixed amount of work, and what it cost."""
    for design in res.designs("stress"):
        by = {}
        for guest in res.guests("stress", design):
            for r in read_stress(guest / "stress.txt"):
                by.setdefault(r["workload"], []).append(r)
        for workload, runs in by.items():
            for field, what in (("real_s", "elapsed, s"),
                                ("sys_s", "system time, s"),
                                ("pswpout", "pages out"), ("pswpin", "pages in")):
                res.add(f"{workload}: {what}", design, [r[field] for r in runs])
            res.add(f"{workload}: workers, s", design,
                    [r["workers_ns"] / 1e9 for r in runs])
            res.add(f"{workload}: failed", design,
                    [int(r["status"] != 0) for r in runs])


# Writing: each part's tables and plots

def show_cost(doc, res, to):
    """What each design costs all in all."""
    designs = res.designs("cost")
    doc.section("Cost in instructions")
    doc.text("Instructions for each page that is unmapped, and for the drain"
             " after it, counted by the emulator on one CPU (`-icount`): these"
             " repeat. Long lists: the page allocator's per-CPU lists as they"
             " are; short: full, as under pressure, so that pages go on to the"
             " buddy lists. All of a release waits before any of it is drained,"
             " which is the best that can happen to batches, in every design.")
    for lists in ("long", "short"):
        for what in WORKLOADS:
            name = f"{what}, {lists} lists: "
            rows = [(d, res.median(name + "release", d),
                     res.median(name + "drain", d)) for d in designs
                    if (name + "drain", d) in res.figures]
            doc.picture(plots.stacked(
                to / f"cost-{what}-{lists}.svg", name[:-2],
                "instructions a page", ("release", "drain"), rows,
                "490,340"), f"Total work by design: {name[:-2]}")
        columns = [f"{w}, {lists} lists: {f}" for w in WORKLOADS
                   for f in ("release", "sum")]
        doc.heading(f"{lists} lists".capitalize())
        matrix(doc, res, designs, columns, 0,
               [f"{w}: {f}" for w in WORKLOADS for f in ("release", "sum")])
    repeat(doc, res, "cost")


def sizes_of(res, part):
    """[(MiB, processes)] that were released."""
    found = {tuple(map(int, m.groups())) for what, _ in res.figures
             if (m := re.match(rf"{part}, (\d+) MiB of (\d+): released", what))}
    return sorted(found, key=lambda s: (s[1] > 1, s[1], s[0]))


def show_release(doc, res, to, part):
    """Memory let go, and memory back."""
    designs, sizes = res.designs(part), sizes_of(res, part)
    if part != "release":
        doc.heading(PARTS[part])
    else:
        doc.section(PARTS[part])
        doc.text("Processes that have so many MiB in swap between them unmap it"
                 " at once: until the last `munmap()` has returned, and until"
                 " the device's pool is back within 1 % of its size before. A"
                 " device that has not got its memory back after 2 s is said to"
                 " never do so, with what is left then: an array keeps what"
                 " stays below half of it, per-CPU pages what does not fill a"
                 " page.")
        for xlabel, name, pick in (
                ("processes", "processes", lambda m, p: (m == 256, p)),
                ("MiB", "size", lambda m, p: (p == 1, m))):
            for figure, title in (("released", "released"),
                                  ("back", "memory back")):
                series = {}
                for d in designs:
                    points = []
                    for mib, procs in sizes:
                        wanted, x = pick(mib, procs)
                        v = res.figures.get(
                            (f"{part}, {mib} MiB of {procs}: {figure}", d))
                        if wanted and v and not math.isinf(max(v)):
                            points.append((x, statistics.median(v), min(v),
                                           max(v)))
                    if points:
                        series[d] = sorted(points)
                if any(len(p) > 1 for p in series.values()):
                    doc.picture(plots.lines(
                        to / f"{figure}-by-{name}.svg",
                        f"{title} after, by {name}", (xlabel, "ms"),
                        series, log="x"), f"{title.capitalize()}, by {name}")
    for figure, title in (("released", "released after, ms"),
                          ("back", "memory back after, ms")):
        doc.text(f"**{title.capitalize()}**")
        matrix(doc, res, designs,
               [f"{part}, {m} MiB of {p}: {figure}" for m, p in sizes], 1,
               [f"{m} MiB of {p}" for m, p in sizes])
    repeat(doc, res, "algorithms" if part.startswith("alg") else part.split("-")[0],
           part)
    if part == "release":
        show_published(doc, res)


def show_published(doc, res):
    """The same releases as others measured them elsewhere."""
    rows = []
    for what, machine, sizes in PUBLISHED:
        for (mib, procs), (before, after) in sizes.items():
            name = f"release, {mib} MiB of {procs}: released"
            try:
                here = [part_of(res, name, d) for d in ("percpu", OURS)]
            except KeyError:
                continue
            rows.append([f"{mib} MiB of {procs}", what, machine,
                         f"{before} to {after}", ratio(before, after), *here])
    if rows:
        doc.text("**The same releases as they were published**, for other"
                 " machines and against older kernels: what is published as"
                 " \"before\" still took `pool->lock` for each object, which"
                 " the unpatched kernel here has left behind, as the first rows"
                 " have it.")
        doc.table(["released", "published", "on", "ms", "ratio",
                   "percpu here", "perclass here"], rows)


def show_series(doc, res, to):
    """How memory comes back over time."""
    coming, waiting = {}, {}
    for design in res.designs("series"):
        run = res.records("series", design, "series.jsonl")[0]
        series = run["series"]
        end = series[-1][0] if run["back_ns"] >= 0 else 100e6
        before = series[0][1] - run["pool_bytes"]
        coming[design] = [(t / 1e6, (pool - before) / 2**20, 0, 0)
                          for t, pool, _ in series if t <= end]
        if series[0][2] >= 0:
            waiting[design] = [(t / 1e6, w / 2**20, 0, 0)
                               for t, _, w in series if t <= end]
    doc.section("Memory over time")
    doc.text("One kill, the pool's size read every half millisecond: the first"
             " run of each design, all samples (of a design whose memory does"
             " not come back, those of the first 100 ms). Reading costs time,"
             " too, so look at shapes here, and for times at the tables.")
    doc.picture(plots.lines(to / "coming-back.svg",
                            "what the pool still holds of a killed process",
                            ("ms after SIGKILL", "MiB"), coming, bars=False),
                "Memory coming back over time")
    if waiting:
        doc.picture(plots.lines(to / "waiting.svg", "memory waiting in queues",
                                ("ms after SIGKILL", "MiB"), waiting,
                                bars=False),
                    "Waiting memory over time, as `stats` tells it")
    repeat(doc, res, "series")


def show_group(doc, res, part, title, text, prefix, digits, to=None, plot=()):
    """A table with a row a figure, a column a design; and plots of some."""
    designs = res.designs(part)
    names = list(dict.fromkeys(what for what, d in res.figures
                               if what.startswith(prefix) and d in designs))
    doc.section(title)
    doc.text(text)
    for i, what in enumerate(n for n in names if n in plot):
        doc.picture(plots.dots(to / f"{part}-{i}.svg", what, what.split(", ")[-1],
                               {d: res.figures[what, d] for d in designs
                                if res.figures.get((what, d))}), what)
    doc.table(["figure"] + designs,
              [[what.removeprefix(prefix if prefix in (LMK, PRESSURE) else "")] +
               [with_ratio(res, what, d, digits) for d in designs]
               for what in names])
    repeat(doc, res, part)


def show_sweep(doc, res, to):
    """What the knobs do."""
    guests = res.guests("sweep", OURS)
    runs = read_sweep(guests[0] / "sweep.txt")
    doc.section("Sweep of the knobs")
    doc.text("A release with each combination of `budget`, `drain_threshold`"
             " and `drain_delay_ms`, medians of two runs: how long it takes,"
             " when memory is back, what fell back to a synchronous free, and"
             " the drains' own time.")
    medians = {k: [statistics.median(x) for x in zip(*v)]
               for k, v in runs.items()}
    delays = sorted({k[2] for k in medians})
    for i, (label, unit) in enumerate((("release", "ms"),
                                       ("memory back after that", "ms"),
                                       ("fell back", "%"),
                                       ("drain", "ns an object"))):
        series = {}
        for (budget, threshold, delay), m in medians.items():
            if delay == delays[len(delays) // 2]:
                series.setdefault(f"budget {budget}", []).append(
                    (threshold, m[i], 0, 0))
        doc.picture(plots.lines(
            to / f"sweep-{i}.svg",
            f"{label}, with drain_delay_ms {delays[len(delays) // 2]}",
            ("drain_threshold, objects", unit), series, log="x", bars=False),
            f"Sweep: {label}")
    doc.table(["budget", "threshold", "delay, ms", "release, ms",
               "memory back after that, ms", "fell back, %",
               "drain, ns an object"],
              [[b, str(t), str(d), *(f"{x:.{n}f}" for x, n in
                                     zip(m, (2, 2, 1, 0)))]
               for (b, t, d), m in medians.items()])
    doc.source(f"Again: `{command_of(res, 'sweep')} PARTS=sweep`, or `make sweep`"
               " for more values; from `sweep/perclass/1/sweep.txt`.")


def is_worker(stack):
    """Frees what was deferred."""
    return "process_one_work" in stack and any(
        "zs" in f or "free_zspage" in f for f in stack)


def is_exit(comm, stack):
    """Is of a process that was killed, and not of the shell's children."""
    return comm.startswith("zsbench") and any(f in EXITING for f in stack)


def read_kills(path):
    """Stacks of the exits, and of the workers."""
    exits, workers = [], []
    for comm, stack in read_stacks(path):
        if is_worker(stack):
            workers.append(stack)
        elif is_exit(comm, stack):
            exits.append(stack)
    return exits, workers


def show_profile(doc, res, to):
    """Flame graphs, and what the exit path's samples are made of."""
    designs = res.designs("profile")
    stacks = {d: read_kills(res.guests("profile", d)[0] / "perf-script.txt")
              for d in designs}
    folded = {d: plots.fold(exits + workers)
              for d, (exits, workers) in stacks.items()}
    doc.section("Profiles")
    doc.text("`perf record -e cpu-clock -g` of four kills: samples of the victims'"
             " `exit_mmap()` and of the workers that free what was deferred.")
    for design in designs:
        if not stacks[design][0]:
            raise SystemExit(f"error: perf saw no process exit on {design}")
        doc.picture(plots.flame(to / f"flame-{design}.svg",
                                f"{design}: exit and workers", folded[design]),
                    f"Flame graph: {design}", live=True)
    for design in designs:
        if design != BASE and BASE in folded:
            doc.picture(plots.flame(
                to / f"flame-diff-{design}.svg",
                f"{design}, red: more than unpatched, blue: less",
                folded[design], before=folded[BASE]),
                f"Differential flame graph: unpatched to {design}", live=True)
    rows = []
    for design, (exits, workers) in stacks.items():
        res.add("profile: exit, samples", design, [len(exits)])
        res.add("profile: exit and workers, samples", design,
                [len(exits) + len(workers)])
        rows.append([design, str(len(exits)), str(len(workers)),
                     str(len(exits) + len(workers))])
    doc.table(["samples", "exit", "workers", "together"], rows)
    counts = {d: Counter(s[0] for s in exits + workers)
              for d, (exits, workers) in stacks.items()}
    total = sum(counts.values(), Counter())
    doc.table(["innermost symbol, samples"] + designs,
              [[f"`{s}`"] + [str(counts[d][s]) for d in designs]
               for s, _ in total.most_common(24)])
    doc.source(f"Again: `{command_of(res, 'profile')} PARTS=profile`; from"
               " `profile/*/1/perf-script.txt`.")


def read_locks(path):
    """perf lock contention: [(contended, total wait in us, caller)]"""
    contended, waited = Counter(), Counter()
    for line in path.read_text().splitlines():
        m = re.match(r"\s*(\d+)\s+([\d.]+) (\w+)\s+([\d.]+) (\w+)\s+"
                     r"([\d.]+) (\w+)\s+(\S+)\s+(\S+)", line)
        if m:
            scale = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}[m[3]]
            caller = f"{m[9].split('+')[0]} ({m[8]})"
            contended[caller] += int(m[1])
            waited[caller] += float(m[2]) * scale
    return [(n, waited[caller], caller) for caller, n in contended.items()]


# Where the locks of zsmalloc, zram's slots and ours are taken.
OUR_LOCKS = re.compile(r"(zs|obj_|zram|slot|__zs|free_obj|free_handles)")


def show_many(doc, res, part):
    """Whose locks are waited for longest, on many CPUs."""
    cpus = part.removeprefix("locks-")
    doc.section(f"Locks on {cpus} CPUs")
    doc.text("Twice as many processes as CPUs swap out 16 MiB each, whose objects"
             " are all of one class, and are killed, again and again. The first"
             " five by the time that was waited in all, by `perf lock contention`,"
             " and how often: the mutex in `__submit_bio` is that of a compression"
             " stream, into which zram is inlined.")
    rows = []
    for design in res.designs(part):
        often, waited = Counter(), Counter()
        for guest in res.guests(part, design):
            for n, us, caller in read_locks(guest / "locks.txt"):
                often[caller] += n
                waited[caller] += us
        order = waited.most_common()
        ours = [i for i, (caller, _) in enumerate(order, 1)
                if OUR_LOCKS.match(caller)]
        rows.append([design,
                     ", ".join(f"`{caller}` {us / 1e3:.1f} ms ({often[caller]})"
                               for caller, us in order[:5]) or "-",
                     f"{ours[0]}." if ours else "none",
                     str(len(res.records(part, design, "release.jsonl")))])
    doc.table(["design", "waited for", "the first of zsmalloc's and ours", "kills"], rows)
    repeat(doc, res, part)


def read_spins(path):
    """Samples of exits and workers that wait for a spinlock, by who takes it,
    and how many samples there are in all."""
    exits, workers = read_kills(path)
    waits = Counter()
    for stack in exits + workers:
        if "queued_spin_lock_slowpath" in stack[0]:
            takers = [f for f in stack[1:]
                      if not re.match("_*raw_spin|__lock", f)]
            waits[takers[0] if takers else "unknown"] += 1
    return waits, len(exits) + len(workers)


def show_locks(doc, res):
    """Who waits for whom."""
    designs = res.designs("locks")
    doc.section("Lock contention")
    cpus = (res.guests("locks", designs[0])[0] / "cpus").read_text().strip()
    doc.text(f"Four processes are killed at once on {cpus} CPUs. `perf record`:"
             " samples of the exits and the workers in which a CPU waits for a"
             " spinlock, by where that is taken. `zs_free` takes `class->lock`;"
             " our queues are locked in `zsdefer_link_slow` and"
             " `zsdefer_count_slow`, and our drains take `class->lock` in"
             " `zsdefer_free_batch`. `perf lock`: contended acquisitions of"
             " any lock in zsmalloc and zram; but a spinlock tells it only of"
             " those who queue up behind one that waits already, so on less"
             " than three CPUs there are none.")
    rows = []
    for data in ("mixed", "single"):
        for design in designs:
            guest = res.guests("locks", design)[0]
            waits, samples = read_spins(guest / f"{data}-script.txt")
            contended = [r for r in read_locks(guest / f"{data}.txt")
                         if OUR_LOCKS.match(r[2])]
            share = 100 * sum(waits.values()) / samples if samples else 0
            res.add(f"locks, {data}: waiting, % of samples", design, [share])
            rows.append([f"{data}: {design}", str(samples),
                         f"{sum(waits.values())} ({share:.1f} %)",
                         ", ".join(f"`{s}` {n}"
                                   for s, n in waits.most_common(4)) or "-",
                         str(sum(n for n, _, _ in contended))])
    doc.table(["data: design", "samples", "waiting for a spinlock", "taken in",
               "perf lock: contended"], rows)
    for guest in res.guests("locks", OURS):
        doc.text("`perf stat -e 'zsmalloc:*'` of the same kills, per class:")
        doc.listing((guest / "events.txt").read_text().strip())
    doc.source(f"Again: `{command_of(res, 'locks')} PARTS=locks`; from"
               " `locks/*/1/`.")


def show_patches(doc, res):
    """What each patch of the series costs and saves."""
    doc.section("Patch by patch")
    doc.text("The series as `make series` has it: each patch on top of those"
             " before it, with the option, and deferral on, or turned off where a"
             " column says so.")
    doc.table(*about_all(Patches(res.root)))
    repeat(doc, res, "patches")


# The reviewers' questions

def versus(res, what, others, digits=0, unit=""):
    """'12 (array 34, percpu 56)' of our figure and others'."""
    theirs = ", ".join(f"{o} {number(res.median(what, o), digits)}"
                       for o in others if (what, o) in res.figures)
    return f"{number(res.median(what, OURS), digits)}{unit} ({theirs})"


def part_of(res, what, design=OURS):
    """In parts of the unpatched kernel's."""
    return f"{res.median(what, design) / res.median(what, BASE):.2f}"


MIXED = "mixed, long lists: "
TO_BASE = {
    "less": "less than unpatched, beyond the spread",
    "more": "more than unpatched, beyond the spread",
    "no different": "within the spread of unpatched",
    "not comparable": "too few samples to compare",
}


def biggest(res, procs, part="release"):
    """The largest release by so many processes, as a prefix of figures."""
    mib = max(m for m, p in sizes_of(res, part) if p == procs)
    return f"{part}, {mib} MiB of {procs}: "


def answer_one_item(res):
    """1. With one pool, does one work item limit ...?"""
    one, two = (biggest(res, 4, f"workers-{n}") + "back" for n in (1, 2))
    verdict = {"less": "Yes", "more": "No, on the contrary",
               "no different": "Not measurably on this machine"}.get(
        res.than(None, (one, OURS), (two, OURS)), "There are too few samples")
    what = biggest(res, max(p for _, p in sizes_of(res, "release"))) + "back"
    left = {d: max(x for (w, e), v in res.figures.items() for x in v
                   if e == d and w.startswith("release") and w.endswith("left"))
            for d in ("array", "percpu", OURS)}
    text = (f"{verdict}: after a kill of four processes memory is back after"
            f" {cell(res.figures[one, OURS], 1)} ms with one of our workers at a"
            f" time, and after {cell(res.figures[two, OURS], 1)} ms with two,"
            f" which is the administrator's choice (`max_active`); when"
            f" {what[9:-6]} processes unmap, it is back after"
            f" {versus(res, what, ('percpu', BASE), 1, ' ms')} by the defaults.")
    text += (" What had not come back after 2 s was at most "
             + ", ".join(f"{x:.1f} MiB ({d})" for d, x in left.items()) + ".")
    return text, "back-by-processes"


def answer_percpu(res):
    """2. Per-CPU queues?"""
    total, release = MIXED + "sum", MIXED + "release"
    what = biggest(res, 4) + "released"
    return (f"A release costs {res.median(release, 'percpu'):.0f} instructions a"
            f" page with them, with an array {res.median(release, 'array'):.0f},"
            f" and per class {res.median(release, LIKE_THEM):.0f}, or"
            f" {res.median(release, OURS):.0f} with the optional patches; four"
            f" processes that unmap at once are done after"
            f" {versus(res, what, (LIKE_THEM, 'percpu', 'array', BASE), 1, ' ms')}."
            f" Release and drain together cost"
            f" {part_of(res, total, 'percpu')} of what the unpatched kernel"
            f" takes with per-CPU pages, which hold objects of all classes, and"
            f" {part_of(res, total, LIKE_THEM)} per class"
            f" ({part_of(res, total)} with the optional patches).",
            "cost-mixed-long")


def answer_total(res):
    """3. Is the total work unchanged, are workers a burden?"""
    total = MIXED + "sum"
    scene = "killer scene: "
    new_app = scene + "time until the new app has its memory, ms"
    stall = scene + "its worst stall, ms"
    changed = {"less": "It becomes less", "more": "It becomes more",
               "no different": "It is unchanged"}.get(
        res.than(total, BASE), "There are too few samples")
    others = (LIKE_THEM, "percpu", BASE)
    return (f"{changed}: release and drain together take"
            f" {versus(res, total, (LIKE_THEM, 'array', 'percpu', BASE))}"
            f" instructions a page. While apps are killed to make room, a new"
            f" one has its memory after"
            f" {versus(res, new_app, others, 0, ' ms')}"
            f" ({TO_BASE[res.than(new_app, BASE)]}), of which"
            f" {versus(res, scene + 'of that its own CPU time, ms', others, 0, ' ms')}"
            f" are its own CPU time; in that time"
            f" {versus(res, scene + 'allocations that had to reclaim memory', others)}"
            f" allocations had to reclaim memory themselves. Its worst stall is"
            f" {versus(res, stall, others, 1, ' ms')}"
            f" ({TO_BASE[res.than(stall, BASE)]}), and all workers took"
            f" {versus(res, scene + 'workers, ms of CPU', others, 1, ' ms')} of"
            f" CPU time.", "lmk-0")


def answer_where(res):
    """4. Locks, free_zspage(), or deferring?"""
    release, total = MIXED + "release", MIXED + "sum"
    waits = [res.median(f"locks, {data}: waiting, % of samples", BASE)
             for data in ("mixed", "single")]
    return (f"When four unpatched processes are killed at once, {waits[0]:.0f} %"
            f" of their samples wait for a lock, and {waits[1]:.0f} % if all"
            f" objects are of one class; deferring only the pages of zspages"
            f" leaves {part_of(res, release, 'pages')} of a release's"
            f" instructions, and {part_of(res, total, 'pages')} of the sum."
            f" Deferring the objects leaves {part_of(res, release, 'array')}"
            f" (array), {part_of(res, release, 'percpu')} (percpu) and"
            f" {part_of(res, release, LIKE_THEM)} (per class) of a release, and"
            f" {part_of(res, total, 'array')}, {part_of(res, total, 'percpu')}"
            f" and {part_of(res, total, LIKE_THEM)} of the sum; the optional"
            f" patches leave {part_of(res, release, 'optional')} of a release"
            f" alone, and with the per-class queues"
            f" {part_of(res, release)}, and {part_of(res, total)} of the sum.",
            "cost-mixed-long")


def answer_layers(_):
    """5. Callbacks into zsmalloc's buffers?"""
    header = (HERE / "include" / "linux" / "zsdefer.h").read_text()
    engine = sorted((HERE / "mm" / "zsdefer").glob("*.[ch]"))
    zram = [p.name for p in engine
            if re.search(r"^#include.*zram", p.read_text(), re.M)]
    callbacks = re.findall(r"\(\*\w+\)\s*\(", header)
    return (f"`include/linux/zsdefer.h`, all that callers see, has"
            f" {len(callbacks) or 'no'} function pointers: zram hands over"
            f" handles, one or several at a time, where it called"
            f" `zs_free()`, and sees no buffer of zsmalloc's. Of the"
            f" engine's {len(engine)} files {len(zram) or 'none'} includes a"
            f" header of zram's.", None)


def answer_size(res):
    """6. Why this size, and how does it scale?"""
    runs = read_sweep(res.guests("sweep", OURS)[0] / "sweep.txt")
    delay = min(d for _, _, d in runs)
    near = {b: [statistics.median(x) for x in zip(*v)]
            for (b, t, d), v in runs.items() if (t, d) == (256, delay)}
    figures = "; ".join(f"{b}: {m[2]:.0f} % and {m[0]:.1f} ms"
                        for b, m in near.items())
    return (f"What falls back to a synchronous free, and how long the release"
            f" takes, by budget (`drain_threshold` 256): {figures}. The default"
            f" is a sixteenth of memory, at most 256 MiB, so that what a large"
            f" process leaves behind fits; nothing is kept for each CPU (the"
            f" parts `cpus` and `workers` show 1, 2 and 4), and the queues'"
            f" blocks follow the objects that are stored.", "sweep-2")


def answer_zswap(res):
    """7. Can zswap use it too?"""
    release, both = ZSWAP + "release", ZSWAP + "sum"
    kill = biggest(res, 1, "zswap-kill")
    return (f"It does: `zswap_invalidate()` defers the object, and nothing else of"
            f" the entry. By that alone a release costs"
            f" {part_of(res, release, LIKE_THEM)} of the unpatched kernel's, release"
            f" and drain {part_of(res, both, LIKE_THEM)}; with the patch that"
            f" forgets a range of slots at once, {part_of(res, release)} and"
            f" {part_of(res, both)}, and that patch alone, with nothing deferred,"
            f" {part_of(res, release, 'optional')}. Where a cgroup is charged for"
            f" the pages, that is {part_of(res, CGROUP + 'release')} and"
            f" {part_of(res, CGROUP + 'sum')}. A killed process of"
            f" {kill.split()[1]} MiB is gone after"
            f" {versus(res, kill + 'released', (BASE,), 1, ' ms')}, and its"
            f" memory back after {versus(res, kill + 'back', (BASE,), 1, ' ms')}.",
            None)


def answer_balance(res):
    """8. Does a balance between classes pay?"""
    waited = "locks, {}: waiting, % of samples"
    single, mixed = "single, long lists: sum", MIXED + "sum"
    return (f"When four processes are killed at once,"
            f" {versus(res, waited.format('mixed'), (LIKE_THEM, 'percpu', 'array', BASE), 1, ' %')}"
            f" of their and the workers' samples wait for a spinlock, and"
            f" {versus(res, waited.format('single'), (LIKE_THEM, 'percpu', 'array', BASE), 1, ' %')}"
            f" if all objects are of one class. With all objects in one class"
            f" release and drain cost {part_of(res, single)} of what they cost"
            f" unpatched, spread over the classes {part_of(res, mixed)}.",
            "cost-single-long")


QUESTIONS = (
    ("With one pool, does one work item limit how fast memory comes back?"
     " (Nhat Pham)", answer_one_item, "release workers"),
    ("Per-CPU queues? (Kairui Song)", answer_percpu, "cost release"),
    ("The total work is unchanged; under pressure, are the workers not a burden"
     " of their own? (Kairui Song)", answer_total, "cost lmk"),
    ("How much comes from the locks, how much from free_zspage(), how much from"
     " deferring? Could deferring the page freeing alone do? (Yosry Ahmed)",
     answer_where, "cost locks"),
    ("Callbacks from zram into zsmalloc's buffers are a layering violation."
     " (Yosry Ahmed)", answer_layers, ""),
    ("Why this buffer size, and how does it scale with CPUs and memory?"
     " (Nhat Pham)", answer_size, "sweep"),
    ("Can zswap use it too? (Sergey Senozhatsky)", answer_zswap, "zswap"),
    ("Does a balance between classes pay? (Barry Song)", answer_balance,
     "locks cost"),
)


def show_questions(doc, res, to):
    """Each question with its answer and the picture that shows it."""
    doc.section("What reviewers asked")
    for i, (question, answer, parts) in enumerate(QUESTIONS, 1):
        doc.heading(f"{i}. {question}")
        try:
            text, picture = answer(res)
        except (KeyError, IndexError, ValueError):
            doc.text("Not measured in this run; it takes"
                     f' `make eval PARTS="{parts}"` with all designs.')
            continue
        doc.text(text)
        if picture and (to / f"{picture}.svg").exists():
            doc.picture(to / f"{picture}.svg", "From the parts: " + parts)


def show_losses(doc, res):
    """No design wins everywhere."""
    doc.section("Where our design loses")
    losses, compared, too_few = res.compare_all()
    if losses:
        doc.items(f"{what}: {number(res.median(what, OURS), 2)}, with {design}"
                  f" {number(res.median(what, design), 2)}"
                  for what, design in losses)
    elif compared:
        doc.text("Nowhere beyond the spread of the samples.")
    doc.source(f"Of {compared} comparisons of a figure with {', '.join(OTHERS)}:"
               " those in which the median is worse by more than"
               f" {100 * MARGIN - 100:.0f} %, and no sample of ours reaches one"
               f" of theirs. {too_few} others have too few samples for that"
               f" (less than {ENOUGH}, of instructions {ENOUGH_COUNTED}). Ours"
               " has the optional patches here, the others have"
               " not; `plain` is ours without them.")


def noise(res):
    """[(how much slower than the fastest guests, guest)], the typical time of
    a piece of work, and the share of the host's time that was stolen."""
    taken, stolen = {}, 0
    for path in res.root.glob("*/*/*/spin"):
        host = path.parent / "host"
        if path.parts[-4] == "cost" or not host.exists():
            continue
        taken[str(path.parent.relative_to(res.root))] = max(
            int(line.split()[1]) for line in path.read_text().splitlines())
        stolen += int(host.read_text().split()[1])
    if not taken:
        return [], 0, 0
    base = sorted(taken.values())[len(taken) // 4]
    return (sorted(((t / base, g) for g, t in taken.items()), reverse=True),
            base, stolen)


def show_noise(doc, res):
    """Whether times of this run can be trusted."""
    slowdowns, base, stolen = noise(res)
    doc.section("How quiet the machine was")
    if len(slowdowns) < 4:
        doc.text("That can't be told of less than four guests.")
        return
    slow = [(s, g) for s, g in slowdowns if s > SLOWED]
    share = len(slow) / len(slowdowns)
    verdict = ("**The machine was too noisy for times**: repeat the run, and"
               " until then believe only instructions." if share > 0.2 else
               "That is quiet enough for ratios, as far as this can tell."
               if not slow else
               "The guests below were slowed; their samples are in the tables"
               " all the same.")
    doc.text(f"Before and after its job each guest timed a fixed piece of work:"
             f" {base / 1e6:.2f} ms, and in {len(slow)} of {len(slowdowns)}"
             f" guests more than {100 * SLOWED - 100:.0f} % longer; {stolen}"
             f" jiffies of the host's CPUs were stolen meanwhile. {verdict}")
    if slow:
        doc.table(["guest", "slower by"],
                  [[g, f"{100 * s - 100:.0f} %"] for s, g in slow[:12]])


def show_native(doc, res):
    """Nanoseconds on the CPU of the machine that measured."""
    where = res.root / "native"
    intro, head, lines, others = native_report.tell(
        where, *native_report.read_rows(where))
    doc.section("On this machine's own CPU")
    doc.text(f"Instructions that are counted show no cache miss. {intro} {others}")
    doc.table(head, lines)
    doc.source("Again: `make bench NATIVE=1`; from the samples in `native/`.")


def show_target(doc, res):
    """What the same programs said on another machine."""
    where = res.root / "target"
    runs = sorted(where.glob("*/release/release.jsonl"))
    if not runs:
        return
    doc.section("On another machine")
    doc.text("The same programs, run by `run.sh` of `make eval-target`:")
    doc.listing("\n".join(p.read_text().strip()
                          for p in sorted(where.glob("*/machine"))))
    names = []
    for path in runs:
        design = path.parent.parent.name
        names.append(design)
        add_releases(res, "target", design, read_lines(path))
        latency = path.parent.parent / "latency" / "latency.jsonl"
        if latency.exists():
            add_latency(res, "target, ", design, read_lines(latency))
    columns = list(dict.fromkeys(w for w, d in res.figures
                                 if w.startswith("target") and d in names
                                 and not w.endswith("left")))
    doc.table(["figure"] + names,
              [[what.removeprefix("target, ") +
                (", ms" if what.endswith(("released", "back")) else "")] +
               [with_ratio(res, what, d, 1) for d in names]
               for what in columns])
    doc.source("From `target/*/*/*.jsonl`.")


def show_summary(doc, res, to):
    """The first screen: one picture, one table, three sentences."""
    try:
        total, release = MIXED + "sum", MIXED + "release"
        what = biggest(res, 1)
        doc.text(
            f"Freeing a page of a dead process costs"
            f" {versus(res, total, (BASE, 'array', 'percpu'))} instructions all"
            f" in all, {part_of(res, total)} of what the unpatched kernel takes,"
            f" and {part_of(res, release)} of it while the process waits."
            f" To unmap {what.split()[1]} MiB of swapped memory takes"
            f" {versus(res, what + 'released', (BASE,), 1, ' ms')}, and the"
            f" memory is back after"
            f" {versus(res, what + 'back', (BASE,), 1, ' ms')}."
            f" Of the unpatched kernel's work the designs of earlier proposals"
            f" leave {part_of(res, total, 'array')} (array) and"
            f" {part_of(res, total, 'percpu')} (per-CPU pages), and ours without"
            f" its optional patches {part_of(res, total, LIKE_THEM)}.")
    except (KeyError, ValueError):
        doc.text("A run of some parts only.")
    picture = to / "cost-mixed-long.svg"
    if picture.exists():
        doc.picture(picture, "Total work by design")
    columns = [(MIXED + "release", 0), (MIXED + "sum", 0)]
    try:
        columns += [(biggest(res, 1) + f, 1) for f in ("released", "back")]
    except ValueError:
        pass
    rows = []
    for design, text in DESIGNS.items():
        values = [res.figures.get((what, design)) for what, _ in columns]
        if any(values):
            rows.append([design, text] + [
                number(statistics.median(v), digits) if v else "-"
                for v, (_, digits) in zip(values, columns)])
    doc.table(["design", "what it is"] + [
        what.replace("long lists: ", "") + (" ms" if digits else " instructions")
        for what, digits in columns], rows)


def show_machine(doc, res):
    """What all this ran on."""
    doc.section("Machine, versions, raw data")
    doc.listing((res.root / "machine").read_text().strip())
    doc.text("Each guest's folder `PART/DESIGN/GUEST/` has what its job left,"
             " its console, `dmesg`, the kernel's configuration and the exact"
             " command of QEMU (`qemu-command`). Configurations: " +
             ", ".join(f"[{p.name}]({p.name})" for p in
                       sorted(res.root.glob("config-*"))) + ".")


LMK, PRESSURE = "killer scene: ", "two at once: "
LMK_PLOTS = ("killer scene: time until the new app has its memory, ms",
             "killer scene: its worst stall, ms")


def body(doc, res, to):
    """All parts that there are."""
    def group(part, read, *rest):
        return part, read, lambda: show_group(doc, res, part, *rest)

    for part, read, show in (
            ("cost", read_cost, lambda: show_cost(doc, res, to)),
            ("native", None, lambda: show_native(doc, res)),
            group("zswap", lambda r: read_zswap(r, "zswap", ZSWAP),
                  "zswap, in instructions",
                  "The same in front of a disk that nothing reaches; what pages"
                  " cost to swap out and in, too.", ZSWAP, 0),
            group("zswap-cgroup", lambda r: read_zswap(r, "zswap-cgroup", CGROUP),
                  "zswap in a memory cgroup",
                  "The same of pages that a memory cgroup is charged for.",
                  CGROUP, 0),
            *((p, lambda r, p=p: read_release(r, p),
               lambda p=p: show_release(doc, res, to, p)) for p in PARTS),
            ("series", None, lambda: show_series(doc, res, to)),
            group("compact", read_compact, "Releases beside compaction",
                  "A process is killed, in ms until it is gone and until its memory"
                  " is back, while somebody has memory compacted and asks for huge"
                  " pages again and again.", "compact", 1),
            group("holes", read_holes, "A few that are left",
                  "What a pool and the kernel's slabs that can't be reclaimed take"
                  " beyond what they took before, when all of a process is in swap,"
                  " and when 95 of 100 of its pages have been freed in random order:"
                  " handles are a part of slabs.", "holes", 0),
            group("irqs", read_irqs, "Interrupts off",
                  "The longest time that interrupts are off (the irqsoff tracer)"
                  " while a process is killed, its memory drained, and as much"
                  " swapped out and in, on one CPU whose microsecond is 1000"
                  " instructions.", "irqs off", 0),
            group("lmk", lambda r: read_lmk(r, "lmk", LMK),
                  "Low-memory-killer scene",
                  "Six apps with resident and swapped memory; a new one wants half"
                  " of the machine's memory, and whenever little is free the"
                  " oldest app is killed, one after the other.",
                  LMK, 1, to, LMK_PLOTS),
            group("pressure", lambda r: read_lmk(r, "pressure", PRESSURE),
                  "Two apps at once, and a task with deadlines",
                  "The same in a kernel configured like a distribution's, which"
                  " tells how long tasks were short of memory (PSI). The killer"
                  " kills two apps at a time, and another task gets 1 MiB of new"
                  " memory every 17 ms, and gives it back.",
                  PRESSURE, 1),
            group("latency", read_latency, "Swapping beside a kill",
                  "What a page fault from swap and a page-out of 16 pages take"
                  " while nothing is freed, and within 20 ms of a kill of 128 MiB.",
                  "swap", 1, to, ("swapin, beside a kill: p99, us",
                                  "swapout, beside a kill: p99, us")),
            group("stress", read_stressors, "stress-ng beyond memory",
                  "stress-ng's swap workloads, half as large again as memory;"
                  " workers: the CPU time of all kernel workers.",
                  ("vm: ", "mmap: ", "exit: "), 2),
            ("sweep", None, lambda: show_sweep(doc, res, to)),
            ("profile", None, lambda: show_profile(doc, res, to)),
            ("locks", None, lambda: show_locks(doc, res)),
            *((p, None, lambda p=p: show_many(doc, res, p))
              for p in ("locks-4", "locks-8")),
            ("patches", None, lambda: show_patches(doc, res))):
        if not res.designs(part) and \
           (part != "patches" or not (res.root / part).exists()):
            continue
        try:
            if read:
                read(res)
            show()
        except (KeyError, IndexError, FileNotFoundError) as e:
            doc.text(f"**The part {part} is not complete**: {e!r}")


def main():
    """Read, compute, draw, write."""
    root = Path(sys.argv[1]).resolve()
    res, to = Results(root), root / "plots"
    to.mkdir(exist_ok=True)
    # The answers come first, but follow from all the rest.
    rest = Doc("", root)
    body(rest, res, to)
    doc = Doc("Deferred free for zsmalloc: designs side by side", root)
    show_target(rest, res)
    show_summary(doc, res, to)
    show_questions(doc, res, to)
    show_losses(doc, res)
    show_noise(doc, res)
    doc.append(rest)
    show_machine(doc, res)
    doc.write()
    # What never came is null.
    figures = {f"{what} | {design}":
               [None if math.isinf(v) else v for v in values]
               for (what, design), values in res.figures.items()}
    (root / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
