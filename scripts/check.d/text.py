#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Rules that look at lines only: text.py spdx|words|portable|size."""
import os
import re
import sys

import csource

MIT = "MIT"
KERNEL = "GPL-2.0-only"
UAPI = "(GPL-2.0 WITH Linux-syscall-note) OR MIT"
LICENCE_TEXTS = ("GPL-2.0-only.txt", "MIT.txt", "Linux-syscall-note.txt")

# These formats have no comment syntax, or are text about the tree.
NO_TAG = (".md", ".patch", ".tsv", ".json", ".txt", ".gitignore", ".gitattributes", ".svg", ".png", ".abi")

# Written in two halves so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b|(?i:not imple" r"mented|\bst" r"ub(s|bed)?\b)")
ELSEWHERE = re.compile(
    r"(?<![\w.$})])/(work/|root/(?!dev\b))|/home/\w|/tmp/ep" r"x/|"
    r"\b(deb|security|ftp|snapshot)(\.\w+)?\.debi" r"an\.org|\bpyp" r"i\.|pythonh" r"osted|npm" r"js|crates\.i" r"o\b|proxy\.gol" r"ang"
)
CEILING = {".c": 400, ".h": 300}


def licence_of(path):
    # A module that calls what the kernel exports to GPL modules only; its header is for user programs too.
    if path.startswith("kmod/") or (path.startswith("selftests/probe/") and path.endswith(".c")):
        return KERNEL
    if path.startswith("uapi/"):
        return UAPI
    return MIT


def tag_line(path, licence):
    """The lines that may carry the tag: C headers use a block comment, C files a line comment."""
    tag = "SPDX-License-Identifier: " + licence
    if path.endswith((".h", ".S", ".lds", ".css")):
        return f"/* {tag} */"
    if path.endswith((".c", ".go", ".js", ".pml", ".rs")):
        return f"// {tag}"
    if path.endswith(".html"):
        return f"<!-- {tag} -->"
    if re.search(r"\.[1-9]$", path):
        return f'.\\" {tag}'
    return f"# {tag}"


def spdx():
    for name in LICENCE_TEXTS:
        if not os.path.isfile("LICENSES/" + name):
            yield f"LICENSES/{name}: is missing"
    for path in csource.tracked():
        if path.endswith(NO_TAG) or path.startswith("LICENSES/") or csource.is_binary(path):
            continue
        lines = csource.read(path)
        first = 1 if lines and lines[0].startswith("#!") else 0
        want = tag_line(path, licence_of(path))
        if len(lines) <= first or lines[first] != want:
            yield f"{path}:{first + 1}: the line must be: {want}"


def search(pattern, what):
    for path in csource.tracked():
        if path.startswith("LICENSES/") or csource.is_binary(path):
            continue
        for number, line in enumerate(csource.read(path), 1):
            found = pattern.search(line)
            if found:
                yield f"{path}:{number}: {what}: {found.group(0)}"


def words():
    yield from search(UNFINISHED, "a word of unfinished work")


def portable():
    yield from search(ELSEWHERE, "belongs to one machine or one mirror")


def size():
    for path in csource.tracked("*.c", "*.h"):
        limit = CEILING[os.path.splitext(path)[1]]
        count = len(csource.read(path))
        if count > limit:
            yield f"{path}: {count} lines, the ceiling is {limit}: split it by responsibility"


CHECKS = {"spdx": spdx, "words": words, "portable": portable, "size": size}

if __name__ == "__main__":
    csource.report(CHECKS[sys.argv[1]]())
