#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Report of an evaluation: eval_report.py RESULTS makes report.md, index.html and
figures.json there. The words are in eval_report.md, which calls what follows;
every figure comes from eval_figures.py.
"""

import base64
import json
import math
import re
import statistics
import sys
from collections import Counter
from pathlib import Path

import jinja2
import markdown

import eval_plots as plots
import native_report
from eval_figures import (BASE, CGROUP, DESIGNS, INCOMPLETE, LMK, MARGIN, OTHERS,
                          OURS, OUR_LOCKS, PRESSURE, SLOWED, ZSWAP, noise, read_all,
                          read_locks, sizes_of)
from samples import ratio, table
from series_figures import Patches, about_all

HERE = Path(__file__).resolve().parents[2]
MIXED = "mixed, long lists: "
# Parts that leave no PART/DESIGN/GUEST/exit.
NO_GUESTS = ("native", "patches", "target")
# Those in which a figure is no median, or has no ratio.
NO_MEDIANS = ("timeline", "sweep", "profile", "locks", "patches")
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


def number(value, digits=0):
    """As text; what never came is infinite."""
    return "never" if math.isinf(value) else f"{value:.{digits}f}"


class Report:
    """Its public methods are what the template calls."""

    def __init__(self, res):
        self.res, self.to = res, res.root / "plots"
        self.to.mkdir(exist_ok=True)

    def part(self, name, title, by=None, caller=None):
        """A section, if the part was measured, which PARTS= calls BY; "" ends without
        how that is done again."""
        if not self.res.designs(name) and not (self.res.root / name).is_dir():
            return ""
        try:
            if name in self.res.broken:
                raise self.res.broken[name]
            if not self.res.designs(name) and name not in NO_GUESTS:
                raise KeyError("no guest ended well")
            text = caller().strip()
            if by != "":
                text += "\n\n" + self.again(name, by or name)
        except INCOMPLETE as e:
            text = f"**The part {name} is not complete**: {e!r}\n"
        return f"\n## {title}\n\n{text}\n"

    def measured(self, parts, caller):
        """What takes these parts."""
        try:
            return caller().strip() + "\n"
        except INCOMPLETE:
            return ("Not measured in this run; it takes"
                    f' `make eval PARTS="{parts}"` with all designs.\n')

    def again(self, where, part):
        """How a part's figures are made again, and from what they are."""
        commands = {line.split(" ", 1)[1]
                    for host in self.res.root.glob(f"{where}/*/*/host")
                    for line in host.read_text().splitlines()
                    if line.startswith("command ")}
        command = " or ".join(sorted(commands)) or "make eval"
        how = "" if part in NO_MEDIANS else \
            " Medians with (min-max); bold: in parts of the unpatched kernel's."
        return (f"*Again: `{command} PARTS={part}`; from the samples in `{where}/`."
                f"{how}*")

    def cpus(self, part):
        """That its guests had."""
        guest = self.res.guests(part, self.res.designs(part)[0])[0]
        return (guest / "cpus").read_text().strip()

    # Figures in a sentence

    def figure(self, what, design=OURS, digits=0):
        """The median of a figure."""
        return number(self.res.median(what, design), digits)

    def versus(self, what, others, digits=0, unit=""):
        """'12 (array 34, percpu 56)' of our figure and others'."""
        theirs = ", ".join(f"{o} {self.figure(what, o, digits)}"
                           for o in others if (what, o) in self.res.figures)
        return f"{self.figure(what, OURS, digits)}{unit} ({theirs})"

    def share(self, what, design=OURS):
        """In parts of the unpatched kernel's."""
        return f"{self.res.median(what, design) / self.res.median(what, BASE):.2f}"

    def cell(self, what, design=OURS, digits=1):
        """median (min-max)"""
        values = self.res.figures[what, design]
        text = number(statistics.median(values), digits)
        if min(values) != max(values):
            text += f" ({number(min(values), digits)}-{number(max(values), digits)})"
        return text

    def than(self, what, other, mine=OURS):
        """"less", "more", "no different" or "not comparable"."""
        return self.res.than(what, other, mine)

    def biggest(self, procs=None, part="release"):
        """The largest release by so many processes, or by most: a prefix of figures,
        and MiB and processes."""
        sizes = sizes_of(self.res, part)
        procs = procs or max(p for _, p in sizes)
        mib = max(m for m, p in sizes if p == procs)
        return {"name": f"{part}, {mib} MiB of {procs}: ", "mib": mib, "procs": procs}

    def never_back(self, design):
        """The most MiB that were missing at the end."""
        return number(max(x for (w, d), v in self.res.figures.items() for x in v
                          if d == design and w.startswith("release") and
                          w.endswith("left")), 1)

    # Tables

    def with_ratio(self, what, design, digits):
        """median (min-max), and bold what that is of the unpatched kernel's"""
        figures = self.res.figures
        values = figures.get((what, design))
        if not values:
            return "-"
        text = self.cell(what, design, digits)
        left = figures.get((what.removesuffix("back") + "left", design))
        if what.endswith("back") and any(math.isinf(v) for v in values) and left:
            text += f", up to {max(left):.1f} MiB left"
        base = figures.get((what, BASE))
        if base and design != BASE and statistics.median(base) and \
                not math.isinf(statistics.median(values) + statistics.median(base)):
            text += " **" + ratio(statistics.median(base),
                                  statistics.median(values)) + "**"
        return text

    def matrix(self, part, columns, digits=0):
        """A row a design, {head: figure} the columns."""
        return table(["design", *columns], [
            [d] + [self.with_ratio(what, d, digits) for what in columns.values()]
            for d in self.res.designs(part)])

    def rows(self, part, prefix, digits=0, short=False):
        """A row a figure, a column a design."""
        designs = self.res.designs(part)
        names = list(dict.fromkeys(what for what, d in self.res.figures
                                   if what.startswith(prefix) and d in designs))
        return table(["figure"] + designs, [
            [what.removeprefix(prefix if short else "")] +
            [self.with_ratio(what, d, digits) for d in designs] for what in names])

    def costs(self, lists, workloads):
        """Instructions of each design."""
        return self.matrix("cost", {f"{w}: {f}": f"{w}, {lists} lists: {f}"
                                    for w in workloads for f in ("release", "sum")})

    def releases(self, part):
        """How long each took, and when memory was back."""
        sizes = sizes_of(self.res, part)
        return "\n\n".join(
            f"**{title}**\n\n" + self.matrix(part, {
                f"{m} MiB of {p}": f"{part}, {m} MiB of {p}: {figure}"
                for m, p in sizes}, 1)
            for figure, title in (("released", "Released after, ms"),
                                  ("back", "Memory back after, ms")))

    def both(self):
        """What defers, what frees in batches, and what is gained by that: rows."""
        self.res.median(MIXED + "sum", "plain")
        cpus = sorted(int(p.name[5:]) for p in self.res.root.glob("cpus-*"))
        back = [self.biggest(1, f"cpus-{n}")["name"] + "back" for n in cpus]
        rows = []
        for name, design, off in (
                ("unpatched", BASE, BASE), ("deferring alone", "deferring", None),
                ("both", "plain", "plain-disabled"),
                ("both, and all optional patches", OURS, "disabled")):
            row = [name]
            for prefix in MIXED, ZSWAP:
                row += [self.with_ratio(prefix + f, design, 0)
                        for f in ("release", "sum")]
                row.append(self.with_ratio(prefix + "sum", off, 0))
            rows.append(row + [self.with_ratio(what, design, 0) for what in back])
        # Whoever frees does all of it himself.
        alone = ["batching alone, at best"]
        for prefix in MIXED, ZSWAP:
            alone += 2 * [self.with_ratio(prefix + "sum", "plain", 0)] + ["-"]
        rows.insert(1, alone + ["-"] * len(back))
        return table(["", *(f"{swap}, {f}" for swap in ("zram", "zswap")
                            for f in ("release", "and drain", "turned off")),
                      *(f"back, ms, {n} CPUs" for n in cpus)], rows)

    def published(self):
        """The same releases as others measured them elsewhere."""
        rows = []
        for what, machine, sizes in PUBLISHED:
            for (mib, procs), (before, after) in sizes.items():
                name = f"release, {mib} MiB of {procs}: released"
                if (name, "percpu") in self.res.figures:
                    rows.append([f"{mib} MiB of {procs}", what, machine,
                                 f"{before} to {after}", ratio(before, after),
                                 *(self.share(name, d) for d in ("percpu", OURS))])
        return rows and table(["released", "published", "on", "ms", "ratio",
                               "percpu here", "perclass here"], rows)

    def knobs(self):
        """The sweep, and its values near the defaults."""
        return table(["budget", "threshold", "delay, ms", "release, ms",
                      "memory back after that, ms", "fell back, %",
                      "drain, ns an object"],
                     [[b, str(t), str(d), *(number(x, n)
                                            for x, n in zip(m, (2, 2, 1, 0)))]
                      for (b, t, d), m in self.res.sweep.items()])

    def by_budget(self):
        """What falls back, and how long a release takes."""
        delay = min(d for _, t, d in self.res.sweep if t == 256)
        return "; ".join(f"{b}: {m[2]:.0f} % and {m[0]:.1f} ms"
                         for (b, t, d), m in self.res.sweep.items()
                         if (t, d) == (256, delay))

    def samples(self):
        """Where the samples of exits and workers are."""
        stacks = self.res.stacks
        counts = {d: Counter(s[0] for s in exits + workers)
                  for d, (exits, workers) in stacks.items()}
        total = sum(counts.values(), Counter())
        return "\n\n".join((
            table(["samples", "exit", "workers", "together"],
                  [[d, str(len(e)), str(len(w)), str(len(e) + len(w))]
                   for d, (e, w) in stacks.items()]),
            table(["innermost symbol, samples", *counts],
                  [[f"`{s}`"] + [str(c[s]) for c in counts.values()]
                   for s, _ in total.most_common(24)])))

    def waits(self):
        """Who waits for whom."""
        return table(
            ["data: design", "samples", "waiting for a spinlock", "taken in",
             "perf lock: contended"],
            [[f"{data}: {design}", str(samples),
              f"{sum(takers.values())} ({share:.1f} %)",
              ", ".join(f"`{s}` {n}" for s, n in takers.most_common(4)) or "-",
              str(contended)]
             for (data, design), (takers, samples, share, contended)
             in self.res.waits.items()])

    def crowd(self, part):
        """Whose locks are waited for longest, on many CPUs."""
        rows = []
        for design in self.res.designs(part):
            often, waited = Counter(), Counter()
            for guest in self.res.guests(part, design):
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
                         str(len(self.res.records(part, design, "release.jsonl")))])
        return table(["design", "waited for", "the first of zsmalloc's and ours",
                      "kills"], rows)

    def patches(self):
        """What each patch of the series costs and saves."""
        return table(*about_all(Patches(self.res.root)))

    def native(self):
        """Nanoseconds on the CPU of the machine that measured."""
        where = self.res.root / "native"
        intro, head, lines, others = native_report.tell(
            where, *native_report.read_rows(where))
        return f"{intro} {others}\n\n{table(head, lines)}"

    def target(self):
        """What the same programs said on another machine."""
        names = [p.parent.parent.name for p in sorted(
            self.res.root.glob("target/*/release/release.jsonl"))]
        return table(["figure"] + names, [
            [what.removeprefix("target, ") +
             (", ms" if what.endswith(("released", "back")) else "")] +
            [self.with_ratio(what, d, 1) for d in names]
            for what in dict.fromkeys(w for w, d in self.res.figures
                                      if w.startswith("target") and d in names
                                      and not w.endswith("left"))])

    def summary(self, about):
        """The first screen's table, of {design: what it is}."""
        columns = [(MIXED + "release", 0), (MIXED + "sum", 0)]
        if any(p == 1 for _, p in sizes_of(self.res, "release")):
            columns += [(self.biggest(1)["name"] + f, 1) for f in ("released", "back")]
        rows = []
        for design in DESIGNS:
            values = [self.res.figures.get((what, design)) for what, _ in columns]
            if any(values):
                rows.append([design, about[design]] + [
                    number(statistics.median(v), digits) if v else "-"
                    for v, (_, digits) in zip(values, columns)])
        return table(["design", "what it is"] + [
            what.replace("long lists: ", "") + (" ms" if digits else " instructions")
            for what, digits in columns], rows)

    # Pictures

    def picture(self, path, caption):
        """A link to it, once it is drawn."""
        return f"![{caption}]({path.relative_to(self.res.root)})"

    def stacked(self, workload, lists):
        """Release and drain of each design."""
        name = f"{workload}, {lists} lists"
        rows = [(d, *(self.res.median(f"{name}: {f}", d) for f in ("release", "drain")))
                for d in self.res.designs("cost")
                if (f"{name}: drain", d) in self.res.figures]
        if not rows:
            raise KeyError(name)
        return self.picture(plots.stacked(
            self.to / f"cost-{workload}-{lists}.svg", name, "instructions a page",
            ("release", "drain"), rows, "490,340"), f"Total work by design: {name}")

    def by_size(self, figure, processes=False):
        """Releases by how large they are, or by how many there are."""
        series = {}
        for d in self.res.designs("release"):
            for mib, procs in sizes_of(self.res, "release"):
                v = self.res.figures.get((f"release, {mib} MiB of {procs}: {figure}", d))
                if v and not math.isinf(max(v)) and \
                        (mib == 256 if processes else procs == 1):
                    series.setdefault(d, []).append(
                        (procs if processes else mib, statistics.median(v), min(v),
                         max(v)))
        if not any(len(p) > 1 for p in series.values()):
            return ""
        name = "processes" if processes else "size"
        title = {"released": "released", "back": "memory back"}[figure]
        return self.picture(plots.lines(
            self.to / f"{figure}-by-{name}.svg", f"{title} after, by {name}",
            ("processes" if processes else "MiB", "ms"),
            {d: sorted(p) for d, p in series.items()}, log="x"),
            f"{title.capitalize()}, by {name}")

    def dots(self, name, what):
        """All samples of a figure."""
        return self.picture(plots.dots(
            self.to / f"{name}.svg", what, what.split(", ")[-1],
            {d: self.res.figures[what, d] for d in DESIGNS
             if (what, d) in self.res.figures}), what)

    def over_time(self):
        """What a killed process still holds, and what waits."""
        coming, waiting = {}, {}
        for design in self.res.designs("timeline"):
            run = self.res.records("timeline", design, "timeline.jsonl")[0]
            series = run["series"]
            end = series[-1][0] if run["back_ns"] >= 0 else 100e6
            before = series[0][1] - run["pool_bytes"]
            coming[design] = [(t / 1e6, (pool - before) / 2**20, 0, 0)
                              for t, pool, _ in series if t <= end]
            if series[0][2] >= 0:
                waiting[design] = [(t / 1e6, w / 2**20, 0, 0)
                                   for t, _, w in series if t <= end]
        return "\n\n".join(
            self.picture(plots.lines(self.to / f"{name}.svg", title,
                                     ("ms after SIGKILL", "MiB"), series, bars=False),
                         title)
            for name, title, series in (
                ("coming-back", "what the pool still holds of a killed process",
                 coming),
                ("waiting", "memory that waits, as stats tells it", waiting)) if series)

    def sweep_plots(self):
        """What the budget and the threshold do, at the middle delay."""
        delays = sorted({k[2] for k in self.res.sweep})
        delay = delays[len(delays) // 2]
        pictures = []
        for i, (label, unit) in enumerate((("release", "ms"),
                                           ("memory back after that", "ms"),
                                           ("fell back", "%"),
                                           ("drain", "ns an object"))):
            series = {}
            for (budget, threshold, d), m in self.res.sweep.items():
                if d == delay:
                    series.setdefault(f"budget {budget}", []).append(
                        (threshold, m[i], 0, 0))
            pictures.append(self.picture(plots.lines(
                self.to / f"sweep-{i}.svg", f"{label}, with drain_delay_ms {delay}",
                ("drain_threshold, objects", unit), series, log="x", bars=False),
                f"Sweep: {label}"))
        return "\n\n".join(pictures)

    def flames(self):
        """Flame graphs, and how they differ from the unpatched kernel's."""
        folded = {d: plots.fold(exits + workers)
                  for d, (exits, workers) in self.res.stacks.items()}
        pictures = [self.picture(plots.flame(
            self.to / f"flame-{d}.svg", f"{d}: exit and workers", f),
            f"Flame graph: {d}") for d, f in folded.items()]
        pictures += [self.picture(plots.flame(
            self.to / f"flame-diff-{d}.svg",
            f"{d}, red: more than unpatched, blue: less", f, before=folded[BASE]),
            f"Differential flame graph: unpatched to {d}")
            for d, f in folded.items() if d != BASE and BASE in folded]
        return "\n\n".join(pictures)

    # Of the whole

    def losses(self):
        """Where another design is better, how many were compared, and how many had
        too few samples."""
        found, compared, too_few = self.res.compare_all()
        return {"compared": compared, "too_few": too_few, "found": [
            f"{what}: {self.figure(what, OURS, 2)}, with {design}"
            f" {self.figure(what, design, 2)}" for what, design in found]}

    def noise(self):
        """Which guests were slowed."""
        slowdowns, base, stolen = noise(self.res)
        slow = [(s, g) for s, g in slowdowns if s > SLOWED]
        return {"guests": len(slowdowns), "ms": base / 1e6, "stolen": stolen,
                "slow": len(slow), "table": table(
                    ["guest", "slower by"],
                    [[g, f"{100 * s - 100:.0f} %"] for s, g in slow[:12]])}

    def configs(self):
        """Links to the kernels' configurations."""
        return ", ".join(f"[{p.name}]({p.name})"
                         for p in sorted(self.res.root.glob("config-*")))

    def listing(self, pattern):
        """Files as they are."""
        text = "\n".join(p.read_text().strip()
                         for p in sorted(self.res.root.glob(pattern)))
        return "\n".join("    " + line for line in text.splitlines())

    def engine(self):
        """What callers see: function pointers, the engine's files, and those of them
        that include a header of zram's."""
        header = (HERE / "include" / "linux" / "zsdefer.h").read_text()
        files = sorted((HERE / "mm" / "zsdefer").glob("*.[ch]"))
        return {"callbacks": len(re.findall(r"\(\*\w+\)\s*\(", header)),
                "files": len(files),
                "zram": sum(bool(re.search(r"^#include.*zram", p.read_text(), re.M))
                            for p in files)}


def page(root, text):
    """One HTML file with all pictures in it; flame graphs tell more when they are
    pointed at."""
    def figures(match):
        made = []
        for caption, name in re.findall(r'<img alt="(.*?)" src="(.*?)">', match[1]):
            data = base64.b64encode((root / name).read_bytes()).decode()
            uri = f"data:image/svg+xml;base64,{data}"
            image = (f'<object type="image/svg+xml" data="{uri}"></object>'
                     if "flame" in name else f'<img alt="{caption}" src="{uri}">')
            made.append(f'<figure>{image}<figcaption>{caption} (<a href="{name}">'
                        f"{name}</a>)</figcaption></figure>")
        return "".join(made)

    md = markdown.Markdown(extensions=["tables", "toc"], output_format="html")
    body = re.sub(r"<p>((?:<img [^>]*>\s*)+)</p>", figures, md.convert(text))
    body = body.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>")
    return body, [t for top in md.toc_tokens for t in top["children"]]


def environment(report):
    """What the templates know."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    env.globals.update(
        {name: getattr(report, name) for name in dir(report)
         if not name.startswith("_")}, number=number, base=BASE, others=OTHERS,
        margin=MARGIN, mixed=MIXED, zswap=ZSWAP, cgroup=CGROUP, lmk=LMK,
        pressure=PRESSURE)
    return env


def main():
    """Read, compute, draw, write."""
    root = Path(sys.argv[1]).resolve()
    res = read_all(root)
    env = environment(Report(res))
    text = env.get_template("eval_report.md").render()
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    (root / "report.md").write_text(text)
    body, sections = page(root, text)
    (root / "index.html").write_text(env.get_template("eval_report.html").render(
        body=body, sections=sections))
    # What never came is null.
    figures = {f"{what} | {design}":
               [None if math.isinf(v) else v for v in values]
               for (what, design), values in res.figures.items()}
    (root / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
