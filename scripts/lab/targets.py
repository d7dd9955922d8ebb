# SPDX-License-Identifier: MIT
"""Each figure of selftests/targets.tsv judged: met, MISSED, or absent. Senses of a target:

    times   how many times less than the other side, at the x where that is least
    less    to the other side, at the x where that is most
    more    to the other side, where more is better, at the x where that is least
    flat    the greatest of the axis to the least
    slope   as less, of what each further one costs between two x
    most    by itself, at the x where it is most
    least   by itself, where more is better, at the x where it is least
"""
import csv
import os
import textwrap

import data as lab


def values(data, row, side):
    """x -> value of the x that the row asks for."""
    xs = data.xs(row["suite"], row["figure"])
    wanted = row["xs"]
    if wanted.endswith("+"):
        xs = [x for x in xs if x >= int(wanted[:-1])]
    elif wanted != "*":
        xs = [int(x) for x in wanted.split(",")]
    # A time is to native's, or libuv's, already.
    given = row["suite"] in ("time", "host") and side == lab.base(row["figure"])
    found = {x: 1.0 if given else data.value(row["suite"], row["figure"], x, side) for x in xs}
    return {x: value for x, value in found.items() if value is not None}


def slope(of):
    few, many = min(of), max(of)
    return (of[many] * many - of[few] * few) / (many - few)


def judge(data, row):
    """(is met, figure, what the side and the other have), or None where something is absent."""
    mine, other = values(data, row, row["side"]), values(data, row, row["against"])
    both = [x for x in mine if x in other]
    asked = row["xs"].split(",") if row["xs"][-1] not in "*+" else both
    if not both or len(both) < len(asked):
        return None
    limit, sense = float(row[f"limit-{data.kernel}"]), row["sense"]
    if sense in ("most", "least"):
        got = max(mine.values()) if sense == "most" else min(mine.values())
        return (round(got, 3) <= limit if sense == "most" else round(got, 3) >= limit), got, got, got
    if sense == "slope":
        got = slope(mine) / slope(other)
        return round(got, 3) <= limit, got, slope(mine), slope(other)
    if sense == "flat":
        low, high = min(mine.values()), max(mine.values())
        return round(high / low, 3) <= limit, high / low, high, low
    if sense == "times":
        x = min(both, key=lambda at: other[at] / mine[at])
        return round(other[x] / mine[x], 3) >= limit, other[x] / mine[x], mine[x], other[x]
    if sense == "more":
        x = min(both, key=lambda at: mine[at] / other[at])
        return round(mine[x] / other[x], 3) >= limit, mine[x] / other[x], mine[x], other[x]
    x = max(both, key=lambda at: mine[at] / other[at])
    return round(mine[x] / other[x], 3) <= limit, mine[x] / other[x], mine[x], other[x]


def text(data):
    """The table, with the reason for what was missed."""
    absent = data.absent()[0]
    counts = {"met": 0, "MISSED": 0, "absent": 0}
    lines = [
        f"Targets on {data.release()}: instructions and bytes: {data.label('cost', 'memory')}; time: {data.label('time', 'accept')}",
        f"  {'':6}  {'target':>8}  {'got':>8}  {'it has':>12}  {'other has':>12}",
    ]
    with open(os.path.join(lab.TOP, "selftests", "targets.tsv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        sign = ">=" if row["sense"] in ("times", "more", "least") else "<="
        limit = f"{sign} {float(row[f'limit-{data.kernel}']):g}"
        judged = judge(data, row)
        if not judged:
            why = absent.get(row["side"]) or {"time": "make bench", "host": "make bench", "accept": "make bench", "scale": "make scale"}.get(row["suite"], "not measured")
            lines.append(f"  {'absent':6}  {limit:>8}  {'-':>8}  {'-':>12}  {'-':>12}  {row['what']} ({why})")
            counts["absent"] += 1
            continue
        met, got, mine, other = judged
        verdict = "met" if met else "MISSED"
        counts[verdict] += 1
        lines.append(f"  {verdict:6}  {limit:>8}  {got:8.3f}  {mine:12.4g}  {other:12.4g}  {row['what']}")
        if not met and row["why"]:
            lines += textwrap.wrap(row["why"], 130, initial_indent=54 * " ", subsequent_indent=54 * " ", drop_whitespace=True)
    lines.append("  " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return "\n".join(lines)
