# SPDX-License-Identifier: MIT
"""The figures as curves, by gnuplot: SVG files beside the page that shows them."""
import os
import subprocess

import data as lab
from tables import TITLES

COLOURS = {
    "native": "#000000", "epollx": "#0072b2", "ring": "#d55e00", "batch": "#009e73", "poll": "#999999",
    "select": "#bbbbbb", "io_uring": "#cc79a7", "libevent": "#e69f00", "libuv": "#56b4e9",
    "lib-ring": "#d55e00", "lib-ioctl": "#0072b2", "lib-epoll": "#009e73", "libev": "#cc79a7", "go": "#999999", "tokio": "#8c564b",
    "timerfd": "#bbbbbb",
    "exclusive": "#999999", "reuseport": "#e69f00", "fifo": "#d55e00", "rotate": "#009e73",
}


def gnuplot(name, commands):
    path = os.path.join(lab.OUT, name)
    script = f"set terminal svg size 860,440 font 'sans,12' background 'white'\nset output '{path}'\nset grid\nset key outside\n"
    subprocess.run(["gnuplot"], input=script + commands, text=True, check=True, stdout=subprocess.DEVNULL)
    return name


def blocks(series):
    """Named inline data, one for each side."""
    return "".join(f"$d{i} << EOD\n" + "\n".join(" ".join(f"{v:.8g}" for v in row) for row in rows) + "\nEOD\n" for i, rows in enumerate(series))


def text(value):
    return value.replace('"', "'").replace("_", "\\\\_")


def curves(data, suite, name, title, y_label):
    """Values over x; log scales where they span more than a decade."""
    sides = [side for side in (lab.WAYS if suite == "accept" else lab.SIDES) if len(data.xs(suite, name, side)) > 1]
    if not sides:
        return None
    spread = suite in ("time", "host")
    series = []
    for side in sides:
        rows = []
        for x in data.xs(suite, name, side):
            figure = data.figure(suite, name, x, side)
            rows.append((x, figure["value"], figure["q1"], figure["q3"]) if spread else (x, figure["value"]))
        series.append(rows)
    xs = [row[0] for rows in series for row in rows]
    ys = [row[1] for rows in series for row in rows if row[1] > 0]
    log_x = min(xs) > 0 and max(xs) / min(xs) >= 10
    log_y = ys and max(ys) / min(ys) >= 10
    commands = blocks(series) + f'set title "{text(title)}"\nset ylabel "{text(y_label)}"\n'
    commands += "set logscale x\n" if log_x else ""
    commands += "set logscale y\n" if log_y else "set yrange [0:*]\n"
    how = "with yerrorlines" if spread else "with linespoints"
    parts = [f"$d{i} {how} lw 2 lc rgb '{COLOURS[side]}' title \"{text(side)}\"" for i, side in enumerate(sides)]
    if spread:
        parts.append(f"1 with lines dashtype 2 lc rgb 'black' title '{lab.base(name)}'")
    kind = f"{suite}-{name}-{data.kernel}.svg"
    return gnuplot(kind, commands + "plot " + ", ".join(parts) + "\n")


def bars(data, suite, names, title, y_label, kind):
    """Benchmarks that have one x: a group for each, relative to their measure."""
    base = lab.base(names[0])
    sides = [side for side in lab.SIDES if side != base and any(data.xs(suite, name, side) for name in names)]
    rows = []
    for name in names:
        x = data.xs(suite, name)[0]
        native = 1 if suite in ("time", "host") else data.value(suite, name, x, base)
        cells = [data.value(suite, name, x, side) for side in sides]
        if native:
            rows.append(f'"{text(name)}" ' + " ".join("NaN" if c is None else f"{c / native:.6g}" for c in cells))
    if not rows or not sides:
        return None
    commands = "$d << EOD\n" + "\n".join(rows) + f'\nEOD\nset title "{text(title)}"\nset ylabel "{text(y_label)}"\n'
    commands += "set style data histograms\nset style fill solid 0.7\nset yrange [0:*]\nset xtics rotate by -20\n"
    parts = [f"$d using {i + 2}{':xtic(1)' if i == 0 else ''} lc rgb '{COLOURS[s]}' title \"{text(s)}\"" for i, s in enumerate(sides)]
    parts.append(f"1 with lines dashtype 2 lc rgb 'black' title '{base}'")
    return gnuplot(f"{kind}-{data.kernel}.svg", commands + "plot " + ", ".join(parts) + "\n")


def draw(data):
    plots = []
    for suite, y_label in (("cost", "guest instructions"), ("time", "of native's"), ("host", "of libuv's"), ("accept", ""), ("memory", "bytes"), ("scale", "")):
        single = []
        for name in data.names(suite):
            if len(data.xs(suite, name)) == 1 and suite not in ("scale", "accept") and name != "close_cost":
                single.append(name)
                continue
            title = f"{name}: {TITLES.get(name, '')} ({data.label(suite)})" if suite != "scale" else f"scale, {name} ({data.label(suite)})"
            unit = y_label or next(f["unit"] for f in data.figures.values() if f["suite"] == suite and f["name"] == name)
            plots.append(curves(data, suite, name, title, unit if lab.base(name) == "native" else unit.replace("native", "libuv")))
        for base in ("native", "libuv"):
            names = [name for name in single if lab.base(name) == base]
            label = {"cost": "guest instructions", "memory": "bytes"}.get(suite, "time")
            if names:
                title = f"relative to {base}, {label} ({data.label(suite)})"
                plots.append(bars(data, suite, names, title, f"of {base}'s", f"{suite}-single-{base}"))
    return [plot for plot in plots if plot]
