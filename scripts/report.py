#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare what two kernels did: RESULTS/{off,on}/ to a table, JSON, Markdown.

Every figure in the table is computed here from raw samples, all of which go
into results.json unchanged.
"""

import json
import re
import statistics
import sys
from collections import Counter
from pathlib import Path

FLAVOURS = ("off", "on")
STRESS_FIELDS = ("stressor", "status", "pswpout", "pswpin", "oom_kills", "bogo_ops",
                 "real_s", "usr_s", "sys_s", "bogo_ops_per_s", "workers_ns")

# A symbol that stands for "freeing an object": zram's and zsmalloc's own.
FREEING = ("zram_slot_free_notify", "slot_free", "zs_free", "zs_free_deferred",
           "zs_free_deferred_bulk")
# The part of a process's end that gives its memory back.
EXITING = ("exit_mmap",)


def read_releases(path):
    """The lines of JSON that zsbench printed."""
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def read_stress(path):
    """A round a line, in the order of STRESS_FIELDS."""
    rounds = []
    for line in path.read_text().splitlines():
        name, *values = line.split()
        if len(values) != len(STRESS_FIELDS) - 1:
            raise SystemExit(f"error: {path}: stress-ng gave no figures: {line}")
        rounds.append(dict(zip(STRESS_FIELDS, [name] + [
            float(v) if "." in v else int(v) for v in values])))
    return rounds


def read_stats(path):
    """name value lines; {} for a kernel without the feature."""
    if not path.exists():
        return {}
    return {name: int(value) for name, value in
            (line.split() for line in path.read_text().splitlines())}


def read_stacks(path):
    """perf script's output as (command, [symbol, innermost first]) samples."""
    samples = []
    for block in re.split(r"\n\s*\n", path.read_text()):
        lines = [line for line in block.splitlines() if line.strip()]
        if len(lines) < 2:
            continue
        comm = lines[0].rsplit(None, 2)[0].strip()
        stack = [line.split(None, 1)[1].strip() for line in lines[1:]
                 if len(line.split(None, 1)) == 2]
        samples.append((comm, stack))
    return samples


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


def spread(values):
    """min / median / max"""
    return {"min": min(values), "median": statistics.median(values),
            "max": max(values), "n": len(values)}


def summarise_releases(releases):
    """{(how, mib, procs): {figure: spread}}"""
    groups = {}
    for r in releases:
        groups.setdefault((r["how"], r["mib"], r["procs"]), []).append(r)
    summary = {}
    for key, runs in groups.items():
        figures = {
            "release, ns/page": [r["release_ns"] / r["pages"] for r in runs],
            "processes gone after, ms": [r["release_ns"] / 1e6 for r in runs],
            "pages back after, ms": [r["back_ns"] / 1e6 for r in runs
                                     if r["back_ns"] >= 0],
        }
        if len(figures["pages back after, ms"]) != len(runs):
            raise SystemExit(f"error: {key}: pages did not come back")
        summary[key] = {name: spread(v) for name, v in figures.items()}
    return summary


def ratio(off, on):
    """on / off as text"""
    return f"{on / off:.2f}" if off else "-"


def cell(s, digits):
    """median (min-max)"""
    return (f"{s['median']:.{digits}f} "
            f"({s['min']:.{digits}f}-{s['max']:.{digits}f})")


def table(head, rows):
    """An aligned Markdown table, which reads well on a terminal, too."""
    rows = [head] + rows
    width = [max(len(r[i]) for r in rows) for i in range(len(head))]

    def line(row):
        return "| " + " | ".join(c.ljust(w) for c, w in zip(row, width)) + " |"
    rule = "|" + "|".join("-" * (w + 2) for w in width) + "|"
    return "\n".join([line(rows[0]), rule] + [line(r) for r in rows[1:]])


def release_table(data):
    """One row for each figure of each kind of release."""
    rows = []
    for key in data["off"]["summary"]:
        how, mib, procs = key
        figures = [("release, ns/page", 0), ("pages back after, ms", 1)]
        if how == "kill":
            figures.insert(1, ("processes gone after, ms", 1))
        for name, digits in figures:
            off, on = (data[f]["summary"][key][name] for f in FLAVOURS)
            rows.append([f"{how}, {mib} MiB, {procs} proc.", name,
                         cell(off, digits), cell(on, digits),
                         ratio(off["median"], on["median"])])
    return table(["released", "figure", "off", "on", "on/off"], rows)


