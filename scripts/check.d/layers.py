#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kmod's own includes run downward only, and only compat.h compares kernel versions.

A file may include its own header and headers of the layers below its own; a new file has to be placed here.
"""
import os
import re

import csource

# From the top; within a layer, nobody includes a neighbour.
LAYERS = (
    ("main",),
    ("device", "debugfs"),
    ("interest", "wait", "fdinfo"),
    ("hook", "nest", "fput"),
    ("ready", "limits", "busypoll"),
    ("trace",),
    ("instance",),
    ("compat",),
)
DEPTH = {name: depth for depth, names in enumerate(LAYERS) for name in names}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
VERSION = re.compile(r"\b(LINUX_VERSION_CODE|KERNEL_VERSION|LINUX_VERSION_MAJOR|LINUX_VERSION_PATCHLEVEL)\b")


def main():
    for path in csource.tracked("kmod/*.c", "kmod/*.h"):
        stem = os.path.splitext(os.path.basename(path))[0]
        if stem not in DEPTH:
            yield f"{path}: is in no layer: place it in scripts/check.d/layers.py"
            continue
        source = csource.Source(path)
        for number, (line, code) in enumerate(zip(source.lines, source.code), 1):
            if VERSION.search(code) and stem != "compat":
                yield f"{path}:{number}: kernel versions are compared in kmod/compat.h only"
            found = INCLUDE.match(line)
            if not found:
                continue
            other = os.path.splitext(os.path.basename(found.group(1)))[0]
            if not os.path.isfile("kmod/" + found.group(1)):
                yield f"{path}:{number}: includes {found.group(1)}, which is not in kmod/"
            elif other != stem and DEPTH.get(other, -1) <= DEPTH[stem]:
                yield f"{path}:{number}: {stem} (layer {DEPTH[stem]}) includes {other} (layer {DEPTH.get(other)}) upward"


if __name__ == "__main__":
    csource.report(main())
