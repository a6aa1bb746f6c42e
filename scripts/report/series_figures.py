#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the patches of the series cost and save, by a "make eval PARTS=patches".

	series_figures.py patch RESULTS NN	for the message of a patch
	series_figures.py all RESULTS		for a cover letter
"""

import json
import re
import statistics
import sys
from pathlib import Path

from samples import add_costs, read_lines, table

FIGURES = ("release", "release and drain", "page-out", "swap-in")
SWAPS = {"zram0": "zram", "zswap": "zswap"}


class Patches:
    """The figures of a folder of results."""

    def __init__(self, results):
        self.root = results / "patches"
        self.list = [line.split(None, 3)
                     for line in (self.root / "list").read_text().splitlines()]

    def numbers(self):
        """Of those that change code, and the unpatched kernel's, which is 00."""
        return [n for n, _, code, _ in self.list if code == "code"]

    def costs(self, n, guest):
        """{figure: instructions a page}"""
        figures = {}
        if (self.root / n / guest).exists():
            add_costs(figures, read_lines(self.root / n / guest / "price.jsonl"))
        return {what: statistics.median(values) for what, values in figures.items()}

    def revision(self):
        """What was measured."""
        for host in self.root.glob("*/*/host"):
            for line in host.read_text().splitlines():
                if line.startswith("commit "):
                    return line.split()[1]
        return "unknown"


def about_patch(patches, n):
    """What it changes, a line for each of who swaps."""
    numbers = patches.numbers()
    if n not in numbers:
        return ""
    lines = ["", "Instructions a page, before and after (-icount, 16 MiB of mixed data):",
             ""]
    for guest, name in SWAPS.items():
        before = patches.costs(numbers[numbers.index(n) - 1], guest)
        after = patches.costs(n, guest)
        lines.append(f"  {name + ':':6} " + ", ".join(
            f"{what} {before[what]:.0f} {after[what]:.0f}" for what in FIGURES))
    return "\n".join(lines)


def about_all(patches):
    """A table of all of them: its head, and its rows."""
    base = {guest: patches.costs("00", guest) for guest in SWAPS}

    def cell(n, guest, unpatched, what):
        cost = patches.costs(n, guest)
        return f"{cost[what]:.0f} ({cost[what] / unpatched[what]:.2f})" if cost else "-"

    columns = [(guest + off, base[guest], what) for guest in SWAPS
               for off, what in (("", FIGURES[0]), ("", FIGURES[1]), ("-off", FIGURES[1]))]
    head = ["", "up to"] + [f"{name}, {what}" for name in SWAPS.values()
                            for what in ("release", "and drain", "turned off")]
    return head, [[n, subject] + [cell(n, *c) for c in columns]
                  for n, _, code, subject in patches.list if code == "code"]


def back(results):
    """When the memory of a killed process is back, by CPUs, if a "make eval" of all
    parts told."""
    path = results / "figures.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    found = {(int(m[1]), m[2]) for f in figures
             if (m := re.match(r"cpus-(\d+), (\d+) MiB of 1: back", f))}
    if not found:
        return []
    cpus, sizes = (sorted(set(x)) for x in zip(*found))

    def cell(n, design):
        samples = [figures.get(f"cpus-{n}, {sizes[0]} MiB of 1: {f} | {design}")
                   for f in ("released", "back")]
        return "; ".join(f"{statistics.median(s):.0f}" if s and None not in s else "-"
                         for s in samples)

    return ["", f"A killed process of {sizes[0]} MiB in zram is gone, and its memory is"
            " back, after so", "many ms, medians, in a guest that is emulated:", "",
            table(["", *(f"{n} CPUs" for n in cpus)],
                  [[what] + [cell(n, design) for n in cpus] for what, design in (
                      ("the unpatched kernel", "unpatched"),
                      ("deferring alone", "deferring"),
                      ("batches, too", "plain"), ("all patches", "perclass"))])]


def letter(patches, results):
    """The same for a cover letter, whose lines are shorter."""
    head, rows = about_all(patches)
    return "\n".join((
        "Instructions a page with these patches and those before, and in brackets",
        f"of the unpatched kernel's (-icount, 16 MiB of mixed data, {patches.revision()}):",
        "", table(head[:1] + head[2:], [[r[0]] + r[2:] for r in rows]), *back(results)))


def main():
    """By the command line."""
    what, results, *n = sys.argv[1:]
    results = Path(results)
    patches = Patches(results)
    print(about_patch(patches, *n) if what == "patch" else letter(patches, results))


if __name__ == "__main__":
    main()
