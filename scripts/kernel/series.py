#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Cut what is here into a series of patches.

	series.py PATCHES STAGE OUT

PATCHES is the base's folder, and STAGE what "apply.sh stage" has. OUT receives a folder
for each patch of the series, 01/ and so on, with those of the kernel's files that are
new or not as they were when it is applied, and NN.message beside it. What is printed is
a line for each: NN, "base" or "optional", "code" if it changes any, and its subject.

First come the files of series/ that begin with two digits: subject and text of a patch,
a line "%%", and what is not there yet before it. Then the base's optional patches, each
with what is in series/NNNN if there is that. It is told from the end: the last folder
is STAGE, and each patch says what to take away:

	new PATH...		files, or all that is in a folder
	hooks NNNN...		what patches change
	in FILE [of BASE]	from here on, of FILE, if it is for that base:
	drop NAME...		functions, structures, macros, prototypes, with the comment
				above and the export below
	field STRUCT NAME...	members, with their lines of kernel-doc
	replace			the lines that follow, each after a "|", by those that follow
	by			this, if there is any, and up to a "."
"""

import re
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path


SERIES = Path(__file__).resolve().parents[2] / "series"


class Mistake(Exception):
    """Something in a step does not fit what is there."""


def comment_above(lines, at):
    """Where the comment, or the attributes, right above a line begin."""
    if at and lines[at - 1].rstrip().endswith("*/"):
        at -= 1
        while not lines[at].lstrip().startswith("/*"):
            at -= 1
    return at


def end_of(lines, at):
    """Where what is defined at a line ends: behind its last line."""
    if lines[at].startswith("#define"):
        while lines[at].endswith("\\"):
            at += 1
        return at + 1
    if lines[at].endswith(" {"):
        while not lines[at].startswith("}"):
            at += 1
        return at + 1
    while lines[at] != "{":
        if lines[at].endswith((";", "{ }")):
            return at + 1
        at += 1
    while lines[at] != "}":
        at += 1
    return at + 1


def places_of(lines, name):
    """Where a name is defined or declared, each as (begin, end)."""
    what = re.compile(rf"(#define {name}\b|(struct|enum) {name} \{{|"
                      rf"[A-Za-z_][^=;]*\b\**{name}(\(|;| =|\[)|{name}\()")
    at = 0
    while at < len(lines):
        if not what.match(lines[at]) or re.match(r"EXPORT_|#include|return", lines[at]):
            at += 1
            continue
        begin = at
        # The type may have a line of its own.
        if begin and re.match(r"(static|unsigned|struct|void)\b[^;({]*$",
                              lines[begin - 1]):
            begin -= 1
        end = end_of(lines, at)
        if end < len(lines) and re.match(rf"EXPORT_SYMBOL\w*\({name}\);", lines[end]):
            end += 1
        yield comment_above(lines, begin), end
        at = end


def drop(lines, name):
    """Without what defines a name."""
    places = list(places_of(lines, name))
    if not places:
        raise Mistake(f"there is no {name}")
    for begin, end in reversed(places):
        del lines[begin:end]
        if begin < len(lines) and not lines[begin] and \
           (not begin or not lines[begin - 1]):
            del lines[begin]
    return lines


def drop_field(lines, struct, name):
    """Without a member of a structure, and its lines of kernel-doc."""
    for doc, line in enumerate(lines):
        if re.match(rf" \* @{name}:", line):
            head = next(i for i in range(doc, -1, -1) if lines[i].startswith("/**"))
            if f"struct {struct} " in lines[head + 1]:
                end = doc + 1
                while re.match(r" \* *\t", lines[end]):
                    end += 1
                del lines[doc:end]
                break
    else:
        raise Mistake(f"struct {struct} has no @{name}")
    begin = lines.index(f"struct {struct} {{")
    for at in range(begin, len(lines)):
        if lines[at].startswith("}"):
            break
        if re.match(rf"\t.*\b{name}(\[.*\])?(;| ____)", lines[at]):
            del lines[at]
            return lines
    raise Mistake(f"struct {struct} has no {name}")


def replace(lines, old, new):
    """With other lines in place of some that are there once."""
    places = [i for i in range(len(lines)) if lines[i:i + len(old)] == old]
    if len(places) != 1:
        raise Mistake(f"{len(places)} times, not once:\n" + "\n".join(old))
    lines[places[0]:places[0] + len(old)] = new
    return lines


class Step:
    """A patch of the series."""

    def __init__(self, text, rest, hooks, kind, base):
        self.subject, _, self.text = text.partition("\n")
        self.text, self.rest, self.hooks = self.text.strip(), rest, hooks
        self.kind, self.base = kind, base

    @classmethod
    def of_series(cls, path, patches):
        """What a file of series/ says."""
        text, _, rest = path.read_text().partition("\n%%\n")
        hooks = [hook for line in rest.splitlines() if line.startswith("hooks ")
                 for n in line.split()[1:] for hook in patches.glob(f"{n}-*.patch")]
        return cls(text, rest, hooks, "base", patches.name)

    @classmethod
    def of_patch(cls, path):
        """An optional patch."""
        more = SERIES / path.name[:4]
        text = path.read_text().partition("\ndiff --git ")[0]
        return cls(re.sub("^Needs: .*\n+", "", text, flags=re.M),
                   more.read_text() if more.exists() else "", [path], "optional",
                   path.parent.parent.name)

    def hooked(self):
        """The kernel's files that its patches change."""
        return {line[6:] for h in self.hooks for line in h.read_text().splitlines()
                if line.startswith("+++ b/")}

    def edit(self, tree):
        """Take away what it brings to files that were there before."""
        for section in re.split("^in ", self.rest, flags=re.M)[1:]:
            words = iter(section.splitlines())
            name, *condition = next(words).split()
            if condition and condition != ["of", self.base]:
                continue
            lines = (tree / name).read_text().splitlines()
            for word in words:
                lines = self.edit_lines(lines, word.split(), words)
            (tree / name).write_text("\n".join(lines).rstrip("\n") + "\n")

    @staticmethod
    def edit_lines(lines, command, words):
        """Without what one command, with what follows it, takes away."""
        match command:
            case ["drop", *names]:
                for name in names:
                    lines = drop(lines, name)
            case ["field", struct, *names]:
                for name in names:
                    lines = drop_field(lines, struct, name)
            case ["replace"]:
                block = list(takewhile(lambda w: w != ".", words))
                if any(w[:1] != "|" and w != "by" for w in block):
                    raise Mistake("no end of:\n" + "\n".join(block))
                at = block.index("by") if "by" in block else len(block)
                lines = replace(lines, [w[1:] for w in block[:at]],
                                [w[1:] for w in block[at + 1:]])
            case [] | ["new" | "hooks", *_]:
                pass
            case _:
                raise Mistake(f"what is \"{' '.join(command)}\"?")
        return lines

    def new_files(self, tree):
        """Files that it brings whole."""
        for line in self.rest.splitlines():
            if line.startswith("new "):
                for name in line.split()[1:]:
                    if not (tree / name).exists():
                        raise Mistake(f"there is no {name}")
                    yield tree / name

    def undo(self, tree, hooked_before):
        """From the files that are changed when it is applied to those before."""
        for path in self.new_files(tree):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        for hook in reversed(self.hooks):
            for part in re.split(r"^(?=diff --git )", hook.read_text(), flags=re.M)[1:]:
                name = re.search(r"^\+\+\+ b/(.*)", part, flags=re.M)[1]
                if name in hooked_before:
                    subprocess.run(["patch", "-d", tree, "-p1", "-R", "--force",
                                    "--fuzz=0", "--no-backup-if-mismatch", "-r", "-",
                                    "-s"], input=part, text=True, check=True)
                else:
                    # It is the first that changes it.
                    (tree / name).unlink()
        self.edit(tree)


