#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Where a release and a drain spend their time: native_profile.py SAMPLES KERNEL,
of what perf script printed of a kernel that ran as a process.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from samples import read_frames, table

# Who is on the stack of a release, and of a drain.
PARTS = {"release": ("__vm_munmap", "exit_mmap"),
         "drain": ("zsdefer_flush", "zsdefer_drain")}
LINES = 20


def read(path):
    """{part: Counter of innermost addresses}, and how many samples there were."""
    parts, samples = {part: Counter() for part in PARTS}, read_frames(path)
    for _, frames in samples:
        for part, tops in PARTS.items():
            if any(symbol.startswith(tops) for _, symbol in frames):
                parts[part][frames[0][0]] += 1
                break
    return parts, len(samples)


def output_of(*command):
    """Its lines."""
    return subprocess.run(command, check=True, capture_output=True,
                          text=True).stdout.splitlines()


def lines_of(kernel, offsets):
    """For each offset in the file ["function file:line", ...], innermost first."""
    for line in output_of("readelf", "-lW", kernel):
        fields = line.split()
        if fields[:1] == ["LOAD"] and " R E " in line:
            bias = int(fields[2], 16) - int(fields[1], 16)
    found = []
    for line in output_of("addr2line", "-a", "-f", "-i", "-s", "-e", kernel,
                          *(hex(int(o, 16) + bias) for o in offsets)):
        if line.startswith("0x"):
            found.append([])
        else:
            found[-1].append(line.split(" ")[0])
    return [[f"{f} {at}" for f, at in zip(f[::2], f[1::2])] for f in found]


def main():
    """Read, count, print."""
    parts, n = read(Path(sys.argv[1]))
    print(f"{n} samples of {sys.argv[2]}")
    for part, counter in parts.items():
        if not counter:
            continue
        total = sum(counter.values())
        top = counter.most_common(LINES)
        lines = lines_of(sys.argv[2], [a for a, _ in top])
        print(f"\n{part}, {total} samples\n")
        print(table(["%", "line", "inlined into"],
                    [[f"{100 * c / total:.1f}", where[0], ", ".join(where[1:3])]
                     for (_, c), where in zip(top, lines)]))


if __name__ == "__main__":
    main()
