#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who can do what: selftests/capabilities.tsv, judged, and as the table of README.md (printed if run by itself; --check only judges).

What others can do has a reference to their manual, what epollx can do a test that exists.
"""
import csv
import glob
import re
import sys

import csource

TABLE = "selftests/capabilities.tsv"
OURS = "epollx"


def rows():
    with open(TABLE, newline="", encoding="utf-8") as file:
        return list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))


def cell(text, is_ours):
    mark, _, proof = text.partition(": ")
    if mark != "yes":
        return mark
    return f"yes, `{proof}`" if is_ours else f"yes, {proof}"


def markdown():
    table = rows()
    names = list(table[0])
    lines = ["| " + " | ".join([""] + names[1:]) + " |", "|" + " --- |" * len(names)]
    for row in table:
        cells = [row[names[0]]] + [cell(row[name], name == OURS) for name in names[1:]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def tests():
    """The names of all tests."""
    claims = set()
    for path in glob.glob("selftests/*_test.c"):
        with open(path, encoding="utf-8") as file:
            claims.update(re.findall(r"^TEST\w*\((?:\w+, )?(\w+), *\n?\s*\"", file.read(), re.M))
    return claims


def problems():
    claims, seen = tests(), set()
    for row in rows():
        what = row["capability"]
        if what in seen:
            yield f"{TABLE}: '{what}' is there twice"
        seen.add(what)
        if None in row or None in row.values():
            yield f"{TABLE}: '{what}' has not as many cells as there are columns"
            continue
        for name, text in list(row.items())[1:]:
            mark, _, proof = text.partition(": ")
            if mark not in ("yes", "no") and (text != "?" or name == OURS):
                yield f"{TABLE}: '{what}', {name}: neither yes nor no"
            elif (mark == "yes") != bool(proof):
                yield f"{TABLE}: '{what}', {name}: a yes has its proof behind it, and nothing else has"
            elif mark == "yes" and name == OURS and proof not in claims:
                yield f"{TABLE}: '{what}' is shown by {proof}, which is no test"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        csource.report(problems())
    else:
        print(markdown())
