#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The library's core can be read in one sitting, and its parts know of each other what they should.

core/ has at most CORE_LINES lines, headers included. The executor's files do not include the reactor's; core/ includes
nothing of around/ or backend/, and neither of these includes the other. What the shared library exports is what the
headers declare.
"""
import os
import re

import csource

CORE_LINES = 1500
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
# Of core/, from the top. A file includes what is below it, its own header, and what is public.
REACTOR = ("reactor.h", "io.h", "reactor.c", "io.c")


def forbidden(path, header):
    part, name = os.path.split(os.path.relpath(path, "userlib"))
    target = header.split("/")[0] if "/" in header else part
    if part == "core" and target != "core":
        return "core/ includes nothing of the other parts"
    if part in ("around", "backend") and target not in (part, "core"):
        return f"{part}/ includes nothing of {target}/"
    if part == "core" and os.path.basename(header) in REACTOR and name not in REACTOR:
        return "the executor does not know the reactor"
    return None


def declared():
    """The functions that the headers declare and do not define."""
    for path in csource.tracked("userlib/include/*.h"):
        text = "\n".join(csource.Source(path).code)
        text = re.sub(r"(?m)^#(.*\\\n)*.*$", "", text)
        text = re.sub(r"static inline[^{;]*\{.*?\n\}", "", text, flags=re.S)
        yield from re.findall(r"(?m)^\w[\w *]*?\b(epx_\w+)\(", text)


def exported():
    for path in csource.tracked("userlib/libepollx.map"):
        yield from re.findall(r"\b(epx_\w+);", "\n".join(csource.read(path)))


def main():
    headers, library = set(declared()), set(exported())
    for name in sorted(headers ^ library):
        yield f"userlib/libepollx.map: {name} is {'exported and in no header' if name in library else 'not exported'}"
    lines = 0
    for path in csource.tracked("userlib/core/*", "userlib/around/*", "userlib/backend/*"):
        source = csource.read(path)
        if path.startswith("userlib/core/"):
            lines += len(source)
        for number, line in enumerate(source, 1):
            found = INCLUDE.match(line)
            why = forbidden(path, found.group(1)) if found else None
            if why:
                yield f"{path}:{number}: includes {found.group(1)}: {why}"
    if lines > CORE_LINES:
        yield f"userlib/core: {lines} lines, at most {CORE_LINES} are to be read in one sitting"


if __name__ == "__main__":
    csource.report(main())