def stress_table(data):
    """What stress-ng got done, and at what cost."""
    rows = []
    for name, field in (("bogo ops/s", "bogo_ops_per_s"),
                        ("pages swapped out", "pswpout"),
                        ("pages swapped in", "pswpin"),
                        ("system time, s", "sys_s"),
                        ("OOM kills", "oom_kills"),
                        ("failed runs", None)):
        values = []
        for flavour in FLAVOURS:
            rounds = data[flavour]["stress"]
            if field:
                values.append(statistics.median(r[field] for r in rounds))
            else:
                values.append(sum(r["status"] != 0 for r in rounds))
        digits = 1 if field in ("bogo_ops_per_s", "sys_s") else 0
        rows.append([name] + [f"{v:.{digits}f}" for v in values] +
                    [ratio(*values)])
    return table(["stress-ng --vm", "off", "on", "on/off"], rows)


def profile_table(data):
    """The exit path and the workers, by symbol."""
    off, on = (data[f]["profile"] for f in FLAVOURS)

    def share(p):
        total = p["exit_samples"]
        if not total:
            raise SystemExit("error: perf saw no process exit")
        return f"{100 * p['exit_freeing_samples'] / total:.1f} %"
    rows = [["exit, all samples", str(off["exit_samples"]),
             str(on["exit_samples"]),
             ratio(off["exit_samples"], on["exit_samples"])],
            ["of it in zram and zsmalloc", share(off), share(on), ""],
            ["workers, all samples", str(off["worker_samples"]),
             str(on["worker_samples"]), ""],
            ["exit and workers together",
             str(off["exit_samples"] + off["worker_samples"]),
             str(on["exit_samples"] + on["worker_samples"]),
             ratio(off["exit_samples"] + off["worker_samples"],
                   on["exit_samples"] + on["worker_samples"])]]
    by_symbol = [dict(p["exit_by_symbol"]) for p in (off, on)]
    top = sorted(set(by_symbol[0]) | set(by_symbol[1]),
                 key=lambda s: -sum(b.get(s, 0) for b in by_symbol))[:14]
    rows += [[f"  exit: {s}", str(by_symbol[0].get(s, 0)),
              str(by_symbol[1].get(s, 0)), ""] for s in top]
    rows += [[f"  worker: {s}", "", str(n), ""]
             for s, n in on["workers_by_symbol"][:10]]
    return table(["perf record of kills", "off", "on", "on/off"], rows)


def main():
    """Read, compute, write, print."""
    out = Path(sys.argv[1])
    data = {}
    for flavour in FLAVOURS:
        where = out / flavour
        releases = read_releases(where / "release" / "release.jsonl")
        data[flavour] = {
            "releases": releases,
            "summary": summarise_releases(releases),
            "stress": read_stress(where / "stress" / "stress.txt"),
            "profile": profile(read_stacks(where / "profile" /
                                           "perf-script.txt")),
            "stats": read_stats(where / "release" / "stats"),
        }
    if not data["on"]["stats"].get("drained"):
        raise SystemExit("error: the kernel \"on\" did not defer anything")

    machine = (out / "machine").read_text()
    text = "\n\n".join([
        "# Deferred free, off against on",
        "Medians of the runs, with (min-max). Times of an emulated guest are\n"
        "no phone's times; the ratios are of one run on one machine.",
        "## Releasing memory in swap", release_table(data),
        "## A swap workload larger than memory", stress_table(data),
        "## Where the time of a kill goes", profile_table(data),
        "## What the deferred free did during the releases",
        "\n".join(f"    {k} {v}" for k, v in data["on"]["stats"].items()),
        "## Machine", "\n".join("    " + m for m in machine.splitlines()),
    ]) + "\n"
    (out / "report.md").write_text(text)

    for flavour in FLAVOURS:
        data[flavour]["summary"] = [
            {"how": h, "mib": m, "procs": p, **s}
            for (h, m, p), s in data[flavour]["summary"].items()]
        data[flavour]["config"] = (out / flavour / "config").read_text()
        data[flavour]["commands"] = {
            p.parent.name: p.read_text().strip()
            for p in sorted((out / flavour).glob("*/qemu-command"))}
    data["machine"] = dict(m.split(" ", 1) for m in machine.splitlines())
    (out / "results.json").write_text(json.dumps(data, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
