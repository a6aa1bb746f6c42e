#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Figures in README and documents are those that were measured.

	cited.py		compare: do documents have what measured.json has?
	cited.py RESULTS...	take over the figures.json of a "make eval", or the
				results.json of a "make run" or "make try", and put
				them into the documents

Each line of cited.txt is FILE: TEXT as it is there, however it is broken into lines,
with {WHAT | DESIGN | FORMAT} for a figure. FORMAT is how many digits, with "~" for
the range, too, or "/" for the part of the unpatched kernel's; {REVISION of RESULTS} is
what was measured.
"""

import json
import re
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
FIGURES = Path(__file__).with_name("measured.json")
CITED = Path(__file__).with_name("cited.txt")


def take(figures, path):
    """Medians, with their ranges, of a file of results."""
    results = json.loads(path.read_text())
    if "rows" in results:
        revision = results["machine"]["commit"]
        # "run" or "try"
        what = results["machine"]["command"].split()[1]
        found = {}
        for r in results["rows"]:
            name = f"{what}, {r['group']}: {r['what']} | "
            found[name + "unpatched"], found[name + "on"] = r["unpatched"], r["on"]
            found[name + "verdict"] = r["verdict"]
            found[name + "interval"] = f"{r['low']:.2f}-{r['high']:.2f}"
        for variant, samples in results["prices"].items():
            found |= {f"{what}, {figure} | {variant}": v
                      for figure, v in samples.items()}
    else:
        revision = re.search(r"^commit (\S+)",
                             (path.parent / "machine").read_text(), re.M)[1]
        what, found = "eval", results
    found["REVISION of " + what] = revision
    for name, values in found.items():
        if isinstance(values, str):
            figures[name] = values
        elif None not in values:
            figures[name] = [float(f"{f(values):.6g}")
                             for f in (statistics.median, min, max)]


def text_of(figures, name):
    """A figure as the documents have it."""
    if name not in figures:
        what, design, form = name.rsplit(" | ", 2)
        median, low, high = figures[f"{what} | {design}"]
        digits = int(form.strip("~/"))
        if form.startswith("/"):
            return f"{median / figures[f'{what} | unpatched'][0]:.{digits}f}"
        text = f"{median:.{digits}f}"
        if form.endswith("~") and low != high:
            text += f" ({low:.{digits}f}-{high:.{digits}f})"
        return text
    return figures[name]


def pattern_of(text):
    """What a line of cited.txt looks like with whatever figures, and their names."""
    # Not the end of a longer word or number.
    pattern, names = r"(?<![\w.])" if text[0].isalnum() else "", []
    for i, piece in enumerate(re.split(r"\{(.*?)\}", text)):
        if i % 2:
            names.append(piece)
            pattern += r"(\S+?(?: \(\S+\))?)" if piece.endswith("~") else \
                "(.*?)" if piece.endswith(("verdict", "interval")) else \
                r"(\w+)" if piece.startswith("REVISION") else r"(-?[\d.]+)"
        else:
            pattern += r"\s+".join(re.escape(w) for w in re.split(r"\s+", piece))
    return re.compile(pattern), names


def main():
    """Compare, or put in."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for path in sys.argv[1:]:
        take(figures, Path(path))
    wrong = 0
    for line in CITED.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, text = line.partition(": ")
        pattern, names = pattern_of(text)
        document = (HERE / name).read_text()
        found = list(pattern.finditer(document))
        if len(found) != 1:
            print(f"error: {name} has this {len(found)} times: {text}", file=sys.stderr)
            wrong += 1
            continue
        there = document[found[0].start():found[0].end()]
        right = there
        # From the end, so that what is before stays where it is.
        for i in range(len(names), 0, -1):
            start, end = (x - found[0].start() for x in found[0].span(i))
            right = right[:start] + text_of(figures, names[i - 1]) + right[end:]
        if right == there:
            continue
        if sys.argv[1:]:
            (HERE / name).write_text(document.replace(there, right))
        else:
            print(f"error: {name} has\n\t{there}\nand was measured\n\t{right}",
                  file=sys.stderr)
            wrong += 1
    if sys.argv[1:]:
        FIGURES.write_text(json.dumps(figures, indent=0, sort_keys=True) + "\n")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
