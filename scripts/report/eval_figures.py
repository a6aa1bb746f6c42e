# SPDX-License-Identifier: GPL-2.0
"""The figures of an evaluation, of what guests left in RESULTS/PART/DESIGN/GUEST/."""

import json
import math
import re
import statistics
from collections import Counter

import native_report
from samples import (EXITING, add_costs, read_lines, read_stacks, read_stress)
from series_figures import SWAPS, Patches

OURS, BASE = "perclass", "unpatched"
DESIGNS = ("unpatched", "optional", "disabled", "array", "percpu", "pages", "deferring",
           "plain-disabled", "plain", "perclass")
# Those that ours is compared with.
OTHERS = ("unpatched", "array", "percpu", "pages")
# What a part may lack without taking the others with it.
INCOMPLETE = (KeyError, IndexError, ValueError, FileNotFoundError)
ZSWAP, CGROUP = "zswap, long lists: ", "zswap in a cgroup, long lists: "
LMK, PRESSURE = "killer scene: ", "two at once: "
RELEASES = ("release", "zswap-kill", "cpus-1", "cpus-2", "cpus-4", "cpus-8",
            "workers-1", "workers-2", "alg-lzo-rle", "alg-zstd")
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
        self.stacks = {}	# {design: (exits', workers')}
        self.waits = {}		# {(data, design): (by taker, samples, %, contended)}
        self.sweep = {}		# {(budget, threshold, delay): [figure, ...]}
        self.broken = {}	# {part: what went wrong}

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


# Profiles and locks

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


def noise(res):
    """[(how much slower than the fastest guests, guest)], the typical time of
    a piece of work, and the share of the host's time that was stolen. A guest that
    counts instructions knows no time, and one with many CPUs is its own noise."""
    taken, stolen = {}, 0
    for path in res.root.glob("*/*/*/spin"):
        guest = path.parent
        if not (guest / "host").exists() or \
                re.search(r"-icount|-smp [4-9]", (guest / "qemu-command").read_text()):
            continue
        taken[str(guest.relative_to(res.root))] = max(
            int(line.split()[1]) for line in path.read_text().splitlines())
        stolen += int((guest / "host").read_text().split()[1])
    if not taken:
        return [], 0, 0
    base = sorted(taken.values())[len(taken) // 4]
    return (sorted(((t / base, g) for g, t in taken.items()), reverse=True),
            base, stolen)


def sizes_of(res, part):
    """[(MiB, processes)] that were released."""
    found = {tuple(map(int, m.groups())) for what, _ in res.figures
             if (m := re.match(rf"{part}, (\d+) MiB of (\d+): released", what))}
    return sorted(found, key=lambda s: (s[1] > 1, s[1], s[0]))


def read_profiles(res):
    """Samples of exits and of workers."""
    for design in res.designs("profile"):
        exits, workers = read_kills(
            res.guests("profile", design)[0] / "perf-script.txt")
        if not exits:
            raise SystemExit(f"error: perf saw no process exit on {design}")
        res.stacks[design] = exits, workers
        res.add("profile: exit, samples", design, [len(exits)])
        res.add("profile: exit and workers, samples", design,
                [len(exits) + len(workers)])


def read_waits(res):
    """Samples of four kills at once that wait for a spinlock."""
    for data in ("mixed", "single"):
        for design in res.designs("locks"):
            guest = res.guests("locks", design)[0]
            waits, samples = read_spins(guest / f"{data}-script.txt")
            contended = sum(n for n, _, caller in read_locks(guest / f"{data}.txt")
                            if OUR_LOCKS.match(caller))
            share = 100 * sum(waits.values()) / samples if samples else 0
            res.waits[data, design] = waits, samples, share, contended
            res.add(f"locks, {data}: waiting, % of samples", design, [share])


def read_crowd(res, cpus):
    """How many were killed in as much time."""
    for design in res.designs(f"locks-{cpus}"):
        res.add(f"locks on {cpus} CPUs: kills", design,
                [len(res.records(f"locks-{cpus}", design, "release.jsonl"))])


def read_target(res):
    """What the same programs left on another machine."""
    for path in sorted((res.root / "target").glob("*/release/release.jsonl")):
        design = path.parent.parent.name
        add_releases(res, "target", design, read_lines(path))
        latency = path.parent.parent / "latency" / "latency.jsonl"
        if latency.exists():
            add_latency(res, "target, ", design, read_lines(latency))


def read_native(res):
    """Nanoseconds on this machine's own CPU."""
    for row in native_report.read_rows(res.root / "native")[0]:
        for kernel, design in (("unpatched", BASE), ("on", OURS)):
            res.add(f"native, {row.group}: {row.what}", design, row.samples[kernel])
        if row.low is not None:
            res.add(f"native, {row.group}: {row.what}, ratio", OURS,
                    [row.low, row.ratio, row.high])


def read_patches(res):
    """Instructions with the first patches of the series; "NN off": turned off."""
    patches = Patches(res.root)
    for n in patches.numbers():
        for guest, swap in SWAPS.items():
            for off in ("", "-off"):
                for what, cost in patches.costs(n, guest + off).items():
                    res.add(f"patches, {swap}: {what}",
                            BASE if n == "00" else n + off.replace("-", " "), [cost])


def read_sweep(res):
    """What each combination of budget, threshold and delay did."""
    runs = {}
    for line in (res.guests("sweep", OURS)[0] / "sweep.txt").read_text().splitlines():
        words, brace, rest = line.partition("{")
        budget, *numbers = words.split()
        threshold, delay, fell_back, objects, ns = map(int, numbers)
        r = json.loads(brace + rest)
        runs.setdefault((budget, threshold, delay), []).append((
            r["munmap_ns"] / 1e6, (r["back_ns"] - r["release_ns"]) / 1e6,
            100 * fell_back / r["pages"], ns / objects if objects else 0))
    for knobs, values in runs.items():
        res.sweep[knobs] = [statistics.median(x) for x in zip(*values)]
        for what, x in zip(("release, ms", "memory back after that, ms", "fell back, %",
                            "drain, ns an object"), zip(*values)):
            res.add(f"sweep, {' '.join(map(str, knobs))}: {what}", OURS, list(x))


READERS = {
    "cost": read_cost,
    "zswap": lambda r: read_zswap(r, "zswap", ZSWAP),
    "zswap-cgroup": lambda r: read_zswap(r, "zswap-cgroup", CGROUP),
    **{p: lambda r, p=p: read_release(r, p) for p in RELEASES},
    "compact": read_compact,
    "holes": read_holes,
    "irqs": read_irqs,
    "lmk": lambda r: read_lmk(r, "lmk", LMK),
    "pressure": lambda r: read_lmk(r, "pressure", PRESSURE),
    "latency": read_latency,
    "stress": read_stressors,
    "sweep": read_sweep,
    "profile": read_profiles,
    "locks": read_waits,
    "locks-4": lambda r: read_crowd(r, 4),
    "locks-8": lambda r: read_crowd(r, 8),
    "native": read_native,
    "patches": read_patches,
    "target": read_target,
}


def read_all(root):
    """Whatever there is."""
    res = Results(root)
    for part, read in READERS.items():
        try:
            if (root / part).is_dir():
                read(res)
        except INCOMPLETE as e:
            res.broken[part] = e
    return res
