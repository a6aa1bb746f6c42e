# SPDX-License-Identifier: GPL-2.0
"""What guests left: readers of it, and tables of text."""

import json
import re
from collections import Counter

STRESS_FIELDS = ("workload", "status", "real_s", "sys_s", "pswpout", "pswpin",
                 "oom_kills", "workers_ns")

# A symbol that stands for "freeing an object": zram's and zsmalloc's own.
FREEING = ("zram_slot_free_notify", "slot_free", "zram_free_page", "zs_free", "zs_free_deferred",
           "zsdefer_push", "zsdefer_slots_died")
# The part of a process's end that gives its memory back.
EXITING = ("exit_mmap",)


def read_lines(path):
    """The lines of JSON that zsbench printed."""
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def costs(run):
    """{figure: nanoseconds a page} of a release, or of swapping back in."""
    if run["how"] == "touch":
        return {"swap-in": run["release_ns"] / run["pages"]}
    release = run["munmap_ns"] if run["how"] == "munmap" else run["release_ns"]
    return {"release": release / run["pages"],
            "release and drain": (release + run["flush_ns"]) / run["pages"],
            "page-out": run["out_ns"] / run["pages"]}


def add_costs(figures, runs, name=""):
    """Add what they cost to {name + figure: [nanoseconds a page, ...]}."""
    for run in runs:
        for figure, ns in costs(run).items():
            figures.setdefault(name + figure, []).append(ns)


def read_stress(path):
    """A workload a line, in the order of STRESS_FIELDS."""
    workloads = []
    for line in path.read_text().splitlines():
        name, *values = line.split()
        if len(values) != len(STRESS_FIELDS) - 1:
            raise SystemExit(f"error: {path}: stress-ng gave no figures: {line}")
        workloads.append(dict(zip(STRESS_FIELDS, [name] + [
            float(v) if "." in v else int(v) for v in values])))
    return workloads


def read_stats(path):
    """name value lines; {} for a kernel without the feature."""
    if not path.exists():
        return {}
    return {name: int(value) for name, value in
            (line.split() for line in path.read_text().splitlines())}


def read_frames(path):
    """perf script's output as (head, [(address, symbol), innermost first])."""
    samples = []
    for block in re.split(r"\n\s*\n", path.read_text()):
        lines = [line for line in block.splitlines() if line.strip()]
        if len(lines) < 2:
            continue
        frames = [line.split(None, 1) for line in lines[1:]]
        samples.append((lines[0], [(f[0], f[1].strip()) for f in frames
                                   if len(f) == 2]))
    return samples


def read_stacks(path):
    """The same as (command, [symbol, innermost first])."""
    return [(head.rsplit(None, 2)[0].strip(), [symbol for _, symbol in frames])
            for head, frames in read_frames(path)]


def profile(samples):
    """Where the exiting processes and the workers spent their samples."""
    exiting = [s for _, s in samples if any(f in EXITING for f in s)]
    freeing = [s for s in exiting if any(f in FREEING for f in s)]
    workers = [s for _, s in samples if any(f.startswith("zsdefer_drain")
                                            for f in s)]
    return {
        "samples": len(samples),
        "exit_samples": len(exiting),
        "exit_freeing_samples": len(freeing),
        "worker_samples": len(workers),
        "exit_by_symbol": Counter(s[0] for s in exiting).most_common(),
        "workers_by_symbol": Counter(s[0] for s in workers).most_common(),
    }


def ratio(off, on):
    """on / off as text"""
    return f"{on / off:.2f}" if off else "-"


def table(head, rows):
    """An aligned Markdown table, which reads well on a terminal, too."""
    rows = [head] + rows
    width = [max(len(r[i]) for r in rows) for i in range(len(head))]

    def line(row):
        return "| " + " | ".join(c.ljust(w) for c, w in zip(row, width)) + " |"
    rule = "|" + "|".join("-" * (w + 2) for w in width) + "|"
    return "\n".join([line(rows[0]), rule] + [line(r) for r in rows[1:]])
