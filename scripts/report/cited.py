#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Figures in README and documents are those that were measured.

	cited.py		compare: do documents have what measured.json has?
	cited.py RESULTS...	take over the figures.json of a "make eval", or the
				results.json of a "make run" or "make try", and put
				them into the documents

Each line of cited.txt is FILE: TEXT as it is there, however it is broken into lines,
with {WHAT | DESIGN | FORMAT} for a figure. FORMAT is how many digits, with "~" for
the range, too, or "/" for the part of the unpatched kernel's; {REVISION of eval},
"run 7.3" or "try 6.12" is what was measured. "[A; B] TEXT" is a line for each of
these, with it for every "*".
"""

import json
import re
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
MEASURED = Path(__file__).with_name("measured.json")
CITED = Path(__file__).with_name("cited.txt")
NUMBER = r"-?\d+(?:\.\d+)?"


def from_run(results):
    """The name of a "make run" or "make try", and its figures."""
    machine = results["machine"]
    name = (machine["command"].split()[1] + " " +
            re.search(r"\d+\.\d+", machine["kernel"])[0])
    found = {"REVISION of " + name: machine["commit"]}
    for r in results["rows"]:
        what = f"{name}, {r['group']}: {r['what']} | "
        found[what + "unpatched"], found[what + "on"] = r["unpatched"], r["on"]
        found[what + "verdict"] = r["verdict"]
        found[what + "interval"] = f"{r['low']:.2f}-{r['high']:.2f}" if r["low"] else ""
    for variant, samples in results["prices"].items():
        found |= {f"{name}, {figure} | {variant}": v for figure, v in samples.items()}
    return name, found


def from_eval(results, folder):
    """The same of a "make eval", all of whose parts have to be of one revision."""
    revisions = {line.split()[1] for path in
                 [folder / "machine", *folder.glob("*/*/*/host")]
                 for line in path.read_text().splitlines() if line.startswith("commit ")}
    if len(revisions) != 1:
        sys.exit(f"error: {folder} has parts of {', '.join(sorted(revisions))}")
    return "eval", results | {"REVISION of eval": revisions.pop()}


def take(measured, path):
    """Medians, with their ranges, of a file of results, in place of earlier ones."""
    results = json.loads(path.read_text())
    name, found = from_run(results) if "rows" in results else \
        from_eval(results, path.parent)
    measured[name] = {
        what: v if isinstance(v, str) else
        [float(f"{f(v):.6g}") for f in (statistics.median, min, max)]
        for what, v in found.items() if isinstance(v, str) or None not in v}


def keys_of(name):
    """What a figure is called where it was measured; a ratio takes the unpatched
    kernel's, too."""
    if name.startswith("REVISION") or name.endswith(("verdict", "interval")):
        return [name]
    what, design, form = name.rsplit(" | ", 2)
    return [f"{what} | {design}"] + [f"{what} | unpatched"] * form.startswith("/")


def text_of(figures, name):
    """A figure as the documents have it; KeyError if it was not measured."""
    values, form = [figures[key] for key in keys_of(name)], name.split(" | ")[-1]
    if isinstance(values[0], str):
        return values[0]
    (median, low, high), digits = values[0], int(form.strip("~/"))
    if form.startswith("/"):
        return f"{median / values[1][0]:.{digits}f}"
    text = f"{median:.{digits}f}"
    if form.endswith("~") and low != high:
        text += f" ({low:.{digits}f}-{high:.{digits}f})"
    return text


def citations():
    """(FILE, TEXT) of all that is cited."""
    for line in CITED.read_text().splitlines():
        if line and not line.startswith("#"):
            name, words, text = re.fullmatch(r"(\S+): (?:\[(.*?)\] )?(.*)", line).groups()
            for word in (words or "").split("; "):
                yield name, text.replace("*", word) if words else text


def pattern_of(text):
    """What a text of cited.txt looks like with whatever figures, and their names."""
    # Not the end of a longer word or number.
    pattern, names = r"(?<![\w.])" if text[0].isalnum() else "", []
    for i, piece in enumerate(re.split(r"\{(.*?)\}", text)):
        if i % 2:
            names.append(piece)
            pattern += "(" + (
                rf"{NUMBER}(?: \({NUMBER}-{NUMBER}\))?" if piece.endswith("~") else
                ".*?" if piece.endswith(("verdict", "interval")) else
                r"[\w.+-]*\w" if piece.startswith("REVISION") else NUMBER) + ")"
        else:
            pattern += r"\s+".join(re.escape(w) for w in re.split(r"\s+", piece))
    return re.compile(pattern), names


def corrected(figures, match, names):
    """The text of a match with the right figures. What follows in a table stays in its
    column."""
    text, longer, end = "", 0, match.start()
    for i, name in enumerate(names, 1):
        text, longer = between(text, match.string[end:match.start(i)], longer)
        right, end = text_of(figures, name), match.end(i)
        text, longer = text + right, longer + len(right) - len(match[i])
    return between(text, match.string[end:match.end()], longer)[0]


def between(text, words, longer):
    """TEXT and WORDS, whose first gap between columns takes up how much longer TEXT is
    than it was; and how much is left of that."""
    gap = re.search(r"\n|(?<=\S)  +|^  +", words)
    if gap and longer:
        blanks = gap[0] if gap[0] == "\n" else " " * max(2, len(gap[0]) - longer)
        words, longer = words[:gap.start()] + blanks + words[gap.end():], 0
    return text + words, longer


def main():
    """Compare, or put in."""
    measured = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    for path in sys.argv[1:]:
        take(measured, Path(path))
    figures = {k: v for source in measured.values() for k, v in source.items()}
    documents, wrong, used = {}, [], set()
    for name, text in citations():
        document = documents.setdefault(name, (HERE / name).read_text())
        pattern, names = pattern_of(text)
        used.update(key for n in names for key in keys_of(n))
        found = list(pattern.finditer(document))
        if len(found) != 1:
            wrong.append(f"{name} has this {len(found)} times: {text}")
            continue
        try:
            right = corrected(figures, found[0], names)
        except KeyError as e:
            wrong.append(f"{name} has a figure that was not measured: {e}")
            continue
        if sys.argv[1:]:
            documents[name] = (document[:found[0].start()] + right +
                               document[found[0].end():])
        elif right.split() != found[0][0].split():
            wrong.append(f"{name} has\n\t{found[0][0]}\nand measured was\n\t{right}")
    for what in wrong:
        print(f"error: {what}", file=sys.stderr)
    if sys.argv[1:]:
        # What no document has is in the report.
        measured = {source: {key: v for key, v in found.items() if key in used}
                    for source, found in measured.items()}
        text = json.dumps(measured, indent=0, sort_keys=True) + "\n"
        MEASURED.write_text(re.sub(r"\[\n(.*),\n(.*),\n(.*)\n\]", r"[\1, \2, \3]", text))
        for name, document in documents.items():
            (HERE / name).write_text(document)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
