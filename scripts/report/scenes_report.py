#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare scenes on two kernels: scenes_report.py OUT. OUT has what the guests
"unpatched" and "ours" left, and small ones. Prints a table for the documentation,
and writes OUT/scenes.tap: a scene may only fail if it fails on the unpatched
kernel, too, and no figure may be worse than there by more than it says itself.
Exits with 1 if one does."""

import re
import sys
from pathlib import Path


def lines_of(out, name):
    """Of that file, from the guest and from the small one."""
    for path in out / name, out.with_name(out.name + "-small") / name:
        if path.exists():
            yield from path.read_text().splitlines()


def results(out):
    """{scene: ok, not ok, or why it was skipped}, in their order; one in both is
    as the worse"""
    found, note = {}, ""
    for line in lines_of(out, "scenes.sh.tap"):
        m = re.match(r"(ok|not ok) \d+ (\w+)(.*)", line)
        if m and found.get(m[2]) != "not ok":
            found[m[2]] = note if "SKIP" in m[3] else m[1]
        elif line.startswith("# "):
            note = line[2:]
    return found


def facts(out):
    """{(scene, what): (figure, unit, allowance, source)}"""
    found = {}
    for line in lines_of(out, "scenes.tsv"):
        scene, source, what, figure, unit, more = line.split("\t")
        found[scene, what] = (float(figure), unit, more, source)
    return found


def at_most(figure, more):
    """What is no worse than FIGURE, or None if all is."""
    if more == "-":
        return None
    if more.endswith("%"):
        return figure * (1 + float(more[:-1]) / 100)
    return figure + float(more)


def words(scene):
    """A scene's name as a sentence."""
    return scene.replace("_", " ").capitalize()


def compare(unpatched, ours):
    """(ok or not ok; what) for each scene and each bounded figure"""
    before, after = results(unpatched), results(ours)
    if not before or before.keys() != after.keys():
        yield "not ok", "both kernels ran the same scenes"
    for scene, how in after.items():
        if how == "not ok" and before.get(scene) == "not ok":
            yield "ok", f"{scene} # SKIP fails on the unpatched kernel, too"
        elif how in ("ok", "not ok"):
            yield how, scene
        else:
            yield "ok", f"{scene} # SKIP {how}"
    before = facts(unpatched)
    for (scene, what), (figure, unit, more, _) in facts(ours).items():
        if (scene, what) not in before:
            yield "not ok", f"{scene}: {what}: no figure of the unpatched kernel"
            continue
        bound = at_most(before[scene, what][0], more)
        if bound is None:
            continue
        yield ("ok" if figure <= bound else "not ok",
               f"{scene}: {what}: {figure:g} {unit}, unpatched"
               f" {before[scene, what][0]:g}")


def print_table(unpatched, ours):
    """As reStructuredText."""
    before = facts(unpatched)
    did = results(unpatched), results(ours)
    rows = [("Scene, and where it comes from", "Unpatched", "Ours")]
    all_facts = facts(ours)
    for scene in did[1]:
        of_scene = [(k[1], v) for k, v in all_facts.items() if k[0] == scene]
        source = of_scene[0][1][3] if of_scene else ""
        rows.append((words(scene) + (f" ({source})" if source else ""),
                     did[0].get(scene, ""), did[1][scene]))
        for what, (figure, unit, _, _) in of_scene:
            if (scene, what) in before:
                rows.append((f"- {what}", f"{before[scene, what][0]:g} {unit}",
                             f"{figure:g} {unit}"))
    widths = [max(len(r[i]) for r in rows) for i in range(3)]
    bar = "  ".join("=" * w for w in widths)
    print(bar)
    for i, row in enumerate(rows):
        print("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())
        if i == 0:
            print(bar)
    print(bar)


def main():
    """Both."""
    out = Path(sys.argv[1])
    unpatched, ours = out / "unpatched", out / "ours"
    print_table(unpatched, ours)
    lines = list(compare(unpatched, ours))
    with (out / "scenes.tap").open("w") as tap:
        print("KTAP version 1", f"1..{len(lines)}", sep="\n", file=tap)
        for n, (how, what) in enumerate(lines, 1):
            print(how, n, what, file=tap)
    for how, what in lines:
        if how == "not ok":
            print(f"worse: {what}", file=sys.stderr)
    return any(how == "not ok" for how, _ in lines)


if __name__ == "__main__":
    sys.exit(main())