def differ(tree, before):
    """Whether a patch changes what a kernel is made of."""
    return any(path.is_file() and (not (before / name).exists() or
                                   path.read_bytes() != (before / name).read_bytes())
               for path in tree.rglob("*") for name in [path.relative_to(tree)]
               if name.parts[0] not in ("Documentation", "tools"))


def main():
    """Make the folders."""
    patches, stage, out = map(Path, sys.argv[1:])
    steps = []
    for step in [Step.of_series(p, patches)
                 for p in sorted(SERIES.glob("[0-9][0-9]-*"), reverse=True)]:
        if "hooks " in step.rest and not step.hooks:
            # The base has no such patch; files of ours come with the next one's.
            steps[0].rest += "\n".join(re.findall("^new .*", step.rest, flags=re.M))
        else:
            steps.insert(0, step)
    steps += map(Step.of_patch, sorted(patches.glob("optional/*.patch")))
    tree = out / f"{len(steps):02}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copytree(stage, tree)
    for n in range(len(steps) - 1, 0, -1):
        step, before = steps[n], out / f"{n:02}"
        shutil.copytree(tree, before)
        try:
            step.undo(before, set().union(*(s.hooked() for s in steps[:n])))
        except (Mistake, subprocess.CalledProcessError) as e:
            sys.exit(f"error: \"{step.subject}\" can't be taken off: {e}")
        tree = before
    for n, step in enumerate(steps, 1):
        (out / f"{n:02}.message").write_text(f"{step.subject}\n\n{step.text}\n")
        code = differ(out / f"{n:02}", out / f"{n - 1:02}")
        print(f"{n:02}\t{step.kind}\t{'code' if code else '-'}\t{step.subject}")


main()
