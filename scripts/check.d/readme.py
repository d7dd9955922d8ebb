#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What README.md says and a machine can judge.

Its C example compiles without a warning, for 64 and 32 bits, in at most 20 lines; the table of known differences is
what scripts/semantics makes of selftests/differences.tsv, and each of its rows is shown by a test that exists; so is
each tick of ours in the table of who can do what, which is made from selftests/capabilities.tsv; the map of kmod/ names each file; the table that leads from
fs/eventpoll.c names each of its functions, and each place that it leads to exists; the make targets and the paths that
it names exist.
"""
import glob
import os
import re
import subprocess
import tempfile

import capabilities
import csource

README = "README.md"
EXAMPLE_LINES = 20
FUNCTION = re.compile(r"`(\w+)\(\)`")
FILE = re.compile(r"`(\w+\.[ch])`")
# Entry points by macro, not functions that the parser sees; and the kernel's second copy of the parts it leaves out.
NOT_FUNCTIONS = ("SYSCALL_DEFINE", "COMPAT_SYSCALL_DEFINE", "DEFINE_", "fs_initcall")


def block(text, name):
    found = re.search(rf"<!-- {name}:.*?-->\n(.*?)<!-- end of {name} -->", text, re.S)
    return found.group(1) if found else None


def example(text):
    found = re.search(r"```c\n(.*?)```", text, re.S)
    if not found:
        yield f"{README}: has no example in C"
        return
    code = found.group(1)
    if len(code.splitlines()) > EXAMPLE_LINES:
        yield f"{README}: the example has more than {EXAMPLE_LINES} lines"
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "example.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(code)
        for bits in ("-m64", "-m32"):
            command = ["gcc", bits, "-Wall", "-Wextra", "-Werror", "-Iuapi", "-o", os.path.join(directory, "example"), source]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                yield f"{README}: the example does not compile with {bits}:\n{done.stderr}"


def who_can_do_what(text):
    shown = block(text, "capabilities")
    if shown is None or shown.strip() != capabilities.markdown():
        yield (
            f"{README}: the table of who can do what is not what scripts/check.d/capabilities.py prints;"
            " scripts/check.d/readme.py --update puts it in"
        )
    yield from capabilities.problems()


def differences(text):
    shown = block(text, "differences")
    made = subprocess.run(["scripts/semantics", "--differences-markdown"], capture_output=True, text=True)
    if made.returncode:
        yield f"scripts/semantics --differences-markdown failed: {made.stderr.strip()}"
    elif shown is None or shown.strip() != made.stdout.strip():
        yield (
            f"{README}: the table of differences is not what scripts/semantics --differences-markdown prints;"
            " scripts/check.d/readme.py --update puts it in"
        )
    claims = capabilities.tests()
    with open("selftests/differences.tsv", encoding="utf-8") as file:
        rows = [line.split("\t") for line in file if line.strip() and not line.startswith(("#", "id\t"))]
    for row in rows:
        if row[2] not in claims:
            yield f"selftests/differences.tsv: row {row[0]} is shown by {row[2]}, which is no test"


def kmod_map(text):
    named = set(FILE.findall(block(text, "kmod") or ""))
    present = set(map(os.path.basename, glob.glob("kmod/*.[ch]")))
    for name in sorted(named - present):
        yield f"{README}: the map names kmod/{name}, which does not exist"
    for name in sorted(present - named):
        if not (name.endswith(".h") and name[:-2] + ".c" in named):
            yield f"{README}: the map does not name kmod/{name}"


def native_functions():
    tools = subprocess.run(["scripts/check.d/kernel-tools"], check=True, capture_output=True, text=True).stdout.strip()
    names = {function.name for function in csource.Source(tools + "/fs/eventpoll.c").functions}
    return {name for name in names if not name.startswith(NOT_FUNCTIONS)}


def eventpoll(text):
    rows = [line.split("|")[1:3] for line in (block(text, "eventpoll") or "").splitlines() if line.startswith("| ")]
    led = {name for left, _ in rows for name in FUNCTION.findall(left)}
    native = native_functions()
    for name in sorted(led - native):
        yield f"{README}: fs/eventpoll.c has no {name}()"
    for name in sorted(native - led):
        yield f"{README}: the table leads from {name}() of fs/eventpoll.c to nowhere"
    for _, right in rows:
        for part in right.split(";"):
            places = FILE.findall(part)
            for name in FUNCTION.findall(part):
                if not any(defines("kmod/" + place, name) for place in places):
                    yield f"{README}: {name}() is not in kmod/{' or '.join(places) or '(no file named)'}"


def defines(path, name):
    return os.path.isfile(path) and any(function.name == name for function in csource.Source(path).functions)


def names(text):
    with open("Makefile", encoding="utf-8") as file:
        targets = set(re.findall(r"^([\w-]+)(?:\s[\w\s-]*)?:", file.read(), re.M))
    for target in sorted(set(re.findall(r"(?:`|^)make ([a-z][a-z-]+)", text, re.M))):
        if target not in targets:
            yield f"{README}: there is no 'make {target}'"
    for path in re.findall(r"`((?:kmod|uapi|userlib|selftests|scripts|LICENSES)/[\w./-]*)`", text):
        if not os.path.exists(path):
            yield f"{README}: {path} does not exist"


def put(text, name, made):
    """@text with @made as its block @name."""
    return re.sub(
        rf"(<!-- {name}:.*?-->\n).*?(<!-- end of {name} -->)",
        lambda found: found.group(1) + made.strip() + "\n" + found.group(2),
        text,
        flags=re.S,
    )


def update(text):
    made = subprocess.run(["scripts/semantics", "--differences-markdown"], check=True, capture_output=True, text=True).stdout
    text = put(put(text, "differences", made), "capabilities", capabilities.markdown())
    with open(README, "w", encoding="utf-8") as file:
        file.write(text)


def main(text):
    for check in (example, kmod_map, eventpoll, names, differences, who_can_do_what):
        try:
            yield from check(text)
        except FileNotFoundError as error:
            yield f"{README}: {error.filename} is needed to check it and does not exist"


if __name__ == "__main__":
    import sys

    with open(README, encoding="utf-8") as readme:
        content = readme.read()
    if sys.argv[1:] == ["--update"]:
        update(content)
    else:
        csource.report(main(content))
