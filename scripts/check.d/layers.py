#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kmod's own includes run downward only, and only compat.h compares kernel versions.

A header may be included from its own layer or from above. The files of the core are peers that know each other; in
the other layers nobody includes a neighbour. A new file has to be placed here.
"""
import os
import re

import csource

# From the top. A name stands for NAME.c and NAME.h; instance.h, which has the structs, is a layer below instance.c.
LAYERS = (
    ("main",),
    ("selftest", "device"),
    ("enter",),
    ("batch", "gather", "wait_into"),
    ("change",),
    ("interest", "wait", "fdinfo"),
    ("ready", "hook", "exclusive", "slots", "runner", "deadline", "bury", "nest", "fput", "limits", "busypoll", "wakeup", "instance", "debugfs", "tree", "pin", "ring", "ring_publish", "ring_scan", "ring_map", "source", "source_new", "source_scan", "post", "timer", "clock", "measure"),
    ("trace",),
    ("instance.h",),
    ("counters", "argument", "lookup"),
    ("compat",),
)
CORE = 6
DEPTH = {name: depth for depth, names in enumerate(LAYERS) for name in names}


def layer(name):
    """Of a file: its own entry if it has one, else that of its stem; None if it has no place."""
    return DEPTH.get(name, DEPTH.get(os.path.splitext(name)[0]))


INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
VERSION = re.compile(r"\b(LINUX_VERSION_CODE|KERNEL_VERSION|LINUX_VERSION_MAJOR|LINUX_VERSION_PATCHLEVEL)\b")


def main():
    for path in csource.tracked("kmod/*.c", "kmod/*.h"):
        name = os.path.basename(path)
        stem = os.path.splitext(name)[0]
        own = layer(name)
        if own is None:
            yield f"{path}: is in no layer: place it in scripts/check.d/layers.py"
            continue
        source = csource.Source(path)
        for number, (line, code) in enumerate(zip(source.lines, source.code), 1):
            if VERSION.search(code) and stem != "compat":
                yield f"{path}:{number}: kernel versions are compared in kmod/compat.h only"
            found = INCLUDE.match(line)
            if not found:
                continue
            header = found.group(1)
            if not os.path.isfile("kmod/" + header):
                yield f"{path}:{number}: includes {header}, which is not in kmod/"
            elif header == stem + ".h" or own == layer(header) == CORE:
                continue
            elif (layer(header) or 0) <= own:
                yield f"{path}:{number}: {name} (layer {own}) includes {header} (layer {layer(header)}): not downward"


if __name__ == "__main__":
    csource.report(main())
