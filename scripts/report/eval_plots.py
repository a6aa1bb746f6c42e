# SPDX-License-Identifier: GPL-2.0
"""Plots as SVG, by gnuplot and flamegraph.pl, of figures that come ready."""

import math
import statistics
import subprocess
from collections import Counter

FLAMEGRAPH = "/usr/share/perl5/Devel/NYTProf/flamegraph.pl"
COLOURS = {
    "unpatched": "#7f7f7f", "optional": "#bcbd22", "disabled": "#c7c7c7",
    "array": "#d62728", "percpu": "#ff7f0e", "pages": "#9467bd",
    "plain": "#17becf", "perclass": "#1f77b4",
}
OTHER_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")


def colour(name, i):
    """A design looks the same in all plots."""
    return COLOURS.get(name, OTHER_COLOURS[i % len(OTHER_COLOURS)])


def gnuplot(path, title, commands, size="760,420"):
    """Run gnuplot; its SVG goes to path."""
    script = [f'set terminal svg size {size} font "sans,12" background "#ffffff"',
              f'set output "{path}"', f'set title "{title}" noenhanced',
              'set grid ytics lc rgb "#dddddd"', "set border 3",
              "set tics nomirror", *commands]
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True,
                   check=True)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    return path


def block(name, rows):
    """Rows as a data block of gnuplot's."""
    return [f"${name} << EOD",
            *(" ".join(str(x) for x in row) for row in rows), "EOD"]


def lines(path, title, axes, series, log="", bars=True):
    """{name: [(x, median, min, max)]} as lines; bars show the spread."""
    commands = [f'set xlabel "{axes[0]}"', f'set ylabel "{axes[1]}"',
                "set yrange [0:*]", "set key outside right top noenhanced"]
    if log:
        xs = [x for points in series.values() for x, *_ in points]
        commands += [f"set logscale {log} 2",
                     f"set {log}range [{min(xs) * 0.9}:{max(xs) * 1.1}]"]
    plots = []
    for i, (name, points) in enumerate(series.items()):
        commands += block(f"d{i}", points)
        style = f'lc rgb "{colour(name, i)}" lw 2'
        plots.append(f'$d{i} using 1:2 with lines {style} title "{name}"')
        if bars:
            plots.append(f"$d{i} using 1:2:3:4 with yerrorbars {style} pt 7"
                         " ps 0.5 notitle")
    return gnuplot(path, title, commands + ["plot " + ", \\\n".join(plots)])


def stacked(path, title, ylabel, parts, rows, size="760,420"):
    """[(name, value, value...)] as bars, a part on top of the other."""
    commands = [f'set ylabel "{ylabel}"', "set style data histograms",
                "set style histogram rowstacked", "set boxwidth 0.7",
                "set style fill solid 0.9", "set yrange [0:*]",
                "set xtics rotate by -25 noenhanced",
                "set key outside top center horizontal",
                *block("d", rows)]
    shades = ("#1f77b4", "#aec7e8", "#ffbb78")
    plots = [f'$d using {i + 2}:xtic(1) lc rgb "{shades[i]}" title "{part}"'
             for i, part in enumerate(parts)]
    total = "+".join(f"${i + 2}" for i in range(len(parts)))
    plots.append(f'$d using 0:({total}):(sprintf("%.0f", {total})) with labels'
                 " offset 0,0.6 notitle")
    return gnuplot(path, title, commands + ["plot " + ", ".join(plots)], size)


def dots(path, title, ylabel, samples):
    """{name: [value, ...]}: every sample a dot, the median a bar."""
    commands = [f'set ylabel "{ylabel}"', "set yrange [0:*]",
                f"set xrange [-0.6:{len(samples) - 0.4}]",
                "set xtics rotate by -25 noenhanced", "unset key",
                "set style fill solid 0.35"]
    commands += ["set xtics (" + ", ".join(
        f'"{name}" {i}' for i, name in enumerate(samples)) + ")"]
    plots = []
    for i, (name, values) in enumerate(samples.items()):
        values = [v for v in values if not math.isinf(v)] or [0]
        commands += block(f"b{i}", [(i, statistics.median(values))])
        commands += block(f"d{i}", [(i, v) for v in values])
        style = f'lc rgb "{colour(name, i)}"'
        plots += [f"$b{i} using 1:2:(0.6) with boxes {style}",
                  f"$d{i} using 1:2 with points {style} pt 7 ps 0.7"]
    return gnuplot(path, title, commands + ["plot " + ", ".join(plots)],
                   "490,340")


def fold(stacks):
    """[[symbol, innermost first]] to {"outermost;...;innermost": samples}"""
    return Counter(";".join(reversed(s)) for s in stacks)


def flame(path, title, folded, before=None):
    """A flame graph; with the stacks before, coloured by the difference."""
    if before is None:
        text = "".join(f"{s} {n}\n" for s, n in sorted(folded.items()))
    else:
        text = "".join(f"{s} {before[s]} {folded[s]}\n"
                       for s in sorted(set(folded) | set(before)))
    svg = subprocess.run(["perl", FLAMEGRAPH, "--title", title, "--width",
                          "1000", "--minwidth", "0.5", "--hash"],
                         input=text, text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    path.write_text(svg)
    return path
